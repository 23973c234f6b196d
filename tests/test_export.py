"""Rows for other tools: Parquet, model cards that huggingface_hub reads back, JUnit properties, a JSON schema."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard

from bench.cli import BAD_USE, main
from bench.condition import Condition
from bench.errors import BadInput
from bench.export.flat import columns_of, flat
from bench.export.model_index import write_model_cards
from bench.export.parquet import write_parquet
from bench.export.properties import case_properties
from bench.report.ledger import Ledger, LedgerEntry, write_ledger
from bench.report.sections import sections
from bench.rows import FIELDS, Row, write_rows
from bench.stored_rows import noted
from tests.row_factory import LANGUAGES, STUDY, estimate, make_data, make_row, make_rows

ROOT = Path(__file__).parents[1]
PUBLISHED = sorted((ROOT / "reports" / "published").glob("*/results.jsonl"))
SCHEMA = json.loads(files("bench.export").joinpath("results.schema.json").read_text(encoding="utf-8"))
JSON_TYPES = {int: "integer", str: "string", dict: "object", list: "array", type(None): "null"}
VIEW = {"n": 3, "groups": 1, "metrics": {"gap": estimate(0.1)}, "transfer": {"gap": estimate(0.2)}, "pairing": None}
POINT = {"step": 2, "examples": 64, "predictions": "p", "accuracy": 0.5, "l2sq15": -0.01, "nll": 1.1}
WHOLE = make_data(
    views={"em": VIEW, "none": None},
    task_scores={"f1": {"value": 0.5, "low": 0.4, "high": 0.6}},
    baseline={"name": "majority", "score": "f1", "value": 0.3},
    prediction_sets={name: {"gap": 0.1, "mean_size": 1.5} for name in ("lac", "aps", "raps")},
    throughput={"train_examples_per_s": 9.5, "predict_examples_per_s": None},
    pairing="items",
    trajectory=[POINT, {**POINT, "step": 4, "nll": None}],
)


def test_a_flat_row_holds_every_number_of_the_row():
    record = flat(Row(WHOLE))

    assert (record["model"], record["seed"], record["n"], record["flags"]) == ("xlmr_base", 0, 5010, [])
    assert (record["ece15"], record["ece15_floor"], record["ece15_p"]) == (0.202, 0.0103, 0.001)
    assert "gap_floor" not in record
    assert (record["transfer_gap"], record["transfer_gap_low"]) == (0.18, 0.17)
    assert (record["score_f1"], record["score_f1_high"], record["baseline"]) == (0.5, 0.6, 0.3)
    assert (record["view_em_gap"], record["view_em_transfer_gap"]) == (0.1, 0.2)
    assert (record["sets_lac_gap"], record["sets_lac_coverage"]) == (0.1, None)
    assert (record["train_examples_per_s"], record["predict_examples_per_s"]) == (9.5, None)
    assert record["digest_weights"] == "w"


def test_no_metric_takes_the_place_of_what_a_row_is():
    record = flat(make_row(metrics={"study": estimate(0.5), "n": estimate(0.5)}))

    assert (record["study"], record["n"], record["n_low"]) == (STUDY, 5010, 0.49)


def test_what_reading_did_not_check_makes_no_column_of_nonsense():
    sets = {**WHOLE["prediction_sets"], "new": None, "other": {"gap": "x"}}
    record = flat(Row(WHOLE | {"prediction_sets": sets, "timings": {"train_s": 10**400, "predict_s": True}}))

    assert {record[name] for name in ("sets_new_gap", "sets_other_gap", "train_s", "predict_s")} == {None}


def test_a_number_too_large_for_a_column_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"Got a column n that Parquet cannot hold .*; look for it in the rows\."):
        write_parquet([make_row(n=10**30)], tmp_path / "x.parquet")


def test_columns_are_those_of_every_record_first():
    assert columns_of([{"b": 1, "x": 2, "a": 3}, {"b": 1, "a": 2, "c": 3}]) == ["b", "a", "c", "x"]


def test_parquet_reads_back_with_types_and_equal_rows_give_equal_bytes(tmp_path):
    rows = [Row(WHOLE), *make_rows(languages=("en", "tr"), flags=["subset"])]
    write_parquet(rows, tmp_path / "a.parquet")
    write_parquet(rows[::-1], tmp_path / "b.parquet")
    table = pq.read_table(tmp_path / "a.parquet")

    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert table.num_rows == 5
    types = {
        name: str(table.schema.field(name).type) for name in ("n", "nll", "flags", "pairing", "score_f1", "device")
    }
    assert types == {
        "n": "int64", "nll": "double", "flags": "list<element: string>", "pairing": "string", "score_f1": "double",
        "device": "string",
    }  # fmt: skip
    assert table.column("score_f1").to_pylist().count(None) == 4


def test_a_model_card_says_of_each_language_what_the_row_says(tmp_path):
    rows = [*make_rows(seed=0, flags=["subset"]), *make_rows(seed=1, accuracy=0.8)]
    (path,) = write_model_cards(sections(rows, Ledger(), LANGUAGES), tmp_path)
    data = ModelCard.load(path).data
    found = {(one.dataset_config, one.metric_type, one.metric_config): one for one in data.eval_results}

    assert path.name == f"xlmr_base-none-xnli-real-{STUDY[:12]}.md"
    assert data.model_name == "xlmr_base-none-xnli"
    assert data.base_model == "FacebookAI/xlm-roberta-base"
    assert set(data.language) == set(LANGUAGES)
    assert {language for language, _, _ in found} == set(LANGUAGES)
    accuracy = found["en", "accuracy", "none"]
    assert (accuracy.metric_value, accuracy.task_type) == (0.85, "text-classification")
    assert (accuracy.dataset_type, accuracy.dataset_split) == ("facebook/xnli", "test")
    assert accuracy.dataset_args == {
        "study": STUDY, "protocol": "phang2020", "seeds": 2, "n": 5010, "flags": ["subset"],
    }  # fmt: skip
    assert found["sw", "ece15", "none"].metric_args["floor"] == 0.0103
    assert found["sw", "gap", "ts_en"].metric_value == pytest.approx(found["sw", "gap", "none"].metric_value - 0.02)
    assert found["sw", "gap", "ts_en"].metric_name.endswith("after ts_en")


def test_a_card_of_an_artificial_world_names_no_data_set_of_the_hub(tmp_path):
    condition = Condition("mine", "none", "panx", "w0_agg", 0)
    row = make_row(id=condition.id, condition=dataclasses.asdict(condition), world="w0")
    (path,) = write_model_cards(sections([row], Ledger(), {}), tmp_path)
    data = ModelCard.load(path).data

    assert {one.dataset_type for one in data.eval_results} == {"crosscal-artificial"}
    assert {one.task_type for one in data.eval_results} == {"token-classification"}
    assert data.base_model is None
    assert data.language is None


@pytest.mark.parametrize("export", [write_parquet, write_model_cards])
def test_nothing_to_export_is_said(export, tmp_path):
    with pytest.raises(BadInput, match=r"Got no rows to export; run some cases first"):
        export([], tmp_path / "x")


@pytest.fixture
def results(tmp_path):
    rows = make_rows()
    write_rows(tmp_path / "results.jsonl", rows)
    entries = [LedgerEntry(row.id, "run", "", STUDY) for row in rows if row.condition.language != "sw"]
    write_ledger(tmp_path / "ledger.json", Ledger((*entries, LedgerEntry(rows[2].id, "skipped", "needs gpu", STUDY))))
    return tmp_path


@pytest.mark.parametrize(
    ("form", "expected"),
    [("parquet", "results.parquet"), ("model-index", f"model-cards/xlmr_base-none-xnli-real-{STUDY[:12]}.md")],
)
def test_the_command_writes_and_prints_what_it_wrote(results, capsys, form, expected):
    assert main(["export", str(results), "--format", form]) == 0
    assert capsys.readouterr().out.splitlines() == [str(results / expected)]
    assert (results / expected).stat().st_size > 0


def test_an_exported_row_of_an_earlier_run_says_so(results):
    main(["export", str(results), "--format", "parquet"])
    table = pq.read_table(results / "results.parquet").to_pylist()

    assert {row["language"] for row in table if "earlier_run" in row["flags"]} == {"sw"}


def test_the_command_names_a_directory_without_results(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--format", "parquet"]) == BAD_USE
    assert "holds neither results.jsonl nor ledger.json" in capsys.readouterr().err


def test_properties_are_small_and_name_the_recalibration():
    rows = [make_row(flags=["subset"]), make_row(recalibration="ts_en", confidence=0.7, flags=["tlm"])]
    found = case_properties([noted(row) for row in rows])

    assert found[:3] == [("crosscal.study", STUDY), ("crosscal.n", "5010"), ("crosscal.flags", "subset tlm")]
    assert dict(found)["crosscal.gap"] == "0.2"
    assert dict(found)["crosscal.gap.ts_en"] == "0.1"
    assert sum(len(name) + len(value) for name, value in found) < 500
    assert case_properties([]) == []


def test_a_metric_that_is_missing_is_no_property():
    metrics = dict(make_row().data["metrics"]) | {"nll": None}

    assert not [name for name, _ in case_properties([noted(make_row(metrics=metrics))]) if "nll" in name]


def test_the_schema_asks_for_the_fields_that_rows_are_checked_for():
    assert set(SCHEMA["required"]) == set(FIELDS)
    for name, types in FIELDS.items():
        assert _types(SCHEMA["properties"][name]) == {JSON_TYPES[one] for one in types}, name


def _types(part):
    """The JSON types that a part of the schema allows."""
    if "$ref" in part:
        return _types(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    if "anyOf" in part:
        return {kind for one in part["anyOf"] for kind in _types(one)}
    if "const" in part:
        return {JSON_TYPES[type(part["const"])]}
    return {part["type"]} if isinstance(part["type"], str) else set(part["type"])


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema: pip install --group test")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_every_published_row_fits_the_schema(validator, path):
    with path.open() as lines:
        problems = [problem.message for line in lines for problem in validator.iter_errors(json.loads(line))]

    assert problems == []


REFUSED = (
    {"schema": 2}, {"study": "ab"}, {"world": "x"}, {"n": -1}, {"n": 1.5}, {"flags": "subset"}, {"flags": [1]},
    {"metrics": {"nll": {"value": "x"}}}, {"metrics": {"nll": {"low": 1.0}}}, {"metrics": {"nll": 0.5}},
    {"metrics": {"nll": {"value": 1e41}}}, {"transfer": []}, {"views": {"em": {"study": "x"}}},
    {"views": {"em": {"n": -1}}}, {"baseline": {"score": "a|b", "value": 0.1}}, {"baseline": {"score": "f1"}},
    {"task_scores": {"f1": 0.5}}, {"prediction_sets": {"lac": {"gap": 0.1}}}, {"throughput": {"x": "fast"}},
    {"condition": {}}, {"id": "x"}, {"split": None}, {"trajectory": {}}, {"trajectory": [1]},
    {"trajectory": [POINT | {"step": 0}]}, {"trajectory": [POINT | {"examples": 1.5}]},
    {"trajectory": [POINT | {"predictions": None}]}, {"trajectory": [POINT | {"nll": "x"}]},
)  # fmt: skip


@pytest.mark.parametrize("change", REFUSED, ids=str)
def test_the_schema_refuses_what_reading_refuses(validator, change):
    assert validator.is_valid(WHOLE)
    assert not validator.is_valid(WHOLE | change)
    with pytest.raises(BadInput):
        Row(WHOLE | change)


def test_a_row_without_a_field_fits_neither(validator):
    for name in FIELDS:
        assert not validator.is_valid({field: value for field, value in WHOLE.items() if field != name}), name
