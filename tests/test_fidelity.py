"""Published values beside ours: where they agree, where they differ, and when nothing can be said."""

from pathlib import Path

import pytest

from bench.catalog import models, tasks
from bench.catalog.published import AVERAGE, BEST, PRINTED_ECE, TABLES, published_bins, published_scores
from bench.report.fidelity import fidelity_page
from tests.frame_rows import NINE, frame
from tests.row_factory import make_row, make_rows

GOLDEN = Path(__file__).parent / "goldens" / "fidelity.md"


def lines(text, target, language):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [row[3:] for row in cells if row[:2] == [target, language] and len(row) == 7]


def english(accuracy, seeds=(0, 1), **changes):
    return [make_row(language="en", seed=seed, accuracy=accuracy + 0.001 * seed, **changes) for seed in seeds]


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [(0.855, "agrees"), (0.848, "agrees"), (0.80, "differs by -5.8"), (0.90, "differs by +4.3")],
)
def test_a_published_value_is_in_our_interval_or_not(accuracy, verdict):
    ((found, published, ours, _),) = lines(fidelity_page(english(accuracy)), "xnli", "en")

    assert (found, published) == (verdict, "85.8")
    assert float(ours) == pytest.approx(100 * accuracy, abs=0.11)


def test_one_seed_and_a_part_of_the_data_give_no_verdict():
    ((one, *_),) = lines(fidelity_page(english(0.858, seeds=[0])), "xnli", "en")
    ((part, *_),) = lines(fidelity_page(english(0.858, flags=["capped", "earlier_run"])), "xnli", "en")

    assert (one, part) == ("cannot be judged (needs at least 2 seeds)", "cannot be judged (capped)")


def test_a_language_that_is_missing_leaves_the_average_out():
    text = fidelity_page(english(0.858))

    assert lines(text, "xnli", "sw") == [["not run here (needs sw)", "66.5", "–", "–"]]
    assert lines(text, "xnli", "avg") == [["not run here (needs all languages)", "76.2", "–", "–"]]


def test_an_average_is_over_all_languages_and_the_best_is_of_all_tasks():
    rows = frame(lambda *_: 0.8, model="xlmr_large", world="real", targets=("xnli",))
    without = [row for row in rows if row.condition.intermediate != NINE[0]]

    # In the table of XLM-R, without intermediate task, and with the best of them.
    assert [row[1:3] for row in lines(fidelity_page(rows), "xnli", "avg")] == [
        ["80.9", "80.0"], ["79.2", "80.0"], ["80.4", "80.0"],
    ]  # fmt: skip
    assert len(lines(fidelity_page(without), "xnli", "avg")) == 2


def test_the_best_of_tasks_one_of_which_saw_a_part_of_its_data_is_not_judged():
    rows = [
        type(row)({**row.data, "flags": ["subset"]}) if row.condition.intermediate == NINE[0] else row
        for row in frame(lambda *_: 0.8, model="xlmr_large", world="real", targets=("xnli",))
    ]

    assert [row[0] for row in lines(fidelity_page(rows), "xnli", "avg")].count("cannot be judged (subset)") == 1


def test_a_protocol_of_a_table_is_asked_for():
    def text(protocol):
        return fidelity_page(english(0.857, model="xlmr_large", protocol=protocol))

    assert "Needs xlmr_large with none, protocol ahuja2022." in text("phang2020")
    assert "Needs xlmr_large with none, protocol ahuja2022." not in text("ahuja2022")


def test_worlds_are_not_compared():
    assert (
        fidelity_page(frame(lambda *_: 0.8, targets=("xnli",), model="xlmr_base"))[300:]
        == (fidelity_page([make_row(world="w0")])[300:])
    )


def test_every_published_line_names_what_the_catalog_has():
    scores = published_scores()

    assert {score.table for score in scores} == {table.token for table in TABLES}
    for score in scores:
        models.model(score.model)
        assert score.language in {*tasks.target(score.target).languages, AVERAGE}
        assert score.training in {"none", BEST}
        assert 0 < score.value < 1


def test_published_averages_are_the_means_of_their_languages():
    for model in ("mbert", "xlmr_base", "xlmr_large"):
        own = {s.language: s.value for s in published_scores() if (s.table, s.model) == ("xlmr", model)}
        average = own.pop(AVERAGE)

        assert len(own) == 15
        assert sum(own.values()) / 15 == pytest.approx(average, abs=0.0006)


def test_published_bins_hold_all_items_of_both_languages():
    for language in PRINTED_ECE:
        assert sum(one.count for one in published_bins() if one.language == language) == 5010
    assert fidelity_page([]).count("| reproduced |") == len(PRINTED_ECE)


def test_golden():
    rows = [*make_rows(seed=0), *make_rows(seed=1), *make_rows(model="mbert", flags=["subset"])]

    assert fidelity_page(rows) == GOLDEN.read_text()
    assert fidelity_page(rows[::-1]) == fidelity_page(rows)
