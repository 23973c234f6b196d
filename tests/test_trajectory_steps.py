"""At which steps a run is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.training.trajectory import Trajectory, check_points, planned_steps, steps_until

TOTALS, COUNTS = st.integers(1, 10**6), st.integers(1, 40)


def test_the_last_step_and_its_halves() -> None:
    assert planned_steps(1000, 5) == (63, 125, 250, 500, 1000)
    assert planned_steps(3, 5) == (1, 2, 3)
    assert planned_steps(7, 0) == ()


@given(TOTALS, COUNTS)
def test_steps_are_few_ascending_within_the_run_and_end_with_it(total, count) -> None:
    steps = planned_steps(total, count)

    assert 1 <= len(steps) <= count
    assert list(steps) == sorted(set(steps))
    assert steps[0] >= 1
    assert steps[-1] == total
    assert set(steps) <= set(planned_steps(total, count + 1))


@given(TOTALS, st.data(), COUNTS)
def test_a_run_that_ended_early_was_read_before_and_at_its_end(total, data, count) -> None:
    end = data.draw(st.integers(1, total))
    steps = steps_until(end, total, count)

    assert steps[-1] == end
    assert len(steps) <= count
    assert set(steps[:-1]) == {step for step in planned_steps(total, count) if step < end}
    assert steps_until(total, total, count) == planned_steps(total, count)
    assert steps_until(end, total, 0) == ()


@pytest.mark.parametrize(("step", "goes_on"), [(3, True), (4, True), (7, True), (8, False), (16, False)])
def test_a_run_goes_on_only_from_before_what_was_not_read(step, goes_on) -> None:
    trajectory = Trajectory((4, 8, 16), kept={4, 16}.__contains__, read=lambda *_: None)

    assert trajectory.goes_on_from(step) is goes_on


def test_a_negative_number_of_points_is_refused() -> None:
    assert check_points(0) == 0
    with pytest.raises(BadInput, match=r"Got trajectory=-1, but a fine-tuning run is read at 0 or more steps; 0 turns"):
        check_points(-1)
