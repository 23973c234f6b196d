"""Rows: what is refused and with which words, the order on disk, merging, and what a second run must repeat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.rows import (
    FIELDS,
    POINT_METRICS,
    Estimate,
    Row,
    known_lines,
    line_digest,
    read_rows,
    reproducible_part,
    update_rows,
    write_rows,
    written_row,
)
from tests.row_factory import estimate, make_data, make_row


def test_a_file_reads_back_equal_and_sorted_by_key(tmp_path: Path) -> None:
    rows = [make_row(seed=1), make_row(study="0" * 64), make_row(seed=0, recalibration="ts_en"), make_row(seed=0)]
    write_rows(tmp_path / "new" / "results.jsonl", rows)
    assert read_rows(tmp_path / "new" / "results.jsonl") == [rows[1], rows[3], rows[2], rows[0]]


def test_equal_rows_give_equal_bytes_whatever_their_order(tmp_path: Path) -> None:
    rows = [make_row(seed=1, flags=["ü\u2028|"]), make_row(seed=0)]
    write_rows(tmp_path / "a", rows)
    write_rows(tmp_path / "b", reversed(rows))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_rows(tmp_path / "a") == rows[::-1]


def test_merging_replaces_equal_keys_and_keeps_all_others(tmp_path: Path) -> None:
    old, other, new = make_row(nll=1.0), make_row(study="0" * 64), make_row(nll=2.0)
    for rows in ([old, other], [new]):
        update_rows(tmp_path / "results.jsonl", rows)
    assert read_rows(tmp_path / "results.jsonl") == [other, new]


def test_a_written_line_is_its_row_and_stays_as_it_is(tmp_path: Path) -> None:
    row = make_row(flags=["ü\u2028|"])
    write_rows(tmp_path / "rows", [row])
    line = (tmp_path / "rows").read_text()[:-1]
    assert written_row(line) == row
    assert written_row(line).line is line
    with pytest.raises(BadInput, match="without 'study'"):
        written_row('{"schema":1,"id":"","recalibration":""}')


def test_the_lines_of_a_file_are_known_by_their_digests(tmp_path: Path) -> None:
    rows = [make_row(seed=0), make_row(seed=1)]
    write_rows(tmp_path / "rows", rows)
    assert known_lines(tmp_path / "rows") == {line_digest(row.line) for row in rows}
    assert line_digest(make_row(seed=2).line) not in known_lines(tmp_path / "rows")
    assert known_lines(tmp_path / "none") == known_lines(tmp_path) == frozenset()


def test_a_partial_run_leaves_the_rows_of_earlier_runs(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    update_rows(path, [make_row(language="sw"), make_row(language="tr")])
    update_rows(path, [make_row(language="tr", nll=9.0)])
    nll = {row.condition.language: row.metric("nll") for row in read_rows(path)}
    assert nll["sw"] == Estimate(1.0, 0.99, 1.01)
    assert nll["tr"] == Estimate(9.0, 8.99, 9.01)


def test_a_run_that_asks_for_no_trajectory_keeps_one_of_the_same_predictions(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    point = {"step": 3, "examples": 96, "predictions": "k", **dict.fromkeys(POINT_METRICS, 0.5)}
    told = {name: make_row(language=name, trajectory=[point]) for name in ("sw", "tr", "ur")}
    update_rows(path, told.values())
    other = {**told["tr"].data["digests"], "predictions": "another"}
    own = {**point, "step": 4}
    update_rows(
        path,
        [make_row(language="sw"), make_row(language="tr", digests=other), make_row(language="ur", trajectory=[own])],
    )
    kept = {row.condition.language: row.trajectory for row in read_rows(path)}
    assert kept == {"sw": (point,), "tr": (), "ur": (own,)}


def test_the_reproducible_part_differs_by_scores_alone() -> None:
    fast = make_row(throughput={"train_examples_per_s": 9.0}, throughput_note="x", timings={"train_s": 1.0})
    assert reproducible_part(fast) == reproducible_part(make_row())
    assert reproducible_part(fast) != reproducible_part(make_row(nll=2.0))


@pytest.mark.parametrize("metrics", [{}, {"nll": None}, {"nll": estimate(None)}])
def test_what_is_missing_reads_as_none(metrics: dict[str, object]) -> None:
    row = make_row(metrics=metrics, transfer=None, throughput={"train_examples_per_s": None})
    assert row.metric("nll") is None
    assert row.transfer("gap") is None
    assert row.rate("train_examples_per_s") is None


def test_a_zero_is_a_value() -> None:
    row = make_row(metrics={"gap": estimate(0.0)}, throughput={"train_examples_per_s": 0})
    assert row.metric("gap") == Estimate(0.0, -0.01, 0.01)
    assert row.rate("train_examples_per_s") == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "Got schema=2, but this version reads 1; use the version that wrote it."),
        ({"n": "5010"}, "Got n='5010', but it is of type integer."),
        ({"n": True}, "Got n=True, but it is of type integer."),
        ({"transfer": []}, "Got transfer=[], but it is of type object or null."),
        ({"flags": [1]}, "Got flags=[1], but every flag is a string."),
        ({"id": "xlmr"}, "Got id='xlmr', but an id reads <model>-"),
        ({"id": "xlmr_base-none-xnli-tr-s0"}, "but an id spells its condition."),
        ({"metrics": {"nll": 1.0}}, "Got metric 'nll' = 1.0, but a metric is null or an object with a value."),
        ({"metrics": {"nll": {"low": 1.0}}}, "but a metric is null or an object with a value."),
        ({"metrics": {"nll": estimate(float("nan"))}}, "Got metric 'nll' with value = nan, but it is a finite number"),
        ({"transfer": {"gap": estimate(1.0, p="low")}}, "Got metric 'gap' with p = 'low', but it is a finite number"),
        ({"throughput": {"x": float("inf")}}, "Got throughput 'x' = inf, but it is a finite number or null, of"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        Row(make_data() | changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("field", [name for name in FIELDS if name != "schema"])
def test_every_field_is_required(field: str) -> None:
    data = make_data()
    del data[field]
    with pytest.raises(BadInput, match=f"Got a row without '{field}', which every row has."):
        Row(data)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"schema": 1', "line 2: It is no JSON ("),
        ('{"n": NaN}', "line 2: It is no JSON (NaN is no JSON number)."),
        ("[]", "line 2: Got a JSON list, but a row is an object."),
        ("{}", "line 2: Got a row without 'schema', which every row has."),
        (json.dumps(make_data()), "line 2: It repeats the id, recalibration and study of line 1."),
    ],
)
def test_a_malformed_line_is_named_with_the_way_out(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(f"{json.dumps(make_data())}\n{line}\n")
    with pytest.raises(BadInput) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path}, {message}")
    assert str(caught.value).endswith("Delete that line and run its case again.")


def test_a_malformed_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("broken\n")
    with pytest.raises(BadInput):
        update_rows(path, [make_row()])
    assert path.read_text() == "broken\n"


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="r is no UTF-8 text"):
        read_rows(tmp_path / "r")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Cannot read .*nowhere \(No such file or directory\)"):
        read_rows(tmp_path / "nowhere")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for write in (lambda path: write_rows(path, []), lambda path: update_rows(path, [])):
        with pytest.raises(BadInput, match=r"Cannot write .*name a directory you may write to\."):
            write(tmp_path / "file" / "results.jsonl")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    write_rows(path, [make_row()])
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(BadInput, match="No space left on device"):
        write_rows(path, [])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_documentation_names_every_field() -> None:
    text = (Path(__file__).parents[1] / "docs" / "rows.md").read_text()
    assert [name for name in FIELDS if f"`{name}`" not in text] == []


def test_task_scores_may_be_null() -> None:
    assert make_row(task_scores=None).task_score("f1") is None
