"""The answer of the artificial worlds: the world is the unit, and factors are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from bench.report.answer import answer
from bench.report.evidence import NOT_ANSWERED
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.size_tests import Family, families
from bench.report.world_factors import world_factors
from bench.rows import Row
from bench.statistics.world_factors import apart_from_distance
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
    text = answer(rising, Ledger(), languages_of(rising))

    assert [one.judged.verdict for one in family.outcomes] == ["supported"] * 3
    assert family.outcomes[0].change == pytest.approx(np.mean(RISING))
    assert family.outcomes[0].estimates[0].freedom == 3
    assert NOT_ANSWERED in text
    assert text.count(": no data.") == 2
    assert "the size of the artificial worlds' encoders" in text
    # Rounding leaves the smallest size a hair off 0, on either side.
    assert "which is worse: from +0.0 to +10.0" in text
    assert "its sign flips with the share of connectives" in text


def test_worlds_that_disagree_are_undecided_however_sure_each_is() -> None:
    assert family_of(world_rows((0.1, -0.1, 0.12, -0.08))).outcomes[0].judged.verdict == "undecided"


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
    text = answer(rows, Ledger(), languages_of(rows))

    assert "artificial worlds (an analogue): at one size, so no test (pocket_xs)." in text
    assert "## Confirmatory" not in text
