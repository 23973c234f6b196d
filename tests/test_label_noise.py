"""Wrong labels and accuracy: the two directions undo each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.statistics.label_noise import explaining_rate, sound_accuracy

classes = st.integers(2, 5)


@given(classes, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_rate_that_explains_a_drop_is_the_one_that_made_it(classes, share, part) -> None:
    chance = 1 / classes
    true = chance + 0.05 + (1 - chance - 0.05) * share
    rate = 0.9 * (1 - chance) * part
    measured = true * (1 - rate) + (1 - true) * rate / (classes - 1)

    assert sound_accuracy(measured, rate, classes) == pytest.approx(true)
    assert explaining_rate(measured, true, classes) == pytest.approx(rate, abs=1e-9)


def test_what_no_rate_explains_has_none_and_what_needs_none_has_zero() -> None:
    assert explaining_rate(0.7, 0.6, 3) == 0
    assert math.isnan(explaining_rate(0.2, 0.3, 3))
    assert math.isnan(explaining_rate(0.2, 0.8, 3))


def test_labels_that_say_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match=r"Got rate=0.7, but a rate of wrong labels lies in \[0, 0.667\)"):
        sound_accuracy(0.5, 0.7, 3)
