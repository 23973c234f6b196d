import numpy as np
import pytest

from bench.calibration.calibrators.spline import KNOTS, Spline, _basis, _slopes, fit
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes


def constant(confidence, items=1e12):
    """A map that gives every item this confidence, from a fit set so large that certainty is allowed."""
    return Spline(np.array([0.5]), np.array([confidence]), np.zeros(5), items)


def applied(confidence, rows, items=1e12):
    return constant(confidence, items).apply(Outcomes.from_probabilities(rows, [0] * len(rows))).probabilities


def test_a_single_confidence_becomes_the_accuracy():
    found = Outcomes.from_probabilities([[0.9, 0.05, 0.05]] * 10, [0] * 6 + [1] * 4)
    np.testing.assert_allclose(fit(found).apply(found).confidence, 0.6, atol=1e-6)


def test_the_basis_is_that_of_natural_cubic_splines_from_0():
    step, t = 1e-4, np.linspace(0.01, 0.99, 50)
    np.testing.assert_array_equal(_basis(np.zeros(1)), 0)
    # Its slopes are its derivative.
    numeric = (_basis(t + step) - _basis(t - step)) / (2 * step)
    np.testing.assert_allclose(_slopes(t), numeric, atol=1e-6)
    # No curvature at the ends, continuous curvature at the knots between them, and five independent functions.
    at_ends = _slopes(np.array([step, 1.0])) - _slopes(np.array([0.0, 1.0 - step]))
    np.testing.assert_allclose(at_ends / step, 0, atol=0.01)
    left, right = _slopes(KNOTS[1:-1]) - _slopes(KNOTS[1:-1] - step), _slopes(KNOTS[1:-1] + step) - _slopes(KNOTS[1:-1])
    np.testing.assert_allclose(left / step, right / step, atol=0.01)
    assert np.linalg.matrix_rank(_basis(t)) == 5


def test_a_smooth_error_is_followed_along_the_confidences():
    generator = np.random.default_rng(0)
    confidence = np.sort(generator.uniform(0.5, 1, 60_000))
    # Right as often as 0.5 + (c - 0.5)^2: an over-confidence that grows and shrinks again.
    right = generator.random(60_000) < 0.5 + (confidence - 0.5) ** 2
    found = Outcomes.from_probabilities(np.column_stack([confidence, 1 - confidence]), np.where(right, 0, 1))
    fitted = fit(found)
    inner = fitted.confidences[1000:-1000]
    np.testing.assert_allclose(fitted.recalibrated[1000:-1000], 0.5 + (inner - 0.5) ** 2, atol=0.02)
    assert abs(METRICS["gap"].value(fitted.apply(found))) < 0.005


def test_an_error_that_is_a_spline_is_found_and_corrected_at_the_middle_of_each_block():
    def error(t):
        return _basis(t) @ np.array([-0.1, 0.06, -0.04, 0.02, 0.04])

    ends, confidence = np.arange(1, 11) / 10, 0.55 + 0.04 * np.arange(10)
    # Weights make the right ones of each tenth exactly as many as the error says.
    accuracy = confidence + np.diff(error(np.append(0, ends))) * 10
    rows = np.repeat(np.column_stack([confidence, 1 - confidence]), 2, axis=0)
    weights = np.column_stack([accuracy, 1 - accuracy]).ravel()
    fitted = fit(Outcomes.from_probabilities(rows, [0, 1] * 10), weights)
    middle, step = ends - 0.05, 1e-5
    slope = (error(middle + step) - error(middle - step)) / (2 * step)
    np.testing.assert_allclose(fitted.recalibrated, confidence + slope, atol=1e-4)


def test_items_of_one_confidence_may_come_in_any_order():
    rows = [[0.6, 0.4]] * 6 + [[0.8, 0.2]] * 6
    first = fit(Outcomes.from_probabilities(rows, [0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0]))
    second = fit(Outcomes.from_probabilities(rows, [1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1]))
    np.testing.assert_allclose(second.recalibrated, first.recalibrated, atol=1e-12)


def test_the_others_share_the_rest_in_proportion():
    np.testing.assert_allclose(applied(0.8, [[0.5, 0.3, 0.2], [0.7, 0.3, 0.0]]), [[0.8, 0.12, 0.08], [0.8, 0.2, 0]])


def test_confidence_stops_where_the_next_class_draws_level():
    # 0.3 and 0.2 share what is left as 3 : 2, so both have r where r = 0.6 (1 - r).
    after = applied(0.1, [[0.5, 0.3, 0.2], [0.6, 0.4, 0.0]])
    np.testing.assert_allclose(after, [[0.375, 0.375, 0.25], [0.5, 0.5, 0]], atol=1e-300)


def test_certainty_leaves_the_others_what_the_size_of_the_fit_set_says():
    # As if 1 of 10 parts were equal chances.
    np.testing.assert_allclose(applied(1.3, [[0.6, 0.3, 0.1]], items=9), [[0.9 + 1 / 30, 0.05, 1 / 60]])


def test_tied_answers_share_and_stay_tied():
    rows = [[0.4, 0.4, 0.2], [1 / 3, 1 / 3, 1 / 3], [0.25, 0.25, 0.5]]
    after = applied(0.45, rows)
    np.testing.assert_allclose(after, [[0.45, 0.45, 0.1], [1 / 3, 1 / 3, 1 / 3], [0.275, 0.275, 0.45]])
    np.testing.assert_allclose(applied(0.9, rows)[0], [0.5, 0.5, 0], atol=1e-9)


def test_between_fitted_confidences_it_is_linear_and_outside_constant():
    fitted = Spline(np.array([0.6, 0.8]), np.array([0.55, 0.75]), np.zeros(5), 1e12)
    after = fitted.apply(Outcomes.from_probabilities([[0.5, 0.5], [0.65, 0.35], [0.99, 0.01]], [0, 0, 0]))
    np.testing.assert_allclose(after.confidence, [0.5, 0.6, 0.75])


@pytest.mark.parametrize(("label", "expected"), [(0, 2 / 3), (2, 3 / 7)])
def test_one_item_has_the_highest_or_the_lowest_confidence_there_is(label, expected):
    # Wrong: r = 0.75 (1 - r), for 0.3 and 0.1 share the rest. Right: half of the distribution is equal chances.
    found = Outcomes.from_probabilities([[0.6, 0.3, 0.1]], [label])
    np.testing.assert_allclose(fit(found).apply(found).confidence, expected)


def test_parameters_are_those_of_the_spline():
    fitted = fit(make_outcomes(60, temperature=2))
    stated = fitted.parameters()
    assert [stated["slope"], *stated["curvatures"]] == fitted.coefficients.tolist()


@pytest.mark.parametrize("second", [0.55, 1.0])
def test_the_answer_stays_the_highest_even_where_it_is_lowered_to_level(second):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(300, 3)) * 3
    order = np.argsort(-logits, axis=1)
    found = Outcomes.from_logits(logits, np.where(generator.random(300) < second, order[:, 1], order[:, 0]))
    after = fit(found).apply(found)
    assert np.array_equal(after.probabilities.argmax(axis=1), after.top.argmax(axis=1))
