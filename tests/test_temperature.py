import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bench.calibration.calibrators.temperature import HIGHEST, LOWEST, apply, fit, fit_temperature
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes, make_predictions
from tests.strategies import predictions


def data(scale=1.0, n=2000, seed=0):
    made = make_predictions(n, seed, scale=1.5)
    return made.logits.astype(np.float64) * scale, made.labels.astype(np.intp)


def mean_nll(logits, labels, log_temperature):
    scaled = logits / np.exp(log_temperature)
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]).mean())


def best_nll(logits, labels):
    """The optimum within the bounds by another route: a fine grid over log T, then golden section around its best."""
    low, high = np.log(LOWEST), np.log(HIGHEST)
    grid = np.linspace(low, high, 200)
    values = [mean_nll(logits, labels, point) for point in grid]
    best = grid[int(np.argmin(values))]
    around = (max(low, best - 0.1), min(high, best + 0.1))
    refined = minimize_scalar(
        lambda point: mean_nll(logits, labels, point), bounds=around, method="bounded", options={"xatol": 1e-12}
    )
    return min(refined.fun, *values)


def drawn(made):
    return made.labels


def right(made):
    return made.logits.argmax(axis=1)


def wrong(made):
    return made.logits.argmin(axis=1)


# The seven cases in which one common implementation or another misses the optimum.
@pytest.mark.parametrize(
    ("scale", "n", "labelled", "low", "high"),
    [
        (1, 2000, drawn, 0.9, 1.1),
        (8, 2000, drawn, 7.2, 8.8),
        (50, 2000, drawn, 45, 55),
        (0.1, 2000, drawn, 0.09, 0.11),
        (8, 20, drawn, 2, 30),
        (1, 500, wrong, HIGHEST, HIGHEST),
        (1, 500, right, LOWEST, LOWEST),
    ],
    ids=["calibrated", "over x8", "over x50", "under x0.1", "20 items x8", "anti-correlated", "separable"],
)
def test_the_optimum_is_reached(scale, n, labelled, low, high):
    made = make_predictions(n, 0, scale=1.5)
    logits, labels = made.logits.astype(np.float64) * scale, labelled(made).astype(np.intp)
    found = fit_temperature(logits, labels)
    assert low <= found.value <= high
    assert found.at_bound == (low == high)
    assert found.nll_after == pytest.approx(best_nll(logits, labels), abs=1e-9)
    assert found.nll_after <= found.nll_before


def test_separable_data_give_the_lowest_temperature():
    logits, _ = data(n=500)
    found = fit_temperature(logits, logits.argmax(axis=1))
    assert (found.value, found.at_bound) == (LOWEST, True)
    # Beyond the bound there is nothing to gain: the least NLL of any T > 0 is 0.
    assert found.nll_after < 1e-4


def test_anticorrelated_data_give_the_highest_temperature():
    logits, _ = data(n=500)
    found = fit_temperature(logits, logits.argmin(axis=1))
    assert (found.value, found.at_bound) == (HIGHEST, True)
    assert found.nll_after == pytest.approx(np.log(3), abs=2e-4)


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


@given(predictions(max_items=15), st.data())
def test_weights_are_copies(made, data):
    found = Outcomes.from_predictions(made)
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)).filter(any))
    copies = found.take(np.repeat(np.arange(len(found)), counts))
    expected = fit_temperature(copies.log_probabilities, copies.labels)
    weighted = fit(found, np.array(counts, dtype=np.float64))
    assert weighted.value == pytest.approx(expected.value, rel=1e-9)
    assert weighted.nll_before == pytest.approx(expected.nll_before, rel=1e-9, abs=1e-12)
    assert weighted.nll_after == pytest.approx(expected.nll_after, rel=1e-9, abs=1e-12)


def test_two_items_with_weights_have_a_temperature_in_closed_form():
    # Three of four labels have the higher of two logits, 1 and 0: 1 / (1 + exp(-1 / T)) = 3 / 4.
    found = fit_temperature(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), np.array([3.0, 1.0]))
    assert found.value == pytest.approx(1 / np.log(3), rel=1e-9)
    assert found.parameters() == {"temperature": found.value, "at_bound": False}


def test_a_probability_of_0_is_taken_as_the_least_there_is():
    found = Outcomes.from_probabilities([[1.0, 0.0], [1.0, 0.0]], [0, 1])
    after = apply(found, HIGHEST)
    # Nothing below 2^-1075 is stored as anything but 0.
    assert np.log(after.probabilities[0, 1] / after.probabilities[0, 0]) == pytest.approx(-1075 * np.log(2) / HIGHEST)
    assert (fit(found).value, np.isfinite(fit(found).nll_after)) == (HIGHEST, True)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_turns_answers_round(temperature):
    with pytest.raises(BadInput) as caught:
        apply(make_outcomes(3), temperature)
    assert str(caught.value) == (
        f"Got temperature={temperature}, but it is above 0: a negative one would turn answers round."
    )
