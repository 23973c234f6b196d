"""What comes from elsewhere: no path leads outside, no code runs, no pickle is read, no report is scripted."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bench.canonical import canonical_json, digest
from bench.catalog.own_models import own_model
from bench.condition import Condition
from bench.data.mirror import find_file, find_model
from bench.data.sources import Access
from bench.errors import BadInput, Corrupt, CrosscalError, DataError
from bench.modeling.directory import has_masked_head, read_config, weight_files, weights_digest
from bench.modeling.encoder import load_config, load_encoder
from bench.modeling.tokenization import load_tokenizer
from bench.plan import Training
from bench.report.directory import write_reports
from bench.report.leaderboard import leaderboard
from bench.report.ledger import Ledger, LedgerEntry, read_ledger, write_ledger
from bench.report.sections import sections
from bench.report.summary import terminal_summary
from bench.report.tables import markdown_table, terminal_table
from bench.store import KINDS, Failures, Store
from bench.store.manifest import read_manifest
from bench.weights import locate
from tests.row_factory import LANGUAGES, STUDY, estimate, make_data, make_row, make_rows
from tests.strategies import HOSTILE_TEXTS, hostile_text
from tests.tiny_models import make_tiny_model

ROOT = Path(__file__).parents[1]

PARTS = (
    "..",
    ".",
    "",
    "a",
    "b",
    "secret",
    "models",
    "datasets",
    "..\\a",
    "a\0",
    "C:",
    "~",
    "\ud800",
    "x" * 300,
    "/",
    "\\",
)
HOSTILE_PATHS = (
    "../secret", "../../secret", "/etc/passwd", "//a", "a/../../secret", "a/..", "..", ".", "", "a/", "a//b", "a/./b",
    "..\\secret", "a\\..\\..\\secret", "C:\\secret", "C:/secret", "C:secret", "\\\\host\\share", "a\0b",
    "a\0/../../secret", "file:///etc/passwd", "a:b", "\ud800", "\udcff", "x" * 300,
)  # fmt: skip
# Names like any other, as long as nothing expands or decodes them.
ODD_PATHS = ("~/secret", "~root", "%2e%2e/secret", "．．/secret", "‥/secret", "$HOME/x", "/".join(["a"] * 3000))
paths = (
    st.sampled_from(HOSTILE_PATHS + ODD_PATHS)
    | st.lists(st.sampled_from(PARTS), max_size=5).map("/".join)
    | st.text(max_size=12)
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A mirror with one file and one model, beside it what no path may lead to, and links of every kind."""
    root = tmp_path_factory.mktemp("places") / "mirror"
    for place in (root / "a", root / "models" / "a" / "b", root.parent / "a", root.parent / "secret"):
        place.mkdir(parents=True)
        for name in ("b", "config.json", "secret"):
            with contextlib.suppress(IsADirectoryError):
                (place / name).write_text("{}")
    (root.parent / "secret.parquet").write_text("secret")
    (root / "link").symlink_to("../secret.parquet")
    (root / "absolute").symlink_to(root.parent / "secret.parquet")
    (root / "chain").symlink_to("link")
    (root / "folder").symlink_to("../secret")
    (root / "inner").symlink_to("a/b")
    (root / "models" / "out").symlink_to("../../secret")
    (root / "models" / "part").mkdir()
    (root / "models" / "part" / "config.json").write_text("{}")
    (root / "models" / "part" / "model.safetensors").symlink_to("../../../secret.parquet")
    return root


@given(paths, st.sampled_from([find_file, find_model]))
def test_whatever_a_mirror_gives_lies_in_it(mirror, path, find):
    try:
        found = find([mirror], path)
    except (BadInput, DataError):
        return
    place = getattr(found, "path", found)
    assert place is None or place.resolve().is_relative_to(mirror.resolve())


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=ascii)
def test_no_hostile_path_is_looked_for(mirror, path):
    for find in (find_file, find_model):
        if find is find_model and path == "":
            continue
        with pytest.raises(BadInput, match="a path in a mirror is made of plain names joined by '/'"):
            find([mirror], path)


@pytest.mark.parametrize("path", ["link", "absolute", "chain", "folder/secret"])
def test_links_out_of_a_mirror_are_not_followed(mirror, path):
    with pytest.raises(DataError, match=r"leads outside the mirror, to .*secret.*; copy what it links to into the mir"):
        find_file([mirror], path)


@pytest.mark.parametrize("hub_id", ["out", "part"])
def test_nor_are_those_of_a_model(mirror, hub_id):
    with pytest.raises(DataError, match="leads outside the mirror"):
        find_model([mirror], hub_id)


def test_links_inside_a_mirror_and_a_mirror_that_is_a_link_are_followed(mirror, tmp_path):
    assert find_file([mirror], "inner").path == mirror / "inner"
    (tmp_path / "mirror").symlink_to(mirror)
    assert find_file([tmp_path / "mirror"], "a/b").path == tmp_path / "mirror" / "a" / "b"


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=ascii)
def test_a_manifest_that_leads_elsewhere_is_no_manifest(tmp_path, path):
    (tmp_path / "x").touch()
    (tmp_path / "manifest.json").write_text(json.dumps([{"path": path, "sha256": "0"}]))
    with pytest.raises(DataError, match=r"manifest\.json is no manifest"):
        find_file([tmp_path], "x")


@given(paths, st.integers(0, 5))
def test_no_id_has_more_than_a_plain_name(text, place):
    tokens = ["mini", "none", "xnli", "en", "0", "ls10"]
    tokens[place] = text
    try:
        one = Condition(*tokens[:4], 0, tokens[5]) if place != 4 else Condition.from_id(f"mini-none-xnli-en-s{text}")
    except BadInput:
        return
    assert re.fullmatch(r"[a-z0-9_-]+", one.id)
    assert (Path("/root") / one.id).parent == Path("/root")


@given(paths, st.booleans())
@example("mini=hub:../../secret", False)
def test_a_model_of_ones_own_is_no_way_out(mirror, path, as_token):
    try:
        spec = own_model(f"{path}={mirror}" if as_token else f"mini=hub:{path}")
        found = find_model([mirror], spec.hub_id)
    except (BadInput, DataError):
        return
    assert re.fullmatch(r"[a-z0-9_]+", spec.token)
    assert found is None or found.resolve().is_relative_to(mirror.resolve() / "models")


@pytest.mark.parametrize("hub_id", ["../x", "/x", "a/b/c", "a\\b", "", "a/", ".x", "a/..", "a:b", "-a", "a\n", "é"])
def test_a_hub_id_reads_owner_and_name(hub_id):
    with pytest.raises(BadInput, match=r"Got hub id .*, but a hub id reads OWNER/NAME, in letters, digits"):
        own_model(f"mini=hub:{hub_id}")


@pytest.mark.parametrize("hub_id", ["bert-base", "FacebookAI/xlm-roberta-base", "a/b_c.d-e"])
def test_hub_ids_are_hub_ids(hub_id):
    assert own_model(f"mini=hub:{hub_id}").hub_id == hub_id


@pytest.mark.parametrize("path", [path for path in HOSTILE_PATHS + ODD_PATHS if path], ids=ascii)
def test_a_directory_that_is_none_is_named(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput):
        own_model(f"mini={path}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths, st.sampled_from(KINDS))
def test_no_key_leads_out_of_the_store(tmp_path, key, kind):
    store = Store(tmp_path / "store")
    for call in (
        lambda: store.find(kind, key),
        lambda: store.find(key, STUDY),
        lambda: store.ensure(kind, key, {}, None),
    ):
        with pytest.raises(BadInput):
            call()
    failures = Failures(tmp_path / "store", "session")
    with pytest.raises(BadInput):
        failures.remember(key, "id", "message")
    with contextlib.suppress(BadInput):
        Failures(tmp_path / "store", key).remember(STUDY, "id", "message")
    assert {path.name for path in tmp_path.iterdir()} == {"store"}


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "..", "a/../../b", "manifest.json", ""])
def test_a_manifest_of_the_store_lists_nothing_outside_its_artefact(tmp_path, name):
    record = {"size": 1, "mtime_ns": 1, "sha256": "0" * 64}
    fields = {"kind": "row", "key": STUDY, "identity": {}, "provenance": {}, "files": {name: record}, "created": ""}
    (tmp_path / "manifest.json").write_text(canonical_json({**fields, "sha256": digest(fields)}))
    with pytest.raises(Corrupt):
        read_manifest(tmp_path, "row", STUDY)


@given(paths, paths)
@example("/../../../w0", STUDY)
@example("real", "../../../..")
def test_a_row_names_no_file_outside_the_output(world, study):
    output = Path("/somewhere/output")
    for changes in ({"world": world}, {"study": study}):
        try:
            (section,) = sections([make_row(**changes)], Ledger(), LANGUAGES)
        except BadInput:
            continue
        assert Path(os.path.normpath(output / f"degradation-{section.slug}.svg")).parent == output


CODE = "from pathlib import Path\nPath({sentinel!r}).touch()\nclass {name}:\n    pass\n"


class Malicious:
    """Makes a directory when it is unpickled."""

    def __init__(self, sentinel):
        self.sentinel = sentinel

    def __reduce__(self):
        return os.mkdir, (str(self.sentinel),)


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("plain") / "model")


@pytest.fixture
def hostile(plain_model, tmp_path, monkeypatch):
    """A sound model with code and pickles beside it, all of which leave a file `code` or `pickle` where they run."""
    monkeypatch.setenv("CROSSCAL_HOME", os.devnull)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    directory = tmp_path / "model"
    shutil.copytree(plain_model, directory)
    names = {
        "AutoConfig": "configuration_own.Own",
        "AutoModel": "modeling_own.Own",
        "AutoTokenizer": ["tokenization_own.Own"] * 2,
    }
    change(directory / "config.json", auto_map=names)
    change(directory / "tokenizer_config.json", auto_map=names)
    for name in ("configuration_own", "modeling_own", "tokenization_own", "torch", "conftest", "__init__"):
        (directory / f"{name}.py").write_text(CODE.format(sentinel=str(tmp_path / "code"), name="Own"))
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "vocab.pkl", "head.pkl", "model.pt"):
        torch.save({"a": Malicious(tmp_path / "pickle")}, directory / name)
    return directory


def change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def everything(directory):
    """Read the directory in every way there is, and return what was refused."""
    training, refused = Training("mini", None, "none", "xnli", 0, ""), []
    for read in (
        load_encoder, load_config, load_tokenizer, read_config, weight_files, weights_digest, has_masked_head,
        lambda place: own_model(f"mini={place}"), lambda place: locate(own_model(f"mini={place}"), training, Access()),
    ):  # fmt: skip
        try:
            read(directory)
        except CrosscalError as error:
            refused.append(error)
    return refused


def untouched(directory):
    return not (directory.parent / "code").exists() and not (directory.parent / "pickle").exists()


def test_code_and_pickles_beside_a_model_are_left_alone(hostile):
    assert everything(hostile) == []
    assert untouched(hostile)
    assert type(load_encoder(hostile)[0]).__name__ == "XLMRobertaModel"

    # The test would see it if one were read.
    torch.load(hostile / "vocab.pkl", weights_only=False)
    assert not untouched(hostile)


@pytest.mark.parametrize(
    "change_it",
    [
        lambda place: change(place / "config.json", model_type="own"),
        lambda place: change(place / "tokenizer_config.json", tokenizer_class="Own"),
        lambda place: (place / "tokenizer.json").unlink(),
        lambda place: (place / "model.safetensors").unlink(),
        lambda place: shutil.copy(place / "pytorch_model.bin", place / "model.safetensors"),
        lambda place: shutil.copy(place / "pytorch_model.bin", place / "tokenizer.json"),
        lambda place: shutil.copy(place / "pytorch_model.bin", place / "config.json"),
    ],
    ids=["model type", "tokenizer class", "no tokenizer", "no safetensors", "weights", "tokenizer", "configuration"],
)
def test_nothing_that_is_missing_makes_them_be_read(hostile, change_it):
    change_it(hostile)
    everything(hostile)
    assert untouched(hostile)


def test_a_model_of_its_own_code_is_refused(hostile):
    change(hostile / "config.json", model_type="own")
    with pytest.raises(BadInput, match="says model_type='own', which the installed transformers cannot read"):
        load_encoder(hostile)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "../outside.safetensors", "/etc/passwd", "sub/x.safetensors", 5, [], None]
)
def test_an_index_leads_to_safetensors_beside_it_alone(hostile, name):
    weights = hostile / "model.safetensors"
    shutil.copy(weights, hostile.parent / "outside.safetensors")
    weights.rename(hostile / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": {"embeddings.LayerNorm.bias": name}}
    (hostile / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match=r"index\.json is no index of weights \(.* is no safetensors file beside it\)"):
        load_encoder(hostile)
    assert untouched(hostile)


@pytest.mark.parametrize("name", ["other.safetensors", "../x.safetensors", "pytorch_model.bin", 5])
def test_a_configuration_names_no_weights(hostile, name):
    change(hostile / "config.json", transformers_weights=name)
    with pytest.raises(
        BadInput, match=r"names weights by transformers_weights, which nothing checks; remove that entr"
    ):
        load_encoder(hostile)


PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "pickletools"}
SOURCES = [
    path for part in ("bench", "fixtures", "suites", "conftest.py") for path in sorted((ROOT / part).rglob("*.py"))
]
SOURCES.append(ROOT / "conftest.py")
CONVERTER = "bench/convert.py"


def dangers(source):
    """Return what in Python source could run what a file holds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [f"import {name}" for name in names if name.split(".")[0] in PICKLES]
            if getattr(node, "module", None) == "torch":
                found += [f"import torch.{alias.name}" for alias in node.names if alias.name in ("load", "hub", "jit")]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        stated = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if called in ("torch.load", "torch.jit.load", "torch.hub.load", "eval", "exec", "__import__"):
            found.append(called)
        found += [
            f"{name}={stated[name]}"
            for name in ("allow_pickle", "trust_remote_code")
            if stated.get(name, "False") != "False"
        ]
        if called.endswith(".from_pretrained") and stated.get("trust_remote_code") != "False":
            found.append(f"{called} without trust_remote_code=False")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_but_the_converter_reads_what_can_run(path):
    expected = ["torch.load"] if path.relative_to(ROOT).as_posix() == CONVERTER else []
    assert dangers(path.read_text(encoding="utf-8")) == expected


def test_the_converter_reads_weights_only():
    (call,) = [
        node for node in ast.walk(ast.parse((ROOT / CONVERTER).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]  # fmt: skip
    assert {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}["weights_only"] == "True"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import joblib as j", "from torch import load", "torch.load(x)",
        "np.load(x, allow_pickle=True)", "f(trust_remote_code=yes)", "A.from_pretrained(x)", "eval(x)",
        "torch.hub.load(x)",
    ],
)  # fmt: skip
def test_the_scan_sees(source):
    assert dangers(source)


INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def cells_of(line):
    """Split a line of a pipe table into cells as GitHub does: a backslash takes the next character along."""
    assert line.startswith("|")
    assert line.endswith("|")
    return re.findall(r"\|((?:\\.|[^|\\])*)(?=\|)", line)


def tables_of(text):
    blocks, block = [], []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            blocks.append(block)
            block = []
    return blocks


def literal(text):
    """Take out what a backslash makes literal."""
    return re.sub(r"\\[!-/:-@\[-`{-~]", "", text)


def assert_plain(text):
    left = literal(text)
    assert not re.search(r"[<>]", left)
    assert not re.search(r"\]\s*[(\[:]", left)
    assert not re.search(r"(?i)(https?|ftp|javascript|data)://|\bwww\.", left)
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    assert "`" not in left or left.count("`") == text.count("`") - text.count("\\`")
    assert {unicodedata.category(letter) for letter in text.replace("\n", "")}.isdisjoint(INVISIBLE)


def hostile_rows(text, name):
    changes = {
        "protocol": text,
        "split": text,
        "flags": [text, "subset"],
        "throughput_note": text,
        "recalibration": text,
        "metrics": make_data()["metrics"] | {text: estimate(0.1)},
        "views": {text: {"n": 1, "groups": 1, "metrics": {}, "transfer": None, "pairing": None}},
        "task_scores": {name: estimate(0.5), text: estimate(0.5)},
        "baseline": {"name": text, "score": name, "value": 0.3},
        "digests": {text: text},
        "timings": {text: 1.0},
    }
    return [*make_rows(), make_row(**changes), make_row(language="tr", **(changes | {"recalibration": "none"}))]


def hostile_results(text):
    rows = hostile_rows(text, "f1")
    entries = [LedgerEntry(row.id, "run", "", row.study) for row in rows]
    entries.append(LedgerEntry("xlmr_xl-none-xnli-sw-s0", "skipped", text, STUDY))
    entries.append(LedgerEntry("xlmr_xl-none-xnli-sw-s1", "failed", text + "|", text))
    return rows, Ledger().merged(entries)


def shape(table):
    return len(table), len(cells_of(table[0]))


def kinds(report):
    """Count the lines, and the items of lists, that open a heading, a list, a quotation, a fence, a rule or a block."""
    start = re.compile(r"(?:[-+*] )?(#+ |[-+*] |\d+[.)] |>|```|~~~|    |=+$|-+$)")
    return Counter(found[1] for line in report.split("\n") if (found := start.match(line)))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_text)
@example("".join(HOSTILE_TEXTS))
@example("# x")
@example("- x")
@example("12. x")
@example("- - -")
@example("      x")
def test_hostile_text_neither_breaks_nor_scripts_a_report(text):
    # A name is not hostile, and "none" or "more" has a meaning that changes the report.
    assume(not re.fullmatch(r"[A-Za-z0-9_]+", text))
    rows, ledger = hostile_results(text)
    report = leaderboard(rows, ledger, LANGUAGES)
    tables = tables_of(report)
    assert all(len({len(cells_of(line)) for line in table}) == 1 for table in tables)
    assert_plain(report)

    innocent = leaderboard(*hostile_results("innocent"), LANGUAGES)
    assert sorted(map(shape, tables)) == sorted(map(shape, tables_of(innocent)))
    assert kinds(report) == kinds(innocent)


@given(hostile_text)
@example("".join(HOSTILE_TEXTS))
def test_hostile_text_does_not_steer_a_terminal(text):
    rows, ledger = hostile_results(text)
    for line in terminal_summary(rows, ledger, LANGUAGES, 120):
        assert {unicodedata.category(letter) for letter in line}.isdisjoint(INVISIBLE)


@given(hostile_text)
@example("".join(HOSTILE_TEXTS))
def test_a_heading_of_a_table_is_one_cell(text):
    table = markdown_table([text, "y"], [["1", "2"]], left=1)
    assert shape(table.split("\n")) == (3, 2)
    assert_plain(table)
    assert len(terminal_table([text, "y"], [["1", "2"]], left=1)) == 3


@given(hostile_text)
@example("a|b")
def test_the_name_of_a_score_is_a_name(text):
    try:
        make_row(baseline={"score": text, "value": 0.3})
    except BadInput:
        return
    assert re.fullmatch(r"[A-Za-z0-9_]+", text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile_text)
@example("no such file: \udcff")
def test_a_ledger_keeps_whatever_an_error_said(tmp_path, text):
    entry = LedgerEntry("mini-none-xnli-sw-s0", "failed", text, STUDY)
    write_ledger(tmp_path / "ledger.json", Ledger((entry,)))
    (read,) = read_ledger(tmp_path / "ledger.json").entries
    assert read.reason == text.encode(errors="backslashreplace").decode()


@pytest.mark.parametrize("text", ["$\\frac$", "a\x1bb\0", "\ud800"])
def test_hostile_text_does_not_stop_a_figure(tmp_path, text):
    rows = [make_row(flags=[text], protocol=text)]
    figures = [path for path in write_reports(rows, Ledger(), tmp_path) if path.suffix == ".svg"]
    assert figures
    assert not any(re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f]", figure.read_bytes()) for figure in figures)
