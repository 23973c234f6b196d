import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.calibration.calibrators.ensemble_temperature import EnsembleTemperature, best_mixture, fit
from bench.calibration.calibrators.temperature import fit as fit_temperature
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes
from tests.test_calibrators import DEGENERATE


def test_the_map_is_the_mixture_of_its_definition():
    found = make_outcomes(50)
    after = EnsembleTemperature(2.0, np.array([0.5, 0.3, 0.2])).apply(found)
    roots = np.sqrt(found.probabilities)
    expected = 0.5 * roots / roots.sum(axis=1, keepdims=True) + 0.3 * found.probabilities + 0.2 / 3
    np.testing.assert_allclose(after.probabilities, expected, rtol=1e-12)


def test_weights_of_0_leave_a_part_out_and_nothing_underflows():
    found = Outcomes.from_logits([[0.0, -2000.0]], [1])
    after = EnsembleTemperature(1.0, np.array([0.0, 1.0, 0.0])).apply(found)
    assert after.log_probabilities[0, 1] == -2000


def test_two_parts_that_exclude_each_other_are_mixed_by_frequency():
    found = best_mixture(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3.0, 1.0]))
    np.testing.assert_allclose(found, [0.75, 0.25], atol=1e-9)


def test_a_part_that_is_never_the_better_one_gets_nothing():
    densities = np.array([[1.0, 0.0, 0.4], [0.0, 1.0, 0.4], [0.4, 0.4, 0.1]])
    found = best_mixture(densities, np.ones(3))
    assert found[2] == 0
    np.testing.assert_allclose(found, [0.5, 0.5, 0], atol=1e-9)


@settings(deadline=None)
@given(
    densities=st.lists(
        st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=3, max_size=3).filter(any), min_size=1, max_size=9
    ),
    data=st.data(),
)
def test_the_mixture_meets_the_conditions_of_a_minimum(densities, data):
    q = np.array(densities).T
    weights = np.array(data.draw(st.lists(st.integers(1, 5), min_size=q.shape[1], max_size=q.shape[1])), dtype=float)
    check_minimum(q, weights)


def test_two_parts_that_would_enter_at_once():
    """They held each other at 0, and the search ended where it was."""
    check_minimum(np.array([[0.0, 1, 0], [0.0, 1, 0], [0.625, 0.125, 0.5]]).T, np.ones(3))


def check_minimum(q, weights):
    w = best_mixture(q, weights)
    slopes = (q / (w @ q)) @ weights / weights.sum()
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1, abs=1e-12)
    # A part in use has slope 1, no other has more.
    assert slopes.max() <= 1 + 1e-6
    np.testing.assert_allclose(w * (slopes - 1), 0, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1, 2, 4])
def test_the_nll_is_at_most_that_of_temperature_scaling_which_gives_its_temperature(temperature):
    found = make_outcomes(900, temperature=temperature)
    ensemble, single = fit(found), fit_temperature(found)
    assert ensemble.temperature == single.value
    assert METRICS["nll"].value(ensemble.apply(found)) <= METRICS["nll"].value(single.apply(found)) + 1e-12


def test_data_from_a_mixture_are_matched_better_than_by_any_temperature():
    made = make_outcomes(6000, scale=4)
    # Three in ten labels are drawn at random: no temperature caps confidence at 0.8.
    generator = np.random.default_rng(0)
    random = generator.random(len(made)) < 0.3
    labels = np.where(random, generator.integers(0, 3, len(made)), made.labels)
    found = Outcomes.from_probabilities(made.probabilities, labels)
    after = fit(found)
    assert after.weights[2] == pytest.approx(0.3, abs=0.1)
    assert METRICS["nll"].value(after.apply(found)) < METRICS["nll"].value(fit_temperature(found).apply(found)) - 0.02


@pytest.mark.parametrize(
    ("case", "weights"),
    [
        ("separable", [1, 0, 0]),
        ("n = 1 and right", [1, 0, 0]),
        ("anti-correlated", [0, 0, 1]),
        ("n = 1 and wrong", [0, 0, 1]),
    ],
)
def test_one_sided_data_leave_one_part(case, weights):
    np.testing.assert_allclose(fit(DEGENERATE[case]).weights, weights, atol=1e-9)


def test_parameters_are_what_was_fitted():
    fitted = EnsembleTemperature(2.0, np.array([0.5, 0.25, 0.25]))
    assert fitted.parameters() == {"temperature": 2.0, "weights": [0.5, 0.25, 0.25]}
