import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.statistics.bootstrap import draws
from bench.statistics.contrasts import resample
from bench.statistics.intervals import (
    acceleration,
    basic,
    bias_corrected,
    centred,
    combined_estimate,
    estimate,
    percentile,
)
from bench.statistics.sufficient import group_sums, jackknife_values, replicate_values
from tests.prediction_factory import make_outcomes

# Quantiles of 0 ... 1 are .025 and .975.
EVEN = np.linspace(0, 1, 1001)


def test_percentile_by_hand():
    assert percentile(0.6, EVEN) == (pytest.approx(0.025), pytest.approx(0.975))


def test_basic_by_hand():
    assert basic(0.6, EVEN) == (pytest.approx(2 * 0.6 - 0.975), pytest.approx(2 * 0.6 - 0.025))


def test_centred_by_hand():
    assert centred(0.6, EVEN) == (pytest.approx(0.6 + 0.5 - 0.975), pytest.approx(0.6 + 0.5 - 0.025))


def test_a_median_value_needs_no_correction():
    assert bias_corrected(0.5, EVEN) == (pytest.approx(0.025), pytest.approx(0.975))


def test_bias_corrected_by_hand():
    # Below .8413 lie 84.13 %, a normal score of 1: the levels are those of 2 - 1.96 and of 2 + 1.96.
    low, high = bias_corrected(0.8413, np.linspace(0, 1, 100_001))
    assert (low, high) == (pytest.approx(0.5160, abs=2e-4), pytest.approx(0.99996, abs=2e-5))


def test_accelerated_by_hand():
    # No shift; scores of -1.96 / 1.196 = -1.6388 and 1.96 / .804 = 2.4378 with an acceleration of .1.
    low, high = bias_corrected(0.5, np.linspace(0, 1, 100_001), 0.1)
    assert (low, high) == (pytest.approx(0.0506, abs=1e-4), pytest.approx(0.9926, abs=1e-4))


def test_ties_count_half():
    assert bias_corrected(1.0, np.array([0.0] * 10 + [1.0] * 80 + [2.0] * 10)) == (0.0, 2.0)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_value_outside_its_replicates_has_no_bias_correction(value):
    assert all(math.isnan(limit) for limit in bias_corrected(value, EVEN))


def test_an_acceleration_that_turns_the_levels_around_gives_no_interval():
    assert all(math.isnan(limit) for limit in bias_corrected(0.5, EVEN, 0.6))


def test_replicates_that_all_equal_the_value_keep_it():
    for interval in (percentile, basic, centred, bias_corrected):
        assert interval(0.25, np.full(50, 0.25)) == (0.25, 0.25)


def test_acceleration_by_hand():
    # Influences 1, 1, -2 (mean minus each): (1 + 1 - 8) / (6 * 6 ** 1.5).
    assert acceleration(np.array([-1.0, -1.0, 2.0])) == pytest.approx(-6 / (6 * 6**1.5))
    # The mean of three times .1 is not .1 in float64.
    assert acceleration(np.array([0.1, 0.1, 0.1])) == 0.0


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=20), st.sampled_from([1e-200, 1e-3, 1e3, 1e200]))
def test_acceleration_has_no_unit(values, scale):
    jackknife = np.array(values, dtype=float)
    assert acceleration(jackknife * scale) == pytest.approx(acceleration(jackknife), abs=1e-9)


@pytest.mark.parametrize("name", ["nll", "brier", "accuracy"])
def test_accelerated_intervals_agree_with_scipy_on_the_same_resamples(name):
    found = make_outcomes(80, 3, group_size=1, temperature=2)
    sums = group_sums(found, [name])
    # Items in the order of their groups, which are theirs alone.
    items = METRICS[name].items(found)[np.argsort(found.group_ids)]
    replicates = replicate_values(sums, draws(found.group_ids, 999, 0))[name]
    ours = bias_corrected(float(items.mean()), replicates, acceleration(jackknife_values(sums)[name]))

    class Resampled:
        bootstrap_distribution = replicates

    theirs = scipy.stats.bootstrap(
        (items,), np.mean, n_resamples=0, bootstrap_result=Resampled, method="BCa"
    ).confidence_interval
    assert ours == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("accuracy", 0.025, 0.975), ("ece15", 2 * 0.6 - 0.975, 1.0), ("l2sq15", 0.6 + 0.5 - 0.975, 1.0)],
)
def test_a_metric_gets_the_interval_that_fits_its_bias_within_its_range(name, low, high):
    found = estimate(METRICS[name], 0.6, EVEN)
    assert (found.value, found.low, found.high) == (0.6, pytest.approx(low), pytest.approx(high))


def test_differences_may_be_negative():
    found = estimate(METRICS["accuracy"], -0.1, np.linspace(-0.4, 0.2, 1001), difference=True)
    assert (found.low, found.high) == (pytest.approx(-0.385), pytest.approx(0.185))


@pytest.mark.parametrize(
    ("name", "coefficients", "low", "high"),
    [
        ("accuracy", (1.0,), 0.0, 1.0),
        ("accuracy", (1.0, -1.0), -1.0, 1.0),
        ("gap", (1.0, -1.0, -1.0, 1.0), -4.0, 4.0),
        ("accuracy", (0.5, 0.5, -1.0), -1.0, 1.0),
        ("nll", (0.5, 0.5), 0.0, 10.0),
        ("nll", (1.0, -1.0), -10.0, 10.0),
    ],
)
def test_limits_are_clipped_to_what_the_contrast_can_be(name, coefficients, low, high):
    found = combined_estimate(METRICS[name], 0.0, np.repeat([-10.0, 10.0], 500), coefficients)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(("value", "replicate"), [(math.nan, 0.5), (0.5, math.nan), (math.inf, 0.5), (0.5, math.inf)])
def test_what_is_not_finite_has_no_interval(value, replicate):
    found = estimate(METRICS["nll"], value, np.append(EVEN, replicate))
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_intervals_cover_the_truth():
    """A short simulation with wide limits: 200 sets of 450 items in groups of three."""
    temperature = 1.5
    names = ["accuracy", "gap", "nll", "brier", "l2sq15"]
    population = make_outcomes(200_000, 9, temperature=temperature)
    truth = {name: METRICS[name].value(population) for name in names}
    covered = dict.fromkeys(names, 0)
    for seed in range(200):
        found = resample(make_outcomes(450, seed, temperature=temperature), 300, seed, metrics=names)
        for name in names:
            interval = estimate(METRICS[name], found.values[name], found.replicates[name])
            covered[name] += interval.low <= truth[name] <= interval.high
    # Three standard errors below .95; squared errors near zero are covered too often, never too rarely.
    assert min(covered.values()) > 0.90 * 200


def test_a_plug_in_error_of_calibrated_data_lies_below_its_replicates():
    """Why its percentile interval is never used: each replicate is biased once more."""
    found = make_outcomes(900)
    resampled = resample(found, 500, 0, metrics=["ece15"])
    assert resampled.replicates["ece15"].mean() > 1.2 * resampled.values["ece15"]


def test_an_exact_metric_has_an_interval_without_width():
    right = Outcomes.from_probabilities(np.tile([0.75, 0.25], (20, 1)), np.zeros(20, int))
    resampled = resample(right, 50, 0, metrics=["accuracy", "gap"])
    found = estimate(METRICS["gap"], resampled.values["gap"], resampled.replicates["gap"])
    assert (found.value, found.low, found.high) == (-0.25, -0.25, -0.25)
