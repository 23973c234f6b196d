import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bench.calibration.outcomes import Outcomes
from bench.calibration.temperature import HIGHEST, LOWEST, apply, fit_temperature
from tests.prediction_factory import make_outcomes, make_predictions
from tests.strategies import predictions


def data(scale=1.0, n=2000, seed=0):
    made = make_predictions(n, seed, scale=1.5)
    return made.logits.astype(np.float64) * scale, made.labels.astype(np.intp)


def best_nll(logits, labels):
    """The optimum by another route: a fine grid over log T, then golden section around its best point."""

    def nll(log_temperature):
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]).mean())

    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), 200)
    best = grid[int(np.argmin([nll(point) for point in grid]))]
    refined = minimize_scalar(nll, bounds=(best - 0.1, best + 0.1), method="bounded", options={"xatol": 1e-12})
    return refined.fun


# The cases in which common implementations miss the optimum: far scales, few items.
@pytest.mark.parametrize(
    ("scale", "n", "low", "high"),
    [(1, 2000, 0.9, 1.1), (8, 2000, 7.2, 8.8), (50, 2000, 45, 55), (0.1, 2000, 0.09, 0.11), (8, 20, 2, 30)],
    ids=["calibrated", "over x8", "over x50", "under x0.1", "20 items x8"],
)
def test_the_optimum_is_reached(scale, n, low, high):
    logits, labels = data(scale, n)
    found = fit_temperature(logits, labels)
    assert low < found.value < high
    assert not found.at_bound
    assert found.nll_after == pytest.approx(best_nll(logits, labels), abs=1e-9)
    assert found.nll_after <= found.nll_before


def test_separable_data_give_the_lowest_temperature():
    logits, _ = data(n=500)
    found = fit_temperature(logits, logits.argmax(axis=1))
    assert (found.value, found.at_bound) == (LOWEST, True)


def test_anticorrelated_data_give_the_highest_temperature():
    logits, _ = data(n=500)
    found = fit_temperature(logits, logits.argmin(axis=1))
    assert (found.value, found.at_bound) == (HIGHEST, True)
    assert found.nll_after == pytest.approx(np.log(3), abs=0.05)


@pytest.mark.parametrize(("label", "value"), [(0, LOWEST), (1, HIGHEST)])
def test_one_item(label, value):
    found = fit_temperature(np.array([[2.0, 1.0, 0.0]]), np.array([label]))
    # A label with the mean logit gains nothing from any other confidence than none.
    assert (found.value, found.at_bound) == (value, True)


def test_one_class_only_is_defined():
    logits, _ = data(n=50)
    assert LOWEST <= fit_temperature(logits, np.zeros(50, np.intp)).value <= HIGHEST


def test_equal_logits_are_left_alone():
    found = fit_temperature(np.full((3, 3), 7.0), np.array([0, 1, 2]))
    assert (found.value, found.at_bound, found.nll_after) == (1.0, False, found.nll_before)


@given(predictions())
def test_any_logits_have_a_positive_temperature_that_does_not_harm_the_fit(made):
    found = Outcomes.from_predictions(made)
    temperature = fit_temperature(found.log_probabilities, found.labels)
    assert LOWEST <= temperature.value <= HIGHEST
    assert temperature.nll_after <= temperature.nll_before * (1 + 1e-12) + 1e-12


@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.25, 0.5, 2, 4]))
def test_temperature_follows_the_scale_of_the_logits(seed, scale):
    logits, labels = data(n=60, seed=seed)
    once, scaled = fit_temperature(logits, labels), fit_temperature(scale * logits, labels)
    assume(not once.at_bound and not scaled.at_bound)
    assert scaled.value == pytest.approx(scale * once.value, rel=1e-9)


def test_applying_divides_the_logits_and_keeps_the_answers():
    made = make_predictions(50)
    found = Outcomes.from_predictions(made)
    after = apply(found, 2.5)
    powers = np.exp(made.logits.astype(np.float64) / 2.5)
    np.testing.assert_allclose(after.probabilities, powers / powers.sum(axis=1, keepdims=True), rtol=1e-12)
    assert np.array_equal(after.correct, found.correct)


def test_the_fit_finds_what_made_the_data():
    found = make_outcomes(20_000, temperature=1.7)
    assert fit_temperature(found.log_probabilities, found.labels).value == pytest.approx(1.7, rel=0.05)
