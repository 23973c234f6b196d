"""Neighbouring sizes at equal accuracy: changes that are known, what is missing, and what the answer makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench.report.analysis import analyse
from bench.report.answer import answer
from bench.report.equal_accuracy import curves
from bench.report.exploratory import MATCHED, beyond_accuracy, exploratory
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.matched_sizes import EQUAL, change_at_equal_accuracy, climbs
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.size_tests import Family, families
from bench.rows import Row
from tests.world_rows import POCKET, world_rows

RISING = (0.08, 0.1, 0.12, 0.1)
VALUES_ALONE = curves(None)
# What a size gains in accuracy over the one before, at each of its three points: less than these lie apart.
STEP, APART = 0.02, 0.05


def traced(rows: Sequence[Row], moved: Sequence[float], step: float = STEP) -> list[Row]:
    """Give rows points on their way: where sizes are equally accurate, the gap rises by `moved` of its world each."""
    return [
        Row({**row.data, "pairing": "items", "trajectory": _points(row, moved[int(row.world[1:])], step)})
        for row in rows
    ]


def _points(row: Row, moved: float, step: float) -> list[dict]:
    place = POCKET.index(row.condition.model)
    first = (0.7 if row.transfer("gap") is None else 0.5) + step * place
    return [_point(number, first + APART * number, moved * place) for number in range(3)]


def _point(number: int, accuracy: float, gap: float) -> dict:
    gap += (accuracy - 0.5) / 2
    found = {"accuracy": accuracy, "gap": gap, "confidence": accuracy + gap}
    return {"step": number + 1, "examples": 32, "predictions": "p", "ece15": None, "l2sq15": None, "nll": None} | found


def family_of(rows: list[Row]) -> Family:
    (family,) = families(settings(sections(rows, Ledger(), languages_of(rows))))
    return family


def test_tasks_that_nobody_read_on_the_way_are_not_in_it() -> None:
    read = traced(world_rows(RISING), (0.01, 0.02, 0.03, 0.04))
    other = world_rows(RISING, intermediates=("csqa",))
    rows = [*read, *other]
    found = climbs(family_of(rows), VALUES_ALONE)

    assert family_of(rows).worlds[0].groups.intermediates == ("csqa", "snli")
    assert [step.mean.value for step in found[0].steps] == pytest.approx([0.01] * 3)
    assert "with readings on the way (snli)" in answer(analyse(rows, Ledger(), languages_of(rows)))


def test_the_change_is_that_where_both_are_equally_accurate() -> None:
    found = climbs(family_of(traced(world_rows(RISING), (0.01, 0.02, 0.03, 0.04))), VALUES_ALONE)

    assert [(one.equal, one.world) for one in found] == [(equal, f"w{world}") for equal in EQUAL for world in range(4)]
    for one in found:
        moved = 0.01 * (1 + int(one.world[1:]))
        assert [step.mean.value for step in one.steps] == pytest.approx([moved] * 3)
        assert one.whole.mean.value == pytest.approx(3 * moved)
        assert (one.whole.seeds, one.apart) == (2, ())


def test_over_worlds_the_world_is_the_unit() -> None:
    family = family_of(traced(world_rows(RISING), (0.01, 0.02, 0.03, 0.04)))
    found = [one for one in climbs(family, VALUES_ALONE) if one.equal == EQUAL[0]]
    change, (estimate,) = change_at_equal_accuracy(family, found)

    assert change == estimate.value == pytest.approx(0.075)
    assert estimate.freedom == 3
    assert estimate.error == pytest.approx(np.std([0.03, 0.06, 0.09, 0.12], ddof=1) / 2)
    assert change_at_equal_accuracy(family, found[:3]) is None


def test_sizes_that_do_not_meet_are_missing_with_the_reason() -> None:
    rows = traced(world_rows((0.1, 0.1, 0.1)), (0.01, 0.01, 0.01), step=3 * APART)
    found = climbs(family_of(rows), VALUES_ALONE)

    assert all(one.steps == (None, None, None) and one.whole is None for one in found)
    assert found[0].apart[0].startswith("w0, pocket_s less pocket_xs: snli-w0_")
    assert found[0].apart[0].endswith("accuracies of 0.650 to 0.750 and of 0.500 to 0.600 do not meet")
    text = answer(analyse(rows, Ledger(), languages_of(rows)))
    assert "Missing: w0, pocket" in text
    assert (
        "gap at equal accuracy" not in text.split("Exploratory\n\n")[1].split("#### Neighbouring")[0].split("|", 1)[1]
    )


def test_a_seed_without_a_language_is_left_out_of_its_step() -> None:
    gone = ("pocket_m", "w0_agg", 1)
    rows = [
        row
        for row in traced(world_rows((0.1, 0.1, 0.1)), (0.01, 0.01, 0.01))
        if (row.condition.model, row.condition.language, row.condition.seed) != gone
    ]
    first = climbs(family_of(rows), VALUES_ALONE)[0]

    assert [step.seeds for step in first.steps] == [2, 1, 1]
    assert first.whole.seeds == 1


@pytest.mark.parametrize(("moved", "agrees"), [(0.03, True), (-0.03, False), (0.0, False)])
def test_beyond_accuracy_is_said_where_the_gap_rises_at_equal_accuracy_too(moved: float, agrees: bool) -> None:
    spread = (-0.001, 0.001, 0.0, 0.002)
    rows = traced(world_rows(RISING), [moved + each for each in spread])
    family = family_of(rows)
    found = exploratory(family, climbs(family, VALUES_ALONE))
    text = answer(analyse(rows, Ledger(), languages_of(rows)))

    assert [one.title for one in found if one.metric == MATCHED] == [
        f"gap at equal accuracy in {each}" for each in EQUAL
    ]
    assert bool(beyond_accuracy(found, family.outcomes[0])) == agrees
    assert ("Size changes calibration beyond accuracy: gap at equal accuracy in the language" in text) == agrees
    assert ("No quantity that is free of accuracy agrees" in text) != agrees


def test_without_trajectories_nothing_is_compared() -> None:
    rows = world_rows(RISING)
    assert climbs(family_of(rows), VALUES_ALONE) == []
    assert "Neighbouring sizes at equal accuracy" not in answer(analyse(rows, Ledger(), languages_of(rows)))
