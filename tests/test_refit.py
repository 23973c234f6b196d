import dataclasses

import numpy as np
import pytest

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.calibrators.temperature import apply, fit_temperature
from bench.calibration.recalibration import recalibrate
from bench.statistics.bootstrap import draws
from bench.statistics.contrasts import difference, estimates, resample
from bench.statistics.refit import (
    REFITS,
    mapped_values,
    recalibrated_values,
    refit_log_temperatures,
    refit_maps,
    refitted_values,
)
from bench.statistics.sufficient import group_sums, replicate_values
from tests.prediction_factory import make_outcomes

FIT = make_outcomes(150, 4, temperature=2, split="validation")
TEST = make_outcomes(90, 5, temperature=2)


def copies(outcomes, counts):
    """The items of `outcomes` as often as their groups were drawn, under names of their own."""
    rows = np.repeat(np.arange(len(outcomes)), counts[outcomes.groups[1]].astype(int))
    return dataclasses.replace(outcomes.take(rows), item_ids=np.array([f"v{row}" for row in range(len(rows))]))


def test_temperatures_refitted_on_replicates_match_refits_on_copies():
    temperatures = np.exp(refit_log_temperatures(FIT, 6, 0))
    for counts, temperature in zip(draws(FIT.group_ids, 6, 0), temperatures, strict=True):
        drawn = copies(FIT, counts)
        assert temperature == pytest.approx(fit_temperature(drawn.log_probabilities, drawn.labels).value, rel=3e-3)


def test_recalibrated_replicates_match_direct_ones():
    found = make_outcomes(600, 5, temperature=2, posterior=True)
    log_temperatures = np.log(np.linspace(1.7, 2.3, 40))
    multiplicities = draws(found.group_ids, 40, 0)
    # Binned errors jump when an item changes its bin, and the true error of these data has a kink at T = 2.
    tolerances = {"accuracy": 1e-9, "gap": 1e-4, "nll": 1e-4, "brier": 1e-4}
    tolerances |= {"ece15": 1e-2, "l2sq15": 3e-3, "true_error": 2e-3}
    interpolated = recalibrated_values(found, log_temperatures, multiplicities, list(tolerances))
    for name, tolerance in tolerances.items():
        direct = [
            replicate_values(group_sums(apply(found, float(np.exp(each)))), row[None, :])[name][0]
            for each, row in zip(log_temperatures, multiplicities, strict=True)
        ]
        np.testing.assert_allclose(interpolated[name], direct, atol=tolerance)


def test_temperatures_that_are_all_equal_need_no_interpolation():
    found = make_outcomes(60)
    multiplicities = draws(found.group_ids, 5, 0)
    plain = replicate_values(group_sums(found), multiplicities)
    for name, values in recalibrated_values(found, np.zeros(5), multiplicities).items():
        np.testing.assert_allclose(values, plain[name], atol=1e-12)


@pytest.mark.parametrize("token", CALIBRATORS)
def test_a_refit_is_a_fit_on_copies(token):
    maps = refit_maps(recalibrate(FIT, token), 3, 0)
    for counts, refitted in zip(draws(FIT.group_ids, 3, 0), maps, strict=True):
        direct = CALIBRATORS[token].fit(copies(FIT, counts))
        # Iterations end where they differ by less; bins of equal mass and monotone steps are the very same.
        np.testing.assert_allclose(
            refitted.apply(TEST).probabilities, direct.apply(TEST).probabilities, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("token", ["vs", "iso"])
def test_replicates_are_copies_of_scored_items_under_maps_fitted_on_copies(token):
    fitted = recalibrate(FIT, token)
    values = refitted_values(TEST, fitted, 4, 0, ["gap", "accuracy", "brier", "ece15"])
    both = zip(draws(FIT.group_ids, 4, 0), draws(TEST.group_ids, 4, 0), strict=True)
    for replicate, (calibration, scored) in enumerate(both):
        direct = CALIBRATORS[token].fit(copies(FIT, calibration)).apply(copies(TEST, scored))
        gap, accuracy = (direct.confidence - direct.correct).mean(), direct.correct.mean()
        assert values["gap"][replicate] == pytest.approx(gap, abs=1e-6)
        assert values["accuracy"][replicate] == pytest.approx(accuracy, abs=1e-6)


def test_a_temperature_refitted_the_slow_way_gives_the_same_replicates():
    names = ["gap", "accuracy", "nll", "brier"]
    fitted = recalibrate(FIT)
    fast = refitted_values(TEST, fitted, 60, 0, names)
    slow = mapped_values(TEST, refit_maps(fitted, 60, 0), draws(TEST.group_ids, 60, 0), names)
    for name in names:
        np.testing.assert_allclose(fast[name], slow[name], atol=2e-3)
        assert slow[name].std() > 1e-2


def test_maps_that_are_no_temperature_have_fewer_replicates():
    names = ["gap"]
    assert refitted_values(TEST, recalibrate(FIT), REFITS + 50, 0, names)["gap"].shape == (REFITS + 50,)
    many, few = (refitted_values(TEST, recalibrate(FIT, "hist"), b, 0, names)["gap"] for b in (REFITS + 50, 20))
    assert many.shape == (REFITS,)
    assert np.array_equal(many[:20], few)


@pytest.mark.parametrize("token", ["ts", "vs", "hist"])
def test_recalibrated_intervals_know_that_the_map_is_estimated(token):
    test = make_outcomes(900, 1, temperature=2)
    fitted = recalibrate(make_outcomes(60, 2, temperature=2, split="validation"), token)
    refitted = resample(test, REFITS, 0, fitted, ["gap"]).replicates["gap"].std()
    fixed = resample(fitted.apply(test), REFITS, 0, metrics=["gap"]).replicates["gap"].std()
    assert refitted > 1.5 * fixed


def test_the_value_is_that_of_the_map_itself_and_its_interval_is_around_it():
    fitted = recalibrate(FIT, "vs")
    resampled = resample(TEST, 50, 0, fitted, ["gap", "nll"])
    expected = fitted.apply(TEST)
    assert resampled.values["gap"] == pytest.approx((expected.confidence - expected.correct).mean())
    found = estimates(resampled)["gap"]
    assert found.low < found.value < found.high


def test_both_sides_of_a_contrast_are_recalibrated_by_the_same_refits():
    """A language against itself: the maps' uncertainty cancels, since both sides take the same replicate's map."""
    fitted = recalibrate(FIT, "vs")
    first, second = (resample(each, 20, 0, fitted, ["gap", "nll"]) for each in (TEST, TEST.take(np.arange(90)[::-1])))
    for each in difference(first, second).values():
        assert (each.low, each.high) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))


def test_one_calibration_group_gives_no_interval():
    fitted = recalibrate(FIT.take([0, 1, 2]))
    resampled = resample(TEST, 20, 0, fitted)
    assert all(np.isnan(values).all() for values in resampled.replicates.values())
    assert np.isfinite(resampled.values["gap"])


def test_a_few_examples_of_which_some_draws_are_separable():
    """One replicate at the lowest temperature must not coarsen the grid for all others."""
    test, half = make_outcomes(600, 1, temperature=0.7), make_outcomes(9, 5, temperature=0.7, split="validation")
    fitted = recalibrate(half)
    log_temperatures = refit_log_temperatures(half, 150, 0)
    assert log_temperatures.min() < -4 < 0 < log_temperatures.max()
    multiplicities = draws(test.group_ids, 150, 0)
    interpolated = recalibrated_values(test, log_temperatures, multiplicities, ["nll", "gap"])
    exact = mapped_values(test, refit_maps(fitted, 150, 0), multiplicities, ["nll", "gap"])
    for name in interpolated:
        expected = np.quantile(exact[name], [0.1, 0.25, 0.5, 0.75, 0.9])
        np.testing.assert_allclose(np.quantile(interpolated[name], [0.1, 0.25, 0.5, 0.75, 0.9]), expected, atol=2e-3)
