import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from bench.calibration.calibrators.beta import RIDGE, Beta, fit
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes
from tests.test_calibrators import DEGENERATE

IDENTITY = np.array([1.0, 1.0, 0.0])


def two_classes(scores, labels):
    scores = np.asarray(scores)
    return Outcomes.from_probabilities(np.column_stack([1 - scores, scores]), labels)


def objective(coefficients, scores, hits):
    a, b, c = coefficients
    odds = a * np.log(scores) - b * np.log1p(-scores) + c
    nll = np.logaddexp(0, -odds)[hits].sum() + np.logaddexp(0, odds)[~hits].sum()
    return nll + RIDGE / 2 * ((np.array([a, b, c]) - IDENTITY) ** 2).sum()


def test_the_map_is_that_of_the_paper():
    scores = np.array([0.1, 0.5, 0.9])
    # For two classes a and b change places; so class 0 is the complement of class 1.
    fitted = Beta(np.array([[0.5, 2.0, -0.3], [2.0, 0.5, 0.3]]))
    after = fitted.apply(two_classes(scores, [0, 0, 0]))
    expected = expit(2 * np.log(scores) - 0.5 * np.log(1 - scores) + 0.3)
    np.testing.assert_allclose(after.probabilities[:, 1], expected, rtol=1e-12)


def test_more_classes_are_normalised():
    found = make_outcomes(20)
    chances = expit(0.7 * np.log(found.probabilities) - 0.4 * np.log1p(-found.probabilities) - 0.2)
    after = Beta(np.tile([0.7, 0.4, -0.2], (3, 1))).apply(found)
    np.testing.assert_allclose(after.probabilities, chances / chances.sum(axis=1, keepdims=True), rtol=1e-9)


def test_identity_coefficients_change_nothing_for_two_classes_not_even_where_a_score_is_1_in_float64():
    found = Outcomes.from_logits([[0.0, 1.0], [0.0, 60.0], [0.0, -60.0]], [0, 1, 0])
    after = Beta(np.tile(IDENTITY, (2, 1))).apply(found)
    np.testing.assert_allclose(after.log_probabilities, found.log_probabilities, rtol=1e-12)


def test_it_finds_what_made_the_data():
    generator = np.random.default_rng(0)
    scores = generator.beta(1, 1, 60_000)
    chances = expit(0.5 * np.log(scores) - 1.5 * np.log(1 - scores) + 0.4)
    fitted = fit(two_classes(scores, (generator.random(60_000) < chances).astype(int)))
    np.testing.assert_allclose(fitted.coefficients[1], [0.5, 1.5, 0.4], atol=0.05)
    np.testing.assert_allclose(fitted.coefficients[0], [1.5, 0.5, -0.4], atol=0.05)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), slope=st.sampled_from([-2.0, -0.3, 0.3, 2.0]), n=st.integers(2, 60))
def test_no_a_and_b_that_are_not_negative_do_better(seed, slope, n):
    generator = np.random.default_rng([seed, n])
    scores = generator.beta(1, 2, n).clip(0.001, 0.999)
    hits = generator.random(n) < expit(slope * logit(scores))
    ours = fit(two_classes(scores, hits.astype(int))).coefficients[1]
    assert ours[:2].min() >= 0
    other = minimize(
        objective, IDENTITY, args=(scores, hits), method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)]
    )
    assert objective(ours, scores, hits) <= other.fun + 1e-7


def test_anti_correlated_data_give_a_constant():
    scores = np.linspace(0.1, 0.9, 40)
    fitted = fit(two_classes(scores, (scores < 0.3).astype(int)))
    np.testing.assert_array_equal(fitted.coefficients[:, :2], 0)
    # Ten of forty; the ridge moves the log odds by little.
    assert fitted.coefficients[1, 2] == pytest.approx(np.log(1 / 3), abs=0.01)


def test_separable_data_give_finite_coefficients_and_the_right_answers():
    scores = np.linspace(0.1, 0.9, 40)
    found = two_classes(scores, (scores > 0.5).astype(int))
    fitted = fit(found)
    assert 5 < fitted.coefficients[:, :2].max() < 100
    assert fitted.apply(found).correct.all()


def test_a_missing_class_gets_a_low_constant_but_no_0():
    found = DEGENERATE["a class is missing"]
    fitted = fit(found)
    assert fitted.coefficients[2, 2] < -3
    assert 0 < fitted.apply(found).probabilities[:, 2].max() < 0.02


def test_parameters_are_the_coefficients():
    fitted = fit(make_outcomes(60))
    assert fitted.parameters() == {"coefficients": fitted.coefficients.tolist()}
