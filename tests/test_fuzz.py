"""Whatever is in a file, reading it gives a sound value or a documented error that names it: nothing else, ever.

A file is damaged in its bytes, as by a disk, and in its meaning, as by a hand: JSON with other values in other places,
parquet with other columns. Every reader of a file is in READERS; what was found here once stands in FOUND.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.calibration.validation import check_predictions
from bench.catalog.languages import parse_languages
from bench.catalog.own_models import own_model
from bench.data.mirror import find_file, find_model
from bench.data.sources import Access
from bench.errors import BadInput, Corrupt, CrosscalError, DataError
from bench.export.model_index import write_model_cards
from bench.export.parquet import write_parquet
from bench.export.properties import case_properties
from bench.gate.baseline import Baseline, read_baseline, write_baseline
from bench.gate.compare import compare
from bench.gate.measured import Measured, measured
from bench.modeling.directory import EncoderShape, check_shape, read_config
from bench.plan import Training
from bench.predictions import read_predictions, write_predictions
from bench.report.claims import claims_page
from bench.report.fidelity import fidelity_page
from bench.report.language_table import languages_of
from bench.report.leaderboard import contents, leaderboard
from bench.report.ledger import Ledger, read_ledger, write_ledger
from bench.report.page.page import page
from bench.report.sections import sections
from bench.report.summary import terminal_summary
from bench.rows import POINT_METRICS, read_rows, write_rows
from bench.store.manifest import check_files, read_manifest, seal
from bench.store.pins import pin, pins
from bench.stored_rows import noted
from bench.strict_json import MAX_DEPTH, parse_json
from bench.weights import locate
from tests.kinds_factory import make_kind
from tests.prediction_factory import make_predictions
from tests.row_factory import STUDY, estimate, make_row
from tests.strategies import damaged, other_json

KEY = "ab" * 32
CHECKED_IN_CI, CHECKED_AT_NIGHT = 1_000, 100_000
# What a hostile file of a few kilobytes may make Arrow take: far more would be its claims, not its content.
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Reader:
    """How one kind of file is read: a sound one, its place in a directory, the reader, what it may raise."""

    valid: bytes
    place: str
    read: Callable[[Path], Any]
    raises: tuple[type[CrosscalError], ...]
    others: tuple[st.SearchStrategy[bytes], ...] = ()
    prepare: Callable[[Path], None] = lambda directory: None

    @property
    def inputs(self) -> st.SearchStrategy[bytes]:
        return st.one_of(damaged(self.valid), *self.others)


def _rows() -> bytes:
    views = {"em": {"n": 3, "groups": 1, "metrics": {"gap": estimate(0.1)}, "transfer": None, "pairing": None}}
    sets = {name: {"gap": 0.1, "mean_size": 1.5} for name in ("lac", "aps", "raps")}
    changes = {
        "views": views | {"none": None},
        "task_scores": {"f1": {"value": 0.5, "low": 0.4, "high": 0.6}},
        "baseline": {"name": "majority", "score": "f1", "value": 0.3},
        "prediction_sets": sets,
        "flags": ["subset"],
        "trajectory": [
            {"step": step, "examples": 32 * step, "predictions": "p", **dict.fromkeys(POINT_METRICS, 0.1 * step)}
            for step in (2, 4)
        ],
        "throughput": {"train_examples_per_s": 9.5},
    }
    lines = [make_row(seed=seed, **changes).data for seed in (0, 1)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read_rows(directory: Path) -> None:
    rows = read_rows(directory / "results.jsonl")
    write_rows(directory / "again.jsonl", rows)
    assert {row.key for row in read_rows(directory / "again.jsonl")} == {row.key for row in rows}
    try:
        languages = languages_of(rows)
        page(contents(rows, Ledger(), languages), {}, [])
        leaderboard(rows, Ledger(), languages)
        claims_page(rows)
        fidelity_page(rows)
        write_parquet(rows, directory / "rows.parquet")
        write_model_cards(sections(rows, Ledger(), languages), directory / "cards")
        case_properties([noted(row) for row in rows])
        terminal_summary(rows, Ledger(), languages, 100)
    except CrosscalError:
        # A target or a world that this version does not have: the reports say so, and not which file it was in.
        return


def _read_ledger(directory: Path) -> None:
    ledger = read_ledger(directory / "ledger.json")
    write_ledger(directory / "again.json", ledger)
    assert read_ledger(directory / "again.json") == ledger
    leaderboard([], ledger, {})


def _ledger() -> bytes:
    entries = [
        {"id": "mini-none-xnli-sw-s0", "reason": "", "status": "run", "study": STUDY},
        {"id": "mini-none-xnli-tr-s0", "reason": "needs gpu: none", "status": "skipped", "study": STUDY},
    ]
    return json.dumps({"entries": entries, "schema": 1}).encode()


def _mirror() -> list[dict[str, Any]]:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return [
        {"path": "datasets/x/y.parquet", "rows": 3, "sha256": empty, "note": "SUBSET: invented"},
        {"path": "models/a/b/config.json", "sha256": empty, "note": "complete"},
    ]


def _prepare_mirror(directory: Path) -> None:
    for entry in _mirror():
        (directory / entry["path"]).parent.mkdir(parents=True)
        (directory / entry["path"]).touch()


def _read_mirror(directory: Path) -> None:
    found = find_file([directory], "datasets/x/y.parquet"), find_model([directory], "a/b")
    assert found[0].path == directory / "datasets/x/y.parquet"
    assert found[1] == directory / "models/a/b"


CONFIG = {
    "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta", "hidden_size": 16, "num_hidden_layers": 2,
    "intermediate_size": 32, "vocab_size": 13, "max_position_embeddings": 66, "pad_token_id": 1, "auto_map": {"x": "y"},
}  # fmt: skip


def _prepare_model(directory: Path) -> None:
    (directory / "model.safetensors").touch()
    (directory / "config.json").write_text(json.dumps(CONFIG))


def _read_model(directory: Path) -> None:
    spec = own_model(f"mine={directory}")
    assert min(spec.layers, spec.hidden, spec.feed_forward, spec.vocabulary, spec.positions) >= 0
    assert isinstance(read_config(directory), dict)
    check_shape(directory, EncoderShape(spec.hidden or None, spec.layers or None, spec.vocabulary or None))


def _read_statement(directory: Path) -> None:
    weights = locate(own_model(f"mine={directory}"), Training("mine", None, "none", "xnli", 0, ""), Access())
    assert set(weights.flags) <= {"local_model", "quantised", "random_weights"}


def _read_pretraining(directory: Path) -> None:
    from bench.weights import _pretraining_flags

    assert all(isinstance(flag, str) for flag in _pretraining_flags(directory))


def _manifest() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        _prepare_artefact(Path(name))
        seal(Path(name), "checkpoint", KEY, {"seed": 0}, {"device": "cpu", "seconds": 1.5})
        return (Path(name) / "manifest.json").read_bytes()


def _prepare_artefact(directory: Path) -> None:
    (directory / "sub").mkdir()
    (directory / "sub" / "weights.bin").write_bytes(b"good")


def _read_manifest(directory: Path) -> None:
    manifest = read_manifest(directory, "checkpoint", KEY)
    assert manifest.key == KEY
    check_files(directory, manifest)


def _baseline() -> bytes:
    rows = [make_row(seed=seed, device="cpu", flags=["subset"]) for seed in (0, 1, 2)]
    with tempfile.TemporaryDirectory() as name:
        write_baseline(Path(name) / "b.jsonl", Baseline({row.id: measured(row) for row in rows}, {"made": "by hand"}))
        return (Path(name) / "b.jsonl").read_bytes()


def _read_baseline(directory: Path) -> None:
    found = read_baseline(directory / "b.jsonl")
    write_baseline(directory / "again.jsonl", found)
    assert read_baseline(directory / "again.jsonl") == found
    compare(found.conditions.values(), measured_now())


@cache
def measured_now() -> tuple[Measured, ...]:
    return tuple(measured(make_row(seed=seed, nll=1.5)) for seed in (0, 1, 2))


def _pin() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        pin(Path(name), "pocket", "reports/baselines/pocket.jsonl", [("row", KEY), ("checkpoint", KEY)])
        return (Path(name) / "baselines" / "pocket.json").read_bytes()


def _read_pin(directory: Path) -> None:
    assert [one.name for one in pins(directory)] == ["pocket"]


def _predictions(predictions: Any) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        write_predictions(Path(name) / "p.parquet", predictions)
        return (Path(name) / "p.parquet").read_bytes()


def _read_predictions(directory: Path) -> None:
    found = read_predictions(directory / "p.parquet")
    assert found.labels.dtype == np.int64
    assert found.logits.dtype == np.float32
    assert found.logits.ndim == 2
    assert found.item_ids.dtype.kind == found.group_ids.dtype.kind == "U"
    assert found.posterior is None or found.posterior.dtype == np.float64
    try:
        check_predictions(found)
    except BadInput:
        # What the numbers mean is the scorer's business, which knows no file.
        return


@st.composite
def other_parquet(draw: Any, valid: bytes) -> bytes:
    """Return a sound parquet file near to `valid`: other types, lengths, names, missing values, metadata."""
    table = pq.read_table(io.BytesIO(valid))
    columns = dict(zip(table.column_names, table.columns, strict=True))
    rows = draw(st.sampled_from([0, 1, table.num_rows]))
    columns = {name: values.combine_chunks()[:rows] for name, values in columns.items()}
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(columns)) | st.sampled_from(["posterior", "column:", "column:x", "other"]))
        if draw(st.integers(0, 4)) == 0:
            columns.pop(name, None)
        else:
            columns[name] = draw(st.sampled_from(_COLUMNS))(rows)
    names = list(columns)
    if draw(st.integers(0, 9)) == 0 and len(names) > 1:
        names[0] = names[-1]
    metadata = table.schema.metadata
    if draw(st.integers(0, 2)) == 0:
        metadata = {b"crosscal": draw(other_json(json.loads(metadata[b"crosscal"])))}
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(list(columns.values()), names=names).replace_schema_metadata(metadata), file)
    return file.getvalue()


def _rectangle(kind: Any, width: int, missing: bool = False) -> Callable[[int], Any]:
    def made(rows: int) -> Any:
        values = [["x" if kind == pa.string() else 1] * width for _ in range(rows)]
        return pa.array([None, *values[1:]] if missing and rows else values, pa.list_(kind, width))

    return made


_COLUMNS: tuple[Callable[[int], Any], ...] = (
    lambda rows: pa.nulls(rows),
    lambda rows: pa.array([None] * rows, pa.int64()),
    lambda rows: pa.array([None] * rows, pa.string()),
    lambda rows: pa.array(["x"] * rows),
    lambda rows: pa.array(["x"] * rows, pa.large_string()),
    lambda rows: pa.array(["x"] * rows).dictionary_encode(),
    lambda rows: pa.array([b"\xff"] * rows, pa.binary()),
    lambda rows: pa.Array.from_buffers(pa.string(), rows, pa.array([b"\xff"] * rows, pa.binary()).buffers()),
    lambda rows: pa.array([2**62] * rows),
    lambda rows: pa.array([2**64 - 1] * rows, pa.uint64()),
    lambda rows: pa.array([1] * rows, pa.int8()),
    lambda rows: pa.array([True] * rows),
    lambda rows: pa.array([0.5] * rows),
    lambda rows: pa.array([float("nan")] * rows),
    lambda rows: pa.array([1] * rows, pa.decimal128(38, 2)),
    lambda rows: pa.array([1] * rows, pa.timestamp("ns")),
    lambda rows: pa.array([[1.0, 2.0]] * rows),
    lambda rows: pa.array([[]] * rows, pa.list_(pa.float32())),
    lambda rows: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
    lambda rows: pa.array([[("a", 1)]] * rows, pa.map_(pa.string(), pa.int64())),
    lambda rows: pa.array([[[1.0]]] * rows, pa.list_(pa.list_(pa.float32(), 1), 1)),
    _rectangle(pa.float32(), 3),
    _rectangle(pa.float32(), 1),
    _rectangle(pa.float32(), 3, missing=True),
    _rectangle(pa.float64(), 3),
    _rectangle(pa.int64(), 3),
    _rectangle(pa.string(), 1),
    _rectangle(pa.float16(), 3),
)


def _json(value: Any) -> tuple[st.SearchStrategy[bytes], ...]:
    return (other_json(value), other_json(value))


def _other_line(lines: bytes, place: int) -> st.SearchStrategy[bytes]:
    every = lines.splitlines()
    rest = every[:place], every[place + 1 :]
    return other_json(json.loads(every[place])).map(lambda line: b"\n".join([*rest[0], line, *rest[1]]))


_CSV = (Path(__file__).parents[1] / "bench/catalog/languages.csv").read_bytes()
_SHORT_CSV = b"".join(_CSV.splitlines(keepends=True)[:4])
_PAIRS, _TAGS = _predictions(make_predictions(4, posterior=True)), _predictions(make_kind("tagging", 4))
_MANIFEST = _manifest()

READERS = {
    "rows": Reader(_rows(), "results.jsonl", _read_rows, (BadInput,), (_other_line(_rows(), 0),) * 2),
    "ledger": Reader(_ledger(), "ledger.json", _read_ledger, (BadInput,), _json(json.loads(_ledger()))),
    "mirror": Reader(
        json.dumps(_mirror()).encode(), "manifest.json", _read_mirror, (DataError,), _json(_mirror()), _prepare_mirror
    ),
    "languages": Reader(
        _SHORT_CSV, "languages.csv", lambda directory: parse_languages((directory / "languages.csv").read_bytes()),
        (DataError,),
    ),
    "config": Reader(
        json.dumps(CONFIG).encode(), "config.json", _read_model, (BadInput,), _json(CONFIG), _prepare_model
    ),
    "statement": Reader(
        b'{"weights": "4-bit dequantised"}', "provenance.json", _read_statement, (DataError,),
        _json({"weights": "4-bit dequantised", "made": ["by", "hand"]}), _prepare_model,
    ),
    "pretraining": Reader(
        b'{"flags": ["aligned"]}', "pretraining.json", _read_pretraining, (DataError,), _json({"flags": ["aligned"]})
    ),
    "baseline": Reader(
        _baseline(), "b.jsonl", _read_baseline, (BadInput,), (_other_line(_baseline(), 0), _other_line(_baseline(), 1))
    ),
    "pin": Reader(
        _pin(), "baselines/pocket.json", _read_pin, (Corrupt,), _json(json.loads(_pin())),
        lambda directory: (directory / "baselines").mkdir(),
    ),
    "manifest": Reader(
        _MANIFEST, "manifest.json", _read_manifest, (Corrupt,), _json(json.loads(_MANIFEST)), _prepare_artefact
    ),
    "predictions": Reader(_PAIRS, "p.parquet", _read_predictions, (Corrupt,), (other_parquet(_PAIRS),)),
    "tags": Reader(_TAGS, "p.parquet", _read_predictions, (Corrupt,), (other_parquet(_TAGS),)),
}  # fmt: skip


def _changed(line: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(line) | changes).encode()


def _row(**changes: Any) -> bytes:
    return _changed(_rows().splitlines()[0], **changes)


def _table(metadata: dict[str, Any] | None = None, **columns: Any) -> bytes:
    table = pq.read_table(io.BytesIO(_PAIRS))
    own = dict(zip(table.column_names, table.columns, strict=True)) | columns
    header = table.schema.metadata if metadata is None else {b"crosscal": json.dumps(metadata).encode()}
    file = io.BytesIO()
    pq.write_table(pa.table(own).replace_schema_metadata(header), file)
    return file.getvalue()


_DEEP = b"[" * 100_000 + b"]" * 100_000
# What was once read with another error, or taken for sound.
FOUND = {
    "rows": (
        _DEEP,
        _row(world="/../../../w0"),
        _row(study="../" * 4),
        _row(flags=["\ud800"]),
        _row(metrics={"nll": {"value": 10**400}}),
        _row(metrics={"nll": {"value": 1e308}}),
        _row(n=-1),
        _row(views={"em": {"study": "x"}}),
        _row(views={"em": {"n": 1.5}}),
        _row(views=["em"]),
        _row(task_scores={"f1": 0.5}),
        _row(baseline={"score": "a|b", "value": 0.3}),
        _row(baseline={"score": "f1", "value": "x"}),
        _row(prediction_sets={"lac": {"gap": 0.1}}),
        _row(id="xlmr_base-none-xnli-sw-s" + "9" * 5000),
        _rows().replace(b'"n": 5010', b'"n": 5010, "n": 3'),
    ),
    "ledger": (_DEEP, _ledger().replace(b"none", b"\\ud800"), b'{"schema": 1, "entries": [[]]}'),
    "mirror": (
        _DEEP,
        b"5",
        b'[{"path": 5, "sha256": "x"}]',
        b'[{"path": [], "sha256": "x"}]',
        b'[{"path": "models/a/b/../../../../x", "sha256": "x"}]',
    ),
    "languages": (
        b"",
        _SHORT_CSV.splitlines()[0],
        _SHORT_CSV + b"x",
        _SHORT_CSV.rstrip() + b",1",
        _SHORT_CSV.rstrip().rpartition(b",")[0],
        _SHORT_CSV.replace(b"0.329", b"nan"),
        b"\0",
    ),
    "config": (
        _DEEP,
        _changed(json.dumps(CONFIG).encode(), num_hidden_layers=True),
        _changed(json.dumps(CONFIG).encode(), hidden_size=-16),
        _changed(json.dumps(CONFIG).encode(), vocab_size=10**30),
        _changed(json.dumps(CONFIG).encode(), intermediate_size="32"),
    ),
    "statement": (_DEEP, b"\xff"),
    "pretraining": (_DEEP, b'{"flags": 5}', b'{"flags": "aligned"}', b'{"flags": [null]}'),
    "baseline": (
        _DEEP,
        b"",
        _baseline().replace(b'"n":5010', b'"n":1e39'),
        _baseline().replace(b'"n":5010', b'"n":"7"'),
    ),
    "pin": (_DEEP,),
    "manifest": (_DEEP,),
    "predictions": (
        _table(label=pa.array([0, None, 1, 2])),
        _table(label=pa.array([0.0, 1.0, 2.0, 0.0])),
        _table(item_id=pa.array(["a", None, "b", "c"])),
        _table(item_id=pa.Array.from_buffers(pa.string(), 4, pa.array([b"\xff"] * 4, pa.binary()).buffers())),
        _table(logits=pa.array([[0.5, 1.0]] * 4)),
        _table(logits=pa.array([[0.5, None, 1.0]] * 4, pa.list_(pa.float32(), 3))),
        _table({"schema": 2}),
        _table({"schema": 1, "kind": None}),
        _table({"schema": 1, "kind": "tagging", "labels": None}),
    ),
    "tags": (),
}


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setenv("CROSSCAL_HOME", os.devnull)


def check(name: str, directory: Path, examples: int) -> None:
    reader = READERS[name]
    reader.prepare(directory)
    path = directory / reader.place
    times = itertools.count(10**18)

    def holds(content: bytes) -> None:
        _overwrite(path, content)
        # What is remembered by size and time must not be taken for this.
        os.utime(path, ns=(0, next(times)))
        most = max(pa.default_memory_pool().max_memory(), pa.total_allocated_bytes() + _MOST_BYTES)
        refusal = _refusal(reader, directory)
        assert refusal is None or reader.place in refusal
        assert pa.default_memory_pool().max_memory() <= most

    for content in (reader.valid, *FOUND[name]):
        holds(content)
    allowed = settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    allowed(given(reader.inputs)(holds))()


def _refusal(reader: Reader, directory: Path) -> str | None:
    try:
        reader.read(directory)
    except reader.raises as error:
        return str(error)
    return None


def _overwrite(path: Path, content: bytes) -> None:
    # Opening a file to write it anew takes ext4 milliseconds.
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(content)
        file.truncate()


@pytest.mark.parametrize("name", READERS)
def test_a_file_is_read_or_refused_by_name(name, tmp_path):
    check(name, tmp_path, CHECKED_IN_CI)


@pytest.mark.nightly
@pytest.mark.parametrize("name", READERS)
def test_a_file_is_read_or_refused_by_name_however_often(name, tmp_path):
    check(name, tmp_path, CHECKED_AT_NIGHT)


@pytest.mark.parametrize("name", READERS)
def test_a_sound_file_is_read_and_all_that_was_found_is_refused(name, tmp_path):
    reader = READERS[name]
    reader.prepare(tmp_path)
    _overwrite(tmp_path / reader.place, reader.valid)
    reader.read(tmp_path)
    for time, content in enumerate(FOUND[name]):
        _overwrite(tmp_path / reader.place, content)
        os.utime(tmp_path / reader.place, ns=(0, time))
        with pytest.raises(reader.raises, match=reader.place):
            reader.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[NaN]", "NaN is no JSON number"),
        ("[1e999]", "1e999 is beyond what a float can be"),
        ("[9223372036854775808]", "9223372036854775808 is beyond 64 bits"),
        ("[" + "9" * 5000 + "]", "9" * 20 + " is beyond 64 bits"),
        ('{"a": 1, "b": 2, "a": 3}', "the name 'a' stands twice in one object"),
        ('["\\ud800"]', "a string holds half of a surrogate pair"),
        ('{"\\udfff": 1}', "a string holds half of a surrogate pair"),
        ("[" * 51 + "]" * 51, "it is nested more than 50 levels deep"),
        ("[" * 100_000, "it is nested more than 50 levels deep"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff"),
        ("", "Expecting value"),
    ],
)
def test_json_that_readers_disagree_on_is_refused(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_json(text)


def test_json_at_its_limits_is_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert parse_json("[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]
    assert parse_json('"\\ud83d\\ude00"') == "😀"
    assert parse_json(b'{"a": {"a": "\\u00e9"}}') == {"a": {"a": "é"}}
