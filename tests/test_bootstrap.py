import dataclasses
import time

import numpy as np
import pytest

from bench import invariants
from bench.calibration.metrics import METRICS
from bench.calibration.temperature import apply, fit_temperature
from bench.errors import BadInput
from bench.statistics.bootstrap import draws, estimate
from bench.statistics.contrasts import resample
from bench.statistics.refit import recalibrated_values, refit_log_temperatures
from bench.statistics.sufficient import group_sums, replicate_values
from tests.prediction_factory import make_outcomes

GROUPS = np.array(["c", "a", "b", "a", "c", "c"])


def test_a_draw_takes_as_many_groups_as_there_are():
    counts = draws(GROUPS, 500, 0)
    assert counts.shape == (500, 3)
    assert (counts.sum(axis=1) == 3).all()
    # Each group is missing from (2/3)^3 of the draws.
    assert (counts == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.05)


def test_the_same_groups_get_the_same_draw_in_whatever_order_and_number():
    assert np.array_equal(draws(GROUPS, 50, 0), draws(np.array(["a", "b", "c"]), 50, 0))
    assert not np.array_equal(draws(GROUPS, 50, 0), draws(GROUPS, 50, 1))
    assert not np.array_equal(draws(GROUPS, 50, 0), draws(np.array(["a", "b", "d"]), 50, 0))


def test_a_draw_cannot_be_changed_for_others():
    with pytest.raises(ValueError, match="read-only"):
        draws(GROUPS, 50, 0)[0, 0] = 9


@pytest.mark.parametrize("replicates", [0, 1])
def test_too_few_replicates(replicates):
    with pytest.raises(BadInput) as caught:
        draws(GROUPS, replicates, 0)
    assert str(caught.value) == f"Got replicates={replicates}, but an interval needs at least 2, better 2000."


def test_taking_every_group_once_gives_the_metrics_themselves():
    found = make_outcomes(90, posterior=True)
    once = replicate_values(group_sums(found), np.ones((1, 30)))
    assert set(once) == set(METRICS)
    for name, value in once.items():
        assert value[0] == pytest.approx(METRICS[name].value(found), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_replicates_are_weighted_items(seed):
    found = make_outcomes(50, seed, posterior=True, group_size=4)
    invariants.check_clusters(found, draws(found.group_ids, 2, seed)[0])


def test_clustered_items_widen_the_interval():
    """Three copies of an item carry the information of one."""
    found = make_outcomes(900, group_size=1)
    copied = dataclasses.replace(
        found.take(np.repeat(np.arange(300), 3)), group_ids=np.repeat(found.group_ids[:300], 3), item_ids=found.item_ids
    )
    ignoring = dataclasses.replace(copied, group_ids=found.group_ids)
    clustered, naive = (resample(each, 1000, 0).replicates["accuracy"].std() for each in (copied, ignoring))
    assert clustered == pytest.approx(np.sqrt(3) * naive, rel=0.15)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # Quantiles of 0 ... 1 are .025 and .975.
        ("accuracy", 0.025, 0.975),
        ("ece15", 2 * 0.6 - 0.975, 1.0),
        ("l2sq15", 0.6 + 0.5 - 0.975, 1.0),
    ],
)
def test_intervals_by_hand(name, low, high):
    found = estimate(METRICS[name], 0.6, np.linspace(0, 1, 1001))
    assert (found.value, found.low, found.high) == (0.6, pytest.approx(low), pytest.approx(high))


def test_differences_may_be_negative():
    found = estimate(METRICS["accuracy"], -0.1, np.linspace(-0.4, 0.2, 1001), difference=True)
    assert (found.low, found.high) == (pytest.approx(-0.385), pytest.approx(0.185))


def test_one_group_gives_no_interval():
    found = resample(make_outcomes(3), 100, 0)
    assert all(np.isnan(values).all() for values in found.replicates.values())
    assert np.isnan(estimate(METRICS["accuracy"], found.values["accuracy"], found.replicates["accuracy"]).low)


def test_intervals_cover_the_truth():
    """A short simulation with wide limits: 200 sets of 450 items in groups of three."""
    temperature = 1.5
    names = ["accuracy", "gap", "nll", "brier", "l2sq15"]
    population = make_outcomes(200_000, 9, temperature=temperature)
    truth = {name: METRICS[name].value(population) for name in names}
    covered = dict.fromkeys(names, 0)
    for seed in range(200):
        found = resample(make_outcomes(450, seed, temperature=temperature), 300, seed)
        for name in names:
            interval = estimate(METRICS[name], found.values[name], found.replicates[name])
            covered[name] += interval.low <= truth[name] <= interval.high
    # Three standard errors below .95; squared errors near zero are covered too often, never too rarely.
    assert min(covered.values()) > 0.90 * 200


def test_temperatures_refitted_on_replicates_match_refits_on_copies():
    fit = make_outcomes(150, 4, temperature=2, split="validation")
    temperatures = np.exp(refit_log_temperatures(fit, 6, 0))
    _, index = np.unique(fit.group_ids, return_inverse=True)
    for counts, temperature in zip(draws(fit.group_ids, 6, 0), temperatures, strict=True):
        copies = fit.take(np.repeat(np.arange(150), counts[index].astype(int)))
        assert temperature == pytest.approx(fit_temperature(copies.log_probabilities, copies.labels).value, rel=3e-3)


def test_recalibrated_replicates_match_direct_ones():
    found = make_outcomes(600, 5, temperature=2, posterior=True)
    log_temperatures = np.log(np.linspace(1.7, 2.3, 40))
    multiplicities = draws(found.group_ids, 40, 0)
    interpolated = recalibrated_values(found, log_temperatures, multiplicities)
    for name in set(METRICS):
        direct = [
            replicate_values(group_sums(apply(found, float(np.exp(each)))), row[None, :])[name][0]
            for each, row in zip(log_temperatures, multiplicities, strict=True)
        ]
        # Binned errors jump when an item changes its bin, and the true error of these data has a kink at T = 2.
        tolerance = {"ece15": 1e-2, "l2sq15": 3e-3, "true_error": 2e-3}.get(name, 1e-4)
        np.testing.assert_allclose(interpolated[name], direct, atol=tolerance)


def test_temperatures_that_are_all_equal_need_no_interpolation():
    found = make_outcomes(60)
    multiplicities = draws(found.group_ids, 5, 0)
    plain = replicate_values(group_sums(found), multiplicities)
    for name, values in recalibrated_values(found, np.zeros(5), multiplicities).items():
        np.testing.assert_allclose(values, plain[name], atol=1e-12)


def test_a_pair_of_test_sets_takes_well_under_a_second():
    pair = [make_outcomes(5010, seed) for seed in (0, 1)]
    start = time.process_time()
    for found in pair:
        resample(found, 2000, 0)
    assert time.process_time() - start < 2.0
