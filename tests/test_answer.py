"""The answer: its words follow the numbers, and no rung or verdict is claimed that has no data."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.report.analysis import analyse
from bench.report.answer import PLAN, answer
from bench.report.evidence import NOT_ANSWERED, evidence
from bench.report.ledger import Ledger, LedgerEntry
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.size_tests import Family, families
from bench.rows import Row
from tests.row_factory import LANGUAGES, STUDY, estimate
from tests.slope_rows import XLMR, ladder_rows

GOLDEN = Path(__file__).parent / "goldens" / "answer.md"
NOISE = (0.06, -0.05, -0.06, 0.05)


def text_of(rows: list[Row]) -> str:
    return answer(analyse(rows, Ledger(), LANGUAGES))


def paragraph_of(rows: list[Row]) -> str:
    return text_of(rows).split("\n\n## Confirmatory")[0].split("\n\n")[4]


def family_of(rows: list[Row], name: str = "xlm-r") -> Family:
    (found,) = [one for one in families(settings(sections(rows, Ledger(), LANGUAGES))) if one.ladder.name == name]
    return found


@pytest.mark.parametrize(
    ("change", "noise", "verdict", "words"),
    [
        (0.0, (0.0,) * 4, "equivalent to nothing", "size changes it by less than 1 point"),
        (0.1, (0.0,) * 4, "supported", "it rises with size (supported), away from 0: from +10.0 to +20.0"),
        (-0.08, (0.0,) * 4, "contradicted", "it falls with size (contradicted), towards 0: from +10.0 to +2.0"),
        (0.02, NOISE, "undecided", "these data do not say whether size changes it"),
    ],
)
def test_the_paragraph_says_what_the_slope_is(change, noise, verdict, words) -> None:
    rows = ladder_rows(change, noise)

    assert family_of(rows).outcomes[0].judged.verdict == verdict
    q1 = paragraph_of(rows).split("Q1, ")[1].split("; Q2")[0]
    assert words in q1
    others = {"rises", "falls", "less than 1 point", "do not say"} - {
        next(w for w in ("rises", "falls", "less than 1 point", "do not say") if w in words)
    }
    assert not [each for each in others if each in q1]


def test_a_negative_quantity_that_grows_in_size_moves_away_from_0_and_one_may_go_through_it() -> None:
    assert "(contradicted), away from 0: from -2.0 to -10.0" in paragraph_of(ladder_rows(-0.08, start=-0.02))
    assert "through 0 from +2.0 to -6.0" in paragraph_of(ladder_rows(-0.08, start=0.02))


def test_golden() -> None:
    text = text_of(ladder_rows(0.1))

    assert text == text_of(list(reversed(ladder_rows(0.1))))
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_without_rows_no_rung_has_data() -> None:
    text = text_of([])

    assert text.count(": no data.") == 3
    assert "No rung has data yet." in text
    assert "## Confirmatory" not in text


def test_fewer_than_four_sizes_bear_no_verdict_and_the_paragraph_says_what_is_lacking() -> None:
    rows = ladder_rows(0.1, models=XLMR[:2])

    assert [one.judged.verdict for one in family_of(rows, "xlmr-2019").outcomes] == ["no verdict"] * 3
    assert "Q1, Q2, Q3 lack a verdict: needs four sizes, has 2." in paragraph_of(rows)
    assert not [word for word in ("supported", "contradicted", "equivalent", "undecided") if word in paragraph_of(rows)]


def test_one_seed_bears_no_verdict() -> None:
    assert "needs two seeds at every size, has 1" in paragraph_of(ladder_rows(0.1, seeds=(0,)))


def test_without_an_intermediate_task_or_its_control_the_tests_that_need_it_have_no_verdict() -> None:
    assert "Q1, Q2, Q3 lack a verdict: needs a genuine intermediate task at every size, has none" in paragraph_of(
        ladder_rows(0.1, intermediates=("none", "more"))
    )
    verdicts = [one.judged.verdict for one in family_of(ladder_rows(0.1, intermediates=("snli",))).outcomes]
    assert verdicts == ["supported", "no verdict", "supported"]


def test_a_size_at_chance_is_left_out_and_named() -> None:
    rows = ladder_rows(0.1)
    marked = [
        Row({**row.data, "flags": ["at_chance"]})
        if (row.condition.model, row.condition.language) == ("xlmr_base", "sw")
        else row
        for row in rows
    ]

    (q1, q2, q3) = family_of(marked).outcomes
    assert [size.model for size in q1.slopes[0][1].sizes] == ["xlmr_large", "xlmr_xl", "xlmr_xxl"]
    assert q1.lacks == ("needs four sizes, has 3", "needs cells above chance, xlmr_base is at chance in snli-sw")
    assert "At chance, so no part of the tests: real xlmr_base seed 0 (snli-sw); real" in text_of(marked)
    assert {q2.judged.verdict, q3.judged.verdict} == {"no verdict"}


def test_a_seed_at_chance_is_named_and_its_size_is_a_mean_of_the_others() -> None:
    rows = [
        Row({**row.data, "flags": ["at_chance"]})
        if (row.condition.model, row.condition.language, row.condition.seed) == ("xlmr_xxl", "sw", 2)
        else row
        for row in ladder_rows(0.1)
    ]
    text = text_of(rows)

    assert "At chance, so no part of the tests: real xlmr_xxl seed 2 (snli-sw)" in text
    assert " of 2 seeds |" in text
    assert " of 3 seeds" not in text


def at_chance_after(task: str, model: str, seeds: tuple[int, ...]) -> list[Row]:
    """Rows of a ladder after `snli` and another task, after which one model is at chance in Swahili."""
    rows = ladder_rows(0.1, intermediates=("snli", task, "more"))
    return [
        Row({**row.data, "flags": ["at_chance"]})
        if (row.condition.model, row.condition.intermediate, row.condition.language) == (model, task, "sw")
        and row.condition.seed in seeds
        else row
        for row in rows
    ]


@pytest.mark.parametrize("seeds", [(0, 1, 2), (1,)])
def test_a_task_that_leaves_a_size_at_chance_is_in_no_average_and_named(seeds: tuple[int, ...]) -> None:
    rows = at_chance_after("ccg", "xlmr_base", seeds)
    text = text_of(rows)

    assert family_of(rows).outcomes[0].judged.verdict == "supported"
    said = "averaged over: snli. In no average, because a size lacks them or is at chance after them: ccg."
    assert text.count(said) == 1 + 1
    assert text.count("Genuine intermediate tasks, averaged over: ccg, snli.") == 1


def test_without_the_sources_rows_transfer_is_what_rows_say_of_it() -> None:
    targets = [row for row in ladder_rows(0.1) if row.condition.language != "en"]
    assert family_of(targets).outcomes[0].judged.verdict == "supported"

    silent = [Row({**row.data, "transfer": None}) for row in targets]
    assert family_of(silent).outcomes[0].lacks == ("needs the source's rows, or transfer in the others",)


def test_one_seed_marks_its_intervals_as_of_items() -> None:
    text = text_of(ladder_rows(0.1, seeds=(0,)))
    q1 = next(line for line in text.splitlines() if line.startswith("| Q1 ") and "needs two seeds" in line)

    assert ", items |" in q1


def test_sizes_of_different_studies_or_targets_are_no_ladder() -> None:
    rows = ladder_rows(0.1, models=("xlmr_base", "xlmr_large"))
    apart = [Row({**row.data, "study": "cd" * 32}) if row.condition.model == "xlmr_base" else row for row in rows]

    assert "Ladder xlmr-2019: xlmr_base, xlmr_large" in evidence(rows)
    assert "of real encoders at one size each (xlmr_base, xlmr_large)" in evidence(apart)
    assert "Strongest evidence here" not in text_of(apart)


def test_a_substitute_is_no_genuine_intermediate_task() -> None:
    rows = [
        Row({**row.data, "flags": ["substitute_train"]}) if row.condition.intermediate == "snli" else row
        for row in ladder_rows(0.1)
    ]

    assert {one.judged.verdict for one in family_of(rows).outcomes} == {"no verdict"}


def test_what_the_change_of_the_gap_is_made_of_stands_beside_it() -> None:
    rows = []
    for row in ladder_rows(0.1):
        place = XLMR.index(row.condition.model)
        metrics = {**row.data["metrics"]}
        transfer = row.data["transfer"]
        if transfer is not None:
            transfer = {**transfer, "confidence": estimate(0.0), "accuracy": estimate(round(-0.01 * place, 9))}
        rows.append(Row({**row.data, "metrics": metrics, "transfer": transfer}))

    assert "In Q1 the transfer of confidence changes by +0.0 points and that of accuracy by -" in paragraph_of(rows)


@pytest.mark.parametrize("flag", ["prior_supervision", "quantised"])
def test_rows_that_bear_no_size_verdict_get_none(flag: str) -> None:
    rows = [Row({**row.data, "flags": [flag]}) for row in ladder_rows(0.1)]

    assert {one.judged.verdict for one in family_of(rows).outcomes} == {"no verdict"}
    assert NOT_ANSWERED in paragraph_of(rows)


@pytest.mark.parametrize("flag", ["random_weights", "stand_in", "local_model"])
def test_rows_that_are_no_evidence_are_on_no_rung(flag: str) -> None:
    rows = [Row({**row.data, "flags": [flag]}) for row in ladder_rows(0.1)]

    assert text_of(rows).count(": no data.") == 3


def test_the_digest_of_the_analysis_plan_is_that_of_the_file_and_stands_in_the_answer() -> None:
    plan = Path(__file__).parents[1] / "docs" / "analysis-plan.md"

    assert hashlib.sha256(plan.read_bytes()).hexdigest() == PLAN
    assert PLAN in text_of(ladder_rows(0.1))


def test_rows_of_an_earlier_run_are_counted() -> None:
    rows = ladder_rows(0.1)
    ledger = Ledger((LedgerEntry(rows[0].id, "failed", "out of memory", STUDY),))

    assert "1 rows are of cases that the last run did not get to" in answer(analyse(rows, ledger, LANGUAGES))


def test_a_model_alone_is_on_no_rung_of_real_sizes_and_says_so() -> None:
    text = text_of(ladder_rows(0.1, models=("xlmr_base",)))

    assert text.count(": no data.") == 3
    assert "real, at one size, so on no rung: xlmr_base." in text
    assert "## Confirmatory" not in text
