"""The table of further views: means over target languages, the source beside them, dashes where a member is missing."""

import pytest

from bench.report.leaderboard import leaderboard
from bench.report.ledger import Ledger
from bench.report.sections import sections
from bench.report.tables import MISSING
from bench.report.views import further_views
from bench.rows import Row
from tests.row_factory import LANGUAGES, estimate, make_row


def view(accuracy, confidence, transfer=None):
    gap = round(confidence - accuracy, 6)
    metrics = {
        "accuracy": estimate(accuracy),
        "confidence": estimate(confidence),
        "gap": estimate(gap),
        "ece15": estimate(abs(gap), floor=0.02),
    }
    contrast = None if transfer is None else {"gap": estimate(transfer)}
    return {"n": 40, "groups": 20, "metrics": metrics, "transfer": contrast, "pairing": None}


def row(language, views, **changes):
    return make_row(language=language, source=None if language == "en" else (0.9, 0.92), views=views, **changes)


def table(rows):
    (section,) = sections(rows, Ledger(), LANGUAGES)
    found = further_views(section)
    return [dict(zip(found.headers, line, strict=True)) for line in found.rows] if found else []


ROWS = [
    row("en", {"entity": view(0.8, 0.9)}),
    row("sw", {"entity": view(0.5, 0.8, transfer=0.2)}),
    row("tr", {"entity": view(0.3, 0.7, transfer=0.3)}),
]


def test_each_line_is_a_view_over_the_target_languages():
    assert table(ROWS) == [
        {
            "model": "xlmr_base", "intermediate": "none", "view": "entity", "source gap": "+10.0",
            # Means of Swahili and Turkish; English is the source alone.
            "right": "40.0", "conf": "75.0", "gap": "+35.0", "ECE-15": "35.0", "floor": "2.0",
            "gap minus source": "+25.0",
        }
    ]  # fmt: skip


def test_means_are_over_languages_then_seeds():
    second = [row(one.condition.language, {"entity": view(0.6, 0.7, transfer=0.0)}, seed=1) for one in ROWS]
    (line,) = table([*ROWS, *second])

    # Seed 0 is right in 40 %, seed 1 in 60 %.
    assert (line["right"], line["gap minus source"]) == ("50.0", "+12.5")


@pytest.mark.parametrize("views", [{"entity": None}, {}, None])
def test_a_language_without_the_view_blanks_its_means(views):
    (line,) = table([*ROWS[:2], row("tr", views)])

    assert line["source gap"] == "+10.0"
    assert {line[name] for name in ("right", "conf", "gap", "ECE-15", "floor", "gap minus source")} == {MISSING}


def test_views_are_sorted_and_recalibrated_rows_are_left_out():
    rows = [row(one, {name: view(0.5, 0.5) for name in ("non_o", "entity")}) for one in ("en", "sw")]
    rows.append(row("sw", {"entity": view(0.1, 0.9)}, recalibration="ts_en"))

    assert [(line["view"], line["right"]) for line in table(rows)] == [("entity", "50.0"), ("non_o", "50.0")]


def test_a_task_with_one_view_has_no_table():
    plain = [make_row(language="en", source=None), make_row(language="sw")]

    assert table(plain) == []
    assert "### Further views" not in leaderboard(plain, Ledger(), LANGUAGES)
    assert "### Further views" in leaderboard(ROWS, Ledger(), LANGUAGES)


class TestRow:
    def test_a_view_is_the_row_with_its_own_numbers(self):
        found = ROWS[1].view("entity")

        assert isinstance(found, Row)
        assert (found.id, found.n, found.metric("accuracy").value) == (ROWS[1].id, 40, 0.5)
        assert found.transfer("gap").value == 0.2
        assert ROWS[1].metric("accuracy").value == 0.6

    def test_a_view_that_is_null_or_unknown_is_none(self):
        null = row("sw", {"entity": None, "non_o": view(0.5, 0.5)})

        assert null.views == ("non_o",)
        assert null.view("entity") is null.view("word") is None
        assert make_row().views == ()

    def test_scores_of_the_task_and_its_baseline(self):
        scored = make_row(task_scores={"f1": estimate(0.4), "em": None}, baseline={"score": "f1", "value": 0.1})

        assert scored.task_score("f1").value == 0.4
        assert scored.task_score("em") is scored.task_score("accuracy") is None
        assert scored.baseline == ("f1", 0.1)
        # Rows of earlier versions have neither.
        assert (make_row().baseline, make_row().task_score("accuracy")) == (None, None)
