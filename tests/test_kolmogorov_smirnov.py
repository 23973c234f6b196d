import dataclasses

import numpy as np
import pytest
from hypothesis import given

from bench.calibration.kolmogorov_smirnov import KS, ks_error
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        # Sums of c - a: -.4, .3, .2.
        ([0.6, 0.7, 0.9], [1, 0, 1], 0.4 / 3),
        ([0.9, 0.6, 0.7], [1, 1, 0], 0.4 / 3),
        # An error that later cancels: .6, .5.
        ([0.6, 0.9], [0, 1], 0.3),
        ([0.5, 0.8, 0.5], [0, 1, 1], 0.2 / 3),
        ([0.7], [1], 0.3),
        ([0.0, 1.0], [0, 1], 0.0),
        ([0.0, 1.0], [1, 0], 0.5),
        ([1.0, 1.0], [0, 0], 1.0),
        ([1.0, 1.0], [1, 1], 0.0),
    ],
)
def test_by_hand(confidence, correct, expected):
    assert ks_error(confidence, correct) == pytest.approx(expected, abs=1e-15)


def test_ties_enter_together():
    # One by one they would reach .25.
    assert ks_error([0.5, 0.5], [1, 0]) == ks_error([0.5, 0.5], [0, 1]) == 0


def test_weights_are_copies_by_hand():
    assert ks_error([0.6, 0.9], [1, 0], [2, 1]) == pytest.approx(0.8 / 3)
    assert ks_error([0.6, 0.9], [1, 0], [0, 1]) == pytest.approx(0.9)


def test_half_precision_is_close():
    found = make_outcomes(300, scale=3)
    halves = found.confidence.astype(np.float16)
    assert ks_error(halves, found.correct.astype(np.float32)) == pytest.approx(KS.value(found), abs=1e-3)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("classes", [2, 200])
def test_without_a_change_of_sign_it_is_the_gap(classes, right):
    found = make_outcomes(50, classes=classes)
    labels = found.probabilities.argmax(axis=1) if right else found.probabilities.argmin(axis=1)
    decided = dataclasses.replace(found, labels=labels)
    gap = decided.confidence.mean() - decided.correct.mean()
    assert KS.value(decided) == pytest.approx(abs(gap))


@given(outcomes())
def test_it_is_the_largest_distance_at_any_threshold(found):
    residuals = found.confidence - found.correct
    distances = [abs(residuals[found.confidence <= threshold].sum()) for threshold in found.confidence]
    assert KS.value(found) == pytest.approx(max(distances) / len(found), abs=1e-12)


@given(outcomes())
def test_it_lies_between_the_gap_and_1(found):
    gap = abs(found.confidence.mean() - found.correct.mean())
    assert gap - 1e-12 <= KS.value(found) <= 1 + 1e-12


def test_under_calibration_it_has_the_floor_of_a_brownian_motion():
    generator = np.random.default_rng(0)
    confidence = 1 / 3 + 2 / 3 * generator.beta(5, 1.5, 2000)
    found = [ks_error(confidence, generator.random(2000) < confidence) for _ in range(400)]
    floor = np.sqrt(np.pi / 2 * (confidence * (1 - confidence)).mean() / 2000)
    # The discrete walk overshoots less: a few per cent below, and 400 draws leave 2 per cent of noise.
    assert np.mean(found) == pytest.approx(floor, rel=0.08)
