"""Pages, figures, the terminal and the gate say the same of what is kept of rows as of whole rows."""

import json
from pathlib import Path

import pytest

from bench.gate.measured import of_rows
from bench.report.directory import read_results, write_reports
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.shown import shown
from bench.report.summary import terminal_summary
from bench.rows import Row
from tests.row_factory import estimate, make_row

PUBLISHED = Path(__file__).parents[1] / "reports" / "published"


@pytest.mark.parametrize("name", ["pocket-smoke", "pocket-frame", "me5-targets"])
def test_reports_of_what_is_kept_are_those_of_whole_rows(name, tmp_path):
    rows, ledger = read_results(PUBLISHED / name)
    kept = [shown(row) for row in rows]
    written = [write_reports(one, ledger, tmp_path / which) for one, which in ((rows, "whole"), (kept, "kept"))]

    assert [path.name for path in written[0]] == [path.name for path in written[1]]
    for whole, few in zip(*written, strict=True):
        assert few.read_bytes() == whole.read_bytes(), few.name
    languages = languages_of(rows)
    assert terminal_summary(kept, ledger, languages, 120) == terminal_summary(rows, ledger, languages, 120)
    assert of_rows(kept) == of_rows(rows)


def test_what_nothing_shows_is_left_out():
    metrics = {"gap": estimate(0.1), "nll": estimate(None, version=2), "skce": estimate(0.2)}
    view = {"metrics": metrics, "transfer": None}
    row = make_row(metrics=metrics, transfer=metrics, views={"entity": view, "lenient": None}, later={"a": 1})
    kept = shown(row)

    few = {"gap": {"value": 0.1, "low": 0.09, "high": 0.11}, "nll": {"value": None, "version": 2}}
    assert kept.data["metrics"] == kept.data["transfer"] == few
    assert kept.data["views"] == {"entity": {"metrics": few, "transfer": None}, "lenient": None}
    assert kept.data["later"] == {"a": 1}
    assert kept.key == row.key
    assert kept.metric("gap") == row.metric("gap")
    assert row.metric("skce") is not None


def test_rows_share_the_strings_that_are_equal():
    first, second = (shown(Row(json.loads(json.dumps(make_row(seed=seed).data)))).data for seed in (0, 1))
    assert first["study"] is second["study"]
    assert first["digests"]["weights"] is second["digests"]["weights"]
    assert {id(name) for name in first["condition"]} == {id(name) for name in second["condition"]}


def test_a_source_and_a_row_of_before_stay_as_they_are():
    row = make_row(source=None)
    assert shown(row).data["transfer"] is None
    assert "views" not in shown(row).data
    assert terminal_summary([shown(row)], Ledger(), {}, 100)
