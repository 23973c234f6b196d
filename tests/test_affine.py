import numpy as np
import pytest
from scipy.special import log_softmax

from bench.calibration.calibrators.affine import (
    INTERCEPT_VARIANCE,
    OFF_DIAGONAL_VARIANCE,
    RIDGE,
    fit_dirichlet,
    fit_matrix_scaling,
    fit_vector_scaling,
    problem,
)
from bench.calibration.calibrators.temperature import fit as fit_temperature
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes
from tests.test_calibrators import DEGENERATE

FITS = {"vs": fit_vector_scaling, "ms": fit_matrix_scaling, "dir": fit_dirichlet}
EACH = pytest.mark.parametrize("token", FITS)


def entries_of(token, fitted):
    left = np.diag(fitted.matrix)[:, None] if token == "vs" else fitted.matrix
    return np.column_stack([left, fitted.intercept])


def bent(n, matrix, intercept, seed=0, log=False, split="test"):
    """Outcomes whose labels are drawn from softmax(matrix x + intercept), x the centred logits or ln p."""
    generator = np.random.default_rng([seed, n])
    x = log_softmax(generator.normal(size=(n, 3)) * 2, axis=1)
    used = x if log else x - x.mean(axis=1, keepdims=True)
    labels = (used @ np.transpose(matrix) + intercept + generator.gumbel(size=(n, 3))).argmax(axis=1)
    names = np.array([f"{split}-{row}" for row in range(n)])
    return Outcomes.from_logits(x, labels, item_ids=names)


@EACH
@pytest.mark.parametrize("case", [case for case in DEGENERATE if case != "K = 200"])
def test_the_gradient_at_the_answer_is_0(token, case):
    found = DEGENERATE[case]
    stated = problem(token, found, np.ones(len(found)))
    size = np.abs(stated.features).sum(axis=-1).max()
    assert np.abs(stated.gradient(entries_of(token, FITS[token](found)))).max() < 1e-11 * size


@EACH
def test_the_gradient_at_another_map_is_not(token):
    found = make_outcomes(60, temperature=2)
    stated = problem(token, found, np.ones(60))
    assert np.abs(stated.gradient(stated.prior)).max() > 0.1


@pytest.mark.parametrize("token", ["ms", "dir"])
def test_odir_is_that_of_the_paper_with_weights_from_the_size_of_the_set(token):
    found, classes, n = make_outcomes(60, temperature=2), 3, 60
    generator = np.random.default_rng(0)
    matrix, intercept = generator.normal(size=(3, 3)), generator.normal(size=3)
    x = found.log_probabilities - (token == "ms") * found.log_probabilities.mean(axis=1, keepdims=True)
    logs = log_softmax(x @ matrix.T + intercept, axis=1)
    off_diagonal = (matrix**2).sum() - (np.diag(matrix) ** 2).sum()
    weight = classes**2 * (classes - 1) / (2 * n * OFF_DIAGONAL_VARIANCE)
    expected = (
        -logs[np.arange(n), found.labels].mean()
        + weight * off_diagonal / (classes * (classes - 1))
        + classes / (2 * n * INTERCEPT_VARIANCE) * (intercept**2).sum() / classes
        + RIDGE / (2 * n) * (((matrix - np.eye(3)) ** 2).sum() + (intercept**2).sum())
    )
    stated = problem(token, found, np.ones(n))
    assert stated.value(np.column_stack([matrix, intercept])) / n == pytest.approx(expected)


@EACH
def test_the_identity_costs_nothing(token):
    found = make_outcomes(60, temperature=2)
    stated = problem(token, found, np.ones(60))
    assert stated.value(stated.prior) / 60 == pytest.approx(METRICS["nll"].value(found))


@EACH
def test_logits_that_differ_by_a_shift_of_their_row_are_one_input(token):
    generator = np.random.default_rng(0)
    z, labels = generator.normal(size=(50, 3)), generator.integers(0, 3, 50)
    first = FITS[token](Outcomes.from_logits(z, labels))
    second = FITS[token](Outcomes.from_logits(z + generator.normal(size=(50, 1)) * 10, labels))
    np.testing.assert_allclose(second.matrix, first.matrix, atol=1e-9)
    np.testing.assert_allclose(second.intercept, first.intercept, atol=1e-9)


@pytest.mark.parametrize("token", ["vs", "ms"])
def test_scaling_applies_to_logits_with_mean_0(token):
    found = make_outcomes(200, temperature=2)
    fitted = FITS[token](found)
    x = found.log_probabilities - found.log_probabilities.mean(axis=1, keepdims=True)
    expected = log_softmax(x @ fitted.matrix.T + fitted.intercept, axis=1)
    np.testing.assert_allclose(fitted.apply(found).log_probabilities, expected, atol=1e-12)


def test_dirichlet_applies_to_log_probabilities():
    found = make_outcomes(200, temperature=2)
    fitted = fit_dirichlet(found)
    expected = log_softmax(found.log_probabilities @ fitted.matrix.T + fitted.intercept, axis=1)
    np.testing.assert_allclose(fitted.apply(found).log_probabilities, expected, atol=1e-12)


def test_vector_scaling_has_no_entry_off_the_diagonal():
    matrix = fit_vector_scaling(make_outcomes(200, temperature=2)).matrix
    np.testing.assert_array_equal(matrix, np.diag(np.diag(matrix)))


def test_vector_scaling_finds_what_made_the_data():
    scales, biases = np.array([0.4, 0.8, 1.2]), np.array([0.5, 0.0, -0.5])
    fitted = fit_vector_scaling(bent(40_000, np.diag(scales), biases))
    np.testing.assert_allclose(np.diag(fitted.matrix), scales, atol=0.05)
    np.testing.assert_allclose(fitted.intercept - fitted.intercept.mean(), biases, atol=0.05)


@pytest.mark.parametrize(("token", "log"), [("ms", False), ("dir", True)])
def test_matrix_and_dirichlet_reach_what_made_the_data(token, log):
    matrix = np.array([[0.6, 0.2, -0.1], [-0.1, 0.5, 0.2], [0.1, -0.2, 0.7]])
    intercept = np.array([0.4, -0.4, 0.0])
    fitted = FITS[token](bent(20_000, matrix, intercept, 1, log, split="validation"))
    score = bent(20_000, matrix, intercept, 2, log)
    x = score.log_probabilities if log else score.log_probabilities - score.log_probabilities.mean(1, keepdims=True)
    best = score.with_log_probabilities(log_softmax(x @ matrix.T + intercept, axis=1))
    reached = METRICS["nll"].value(fitted.apply(score))
    assert reached == pytest.approx(METRICS["nll"].value(best), abs=0.001)
    # A temperature cannot.
    assert METRICS["nll"].value(fit_temperature(score).apply(score)) > reached + 0.05


@pytest.mark.parametrize("token", ["ms", "dir"])
def test_odir_lets_the_matrix_leave_the_diagonal_only_as_data_grow(token):
    matrix = np.array([[1.0, 0.3, -0.3], [-0.3, 1.0, 0.3], [0.3, -0.3, 1.0]])
    sizes = [
        np.abs(fitted.matrix - np.diag(np.diag(fitted.matrix))).max()
        for fitted in (FITS[token](bent(n, matrix, np.zeros(3), log=True)) for n in (5, 50, 5000))
    ]
    assert sizes[0] < 0.1 < sizes[2]
    assert sizes[0] < sizes[1] < sizes[2]


@EACH
def test_separable_data_are_told_right_with_finite_entries(token):
    found = DEGENERATE["separable"]
    fitted = FITS[token](found)
    assert np.abs(fitted.matrix).max() < 100
    assert METRICS["accuracy"].value(fitted.apply(found)) == 1
    assert METRICS["nll"].value(fitted.apply(found)) < 0.05


@EACH
def test_anti_correlated_data_turn_the_answers_round(token):
    found = DEGENERATE["anti-correlated"]
    assert METRICS["accuracy"].value(found) == 0
    assert METRICS["accuracy"].value(FITS[token](found).apply(found)) == 1


@EACH
def test_one_item_moves_its_label_up(token):
    for case in ("n = 1 and right", "n = 1 and wrong"):
        found = DEGENERATE[case]
        label = found.labels[0]
        assert FITS[token](found).apply(found).probabilities[0, label] > max(0.5, found.probabilities[0, label])


@pytest.mark.parametrize(("token", "penalty"), [("vs", RIDGE), ("ms", RIDGE + 1 / INTERCEPT_VARIANCE)])
def test_equal_logits_leave_the_identity_and_intercepts_for_the_frequencies_of_the_classes(token, penalty):
    frequencies = np.array([0.5, 0.25, 0.25])
    found = Outcomes.from_logits(np.zeros((40, 3)), np.repeat([0, 1, 2], [20, 10, 10]))
    fitted = FITS[token](found)
    np.testing.assert_allclose(fitted.matrix, np.eye(3), atol=1e-12)
    # Where the slope is 0: n (p - frequencies) + penalty * intercept = 0.
    p = fitted.apply(found).probabilities[0]
    np.testing.assert_allclose(40 * (p - frequencies) + penalty * fitted.intercept, 0, atol=1e-9)
    assert p[0] > 0.4


def test_parameters_are_what_was_fitted():
    fitted = fit_vector_scaling(make_outcomes(60))
    assert fitted.parameters() == {"matrix": fitted.matrix.tolist(), "intercept": fitted.intercept.tolist()}
