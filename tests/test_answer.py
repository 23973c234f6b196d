"""The answer: its words follow the numbers, and no rung or verdict is claimed that has no data."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.report.answer import PLAN, answer
from bench.report.evidence import NOT_ANSWERED
from bench.report.ledger import Ledger, LedgerEntry
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.size_tests import Family, families
from bench.rows import Row
from tests.row_factory import LANGUAGES, STUDY
from tests.slope_rows import XLMR, ladder_rows

GOLDEN = Path(__file__).parent / "goldens" / "answer.md"
NOISE = (0.06, -0.05, -0.06, 0.05)


def text_of(rows: list[Row]) -> str:
    return answer(rows, Ledger(), LANGUAGES)


def paragraph_of(rows: list[Row]) -> str:
    return text_of(rows).split("\n\n## Confirmatory")[0].split("\n\n")[4]


def family_of(rows: list[Row], name: str = "xlm-r") -> Family:
    (found,) = [one for one in families(settings(sections(rows, Ledger(), LANGUAGES))) if one.ladder.name == name]
    return found


@pytest.mark.parametrize(
    ("change", "noise", "verdict", "words"),
    [
        (0.0, (0.0,) * 4, "equivalent to nothing", "size changes it by less than 1 point"),
        (0.1, (0.0,) * 4, "supported", "it rises with size (supported), which is worse: from +10.0 to +20.0"),
        (-0.08, (0.0,) * 4, "contradicted", "it falls with size (contradicted), which is better: from +10.0 to +2.0"),
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


def test_a_negative_gap_that_grows_in_size_is_worse_and_one_that_crosses_zero_is_neither() -> None:
    assert "(contradicted), which is worse: from -2.0 to -10.0" in paragraph_of(ladder_rows(-0.08, start=-0.02))
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
    assert {q2.judged.verdict, q3.judged.verdict} == {"no verdict"}


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

    assert "1 rows are of cases that the last run did not get to" in answer(rows, ledger, LANGUAGES)


def test_a_model_alone_is_on_no_rung_of_real_sizes_and_says_so() -> None:
    text = text_of(ladder_rows(0.1, models=("xlmr_base",)))

    assert text.count(": no data.") == 3
    assert "real, at one size, so on no rung: xlmr_base." in text
    assert "## Confirmatory" not in text
