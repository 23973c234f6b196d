"""The answer of the artificial worlds: the world is the unit, and factors are told apart."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from bench.catalog.models import model
from bench.report.analysis import analyse
from bench.report.answer import answer
from bench.report.equal_accuracy import curves
from bench.report.evidence import NOT_ANSWERED
from bench.report.exploratory import exploratory
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.matched_sizes import climbs
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.size_tests import Family, families
from bench.report.world_factors import world_factors
from bench.rows import Row
from bench.statistics.world_factors import apart_from_distance
from tests.row_factory import estimate
from tests.world_rows import DISTANCE, RICHNESS, SCARCITY, world_rows

RISING = (0.08, 0.1, 0.12, 0.1)


def family_of(rows: list[Row]) -> Family:
    (family,) = families(settings(sections(rows, Ledger(), languages_of(rows))))
    return family


@pytest.fixture(scope="module")
def rising() -> list[Row]:
    return world_rows(RISING)


def test_a_rise_in_every_world_is_supported_between_worlds_and_claims_no_real_rung(rising: list[Row]) -> None:
    family = family_of(rising)
    text = answer(analyse(rising, Ledger(), languages_of(rising)))

    assert [one.judged.verdict for one in family.outcomes] == ["supported"] * 3
    assert family.outcomes[0].change == pytest.approx(np.mean(RISING))
    assert family.outcomes[0].estimates[0].freedom == 3
    assert NOT_ANSWERED in text
    assert text.count(": no data.") == 2
    assert "the size of the artificial worlds' encoders" in text
    # Rounding leaves the smallest size a hair off 0, on either side.
    assert re.search(r"away from 0: from [+-]0\.0 to \+10\.0", text)
    assert "other shares of connectives in pretraining" in text


def test_worlds_that_disagree_are_undecided_however_sure_each_is() -> None:
    assert family_of(world_rows((0.1, -0.1, 0.12, -0.08))).outcomes[0].judged.verdict == "undecided"


def test_the_paragraph_has_the_change_of_every_world(rising: list[Row]) -> None:
    text = answer(analyse(rising, Ledger(), languages_of(rising)))

    assert "; +8.0 in w0, +10.0 in w1, +12.0 in w2, +10.0 in w3)" in text
    assert "Labels of all languages are drawn from one known posterior" in text
    assert "pocket_xs 13.1 k" in text.replace("\\_", "_")


def test_a_world_without_all_sizes_is_in_no_change_that_others_are_judged_by() -> None:
    rows = world_rows((0.02, 0.02, 0.02))
    odd = [row for row in world_rows((0.0, 0.0, 0.0, 0.5)) if row.world == "w3"]
    rows += [row for row in odd if row.condition.model in ("pocket_xs", "pocket_l")]
    family = family_of(rows)
    found = {one.title: one for one in exploratory(family, climbs(family, curves(None)))}

    assert family.outcomes[0].change == pytest.approx(0.02, abs=1e-6)
    assert found["Q1 on total parameters"].change == pytest.approx(0.02, abs=1e-3)


def test_the_tests_without_the_smallest_size_are_over_the_others() -> None:
    rows = [
        _moved(row, 0.3) if row.condition.model == "pocket_xs" and "agg" in row.condition.language else row
        for row in world_rows((0.1, 0.12, 0.11))
    ]
    family = family_of(rows)
    found = {one.title: one for one in exploratory(family, climbs(family, curves(None)))}
    plain = family_of(world_rows((0.1, 0.12, 0.11)))
    one = found["Q1 without pocket_xs"]

    assert family.outcomes[0].change < plain.outcomes[0].change - 0.01
    low, high = (math.log10(model(name).body_parameters) for name in ("pocket_xs", "pocket_s"))
    top = math.log10(model("pocket_l").body_parameters)
    assert one.change == pytest.approx(0.11 * (top - high) / (top - low))
    assert len(one.estimates) == 1


def _moved(row: Row, by: float) -> Row:
    gap = row.data["transfer"]["gap"]["value"] + by
    return Row({**row.data, "transfer": {"gap": estimate(round(gap, 9))}})


def test_two_worlds_bear_no_verdict() -> None:
    outcome = family_of(world_rows((0.1, 0.12))).outcomes[0]

    assert outcome.judged.verdict == "no verdict"
    assert outcome.lacks == ("needs three worlds with four sizes, has 2",)


def test_factors_are_told_apart(rising: list[Row]) -> None:
    found = {one.title: one for one in world_factors(family_of(rising))}

    def at(title: str) -> float:
        return found[title].at["pocket_xs"].value

    assert at("scarce data (twins minus plenty)") == pytest.approx(SCARCITY)
    assert at("agglutinative minus isolating, at equal distance") == pytest.approx(RICHNESS)
    assert at("another type than the source") == pytest.approx(DISTANCE)
    assert at("introflexion (int minus fus)") == pytest.approx(0.0, abs=1e-9)
    assert at("identical clone (0 if all is well)") == 0
    assert found["richness: rich minus poor"].change.value == pytest.approx(np.mean(RISING))


def test_distance_needs_worlds_with_both_kinds_of_source() -> None:
    assert apart_from_distance([0.1, 0.2], []) is None
    assert apart_from_distance([0.1], [0.2]) is None
    freed, distance = apart_from_distance([0.3, 0.3], [0.1])
    assert (freed.value, distance.value) == (pytest.approx(0.2), pytest.approx(0.1))


def test_a_size_alone_is_data_of_the_artificial_rung_but_no_test() -> None:
    rows = world_rows((0.1,), models=("pocket_xs",))
    text = answer(analyse(rows, Ledger(), languages_of(rows)))

    assert "artificial worlds (an analogue): at one size, so no test (pocket_xs)." in text
    assert "## Confirmatory" not in text
