"""What docs/gate.md shows of the gate: no alarms where nothing changed, one where two points were lost."""

import pytest

from bench.gate.compare import RETRAIN
from tests.gate_tables import GATED, PAGE, WORSE, marks, power_part, retrained_pairs, retrained_part
from tests.simulations.gate_power import power


def written(name):
    begin, end = marks(name)
    return PAGE.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]


def test_retrained_models_raise_at_most_one_alarm_in_twenty_pairs():
    compared = [one for pair in retrained_pairs() for one in pair]

    assert len(compared) == 20
    assert {(one.mode, one.seeds) for one in compared} == {(RETRAIN, (3, 3))}
    assert sum(WORSE in map(one.verdict, GATED) for one in compared) <= 1
    assert written("retrained") == retrained_part()


def test_a_loss_of_two_points_is_caught():
    (cell,) = power(20, seeds=(3,), deviations=(0.4,), losses=(2.0,), seed=1)
    (unchanged,) = power(20, seeds=(3,), deviations=(0.4,), losses=(0.0,), seed=1)

    assert cell.worse >= 0.9
    assert unchanged.worse <= 0.1


@pytest.mark.nightly
def test_the_table_is_what_the_simulations_give():
    cells = power(200)
    caught = {(cell.seeds, cell.deviation): cell.worse for cell in cells if cell.loss == 2.0}

    assert written("power") == power_part(cells)
    assert min(caught[seeds, deviation] for seeds in (3, 5) for deviation in (0.2, 0.4)) >= 0.95
    assert max(cell.worse for cell in cells if cell.loss == 0.0) <= 0.05
