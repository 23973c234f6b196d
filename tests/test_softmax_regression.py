import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from scipy.special import logsumexp

from bench.calibration.calibrators.softmax_regression import SoftmaxRegression


def problem(n=60, classes=3, features=4, seed=0, own=False, penalty=0.1, scale=1.0):
    generator = np.random.default_rng(seed)
    return SoftmaxRegression(
        features=generator.normal(size=(classes, features, n) if own else (features, n)) * scale,
        labels=generator.integers(0, classes, n),
        weights=generator.integers(1, 4, n).astype(np.float64),
        prior=generator.normal(size=(classes, features)),
        penalty=np.full((classes, features), penalty),
    )


def objective(stated, entries):
    """F as its definition has it, one item at a time."""
    total = 0.0
    for item, label in enumerate(stated.labels):
        x = np.broadcast_to(stated.features[..., item], entries.shape)
        z = (entries * x).sum(axis=1)
        total += stated.weights[item] * (logsumexp(z) - z[label])
    free = np.isfinite(stated.penalty)
    return total + 0.5 * (stated.penalty[free] * (entries - stated.prior)[free] ** 2).sum()


def with_held(stated):
    penalty = stated.penalty.copy()
    penalty[0, :] = np.inf
    return SoftmaxRegression(stated.features, stated.labels, stated.weights, stated.prior, penalty)


CASES = {
    "shared features": problem(),
    "own features": problem(own=True),
    "entries held": with_held(problem()),
    "two classes": problem(classes=2, features=2),
    "weak penalty": problem(n=6, penalty=1e-3),
    "large features": problem(scale=300.0),
    "one item": problem(n=1),
}


@pytest.mark.parametrize("case", CASES)
def test_the_value_is_the_definition(case):
    stated = CASES[case]
    entries = np.where(np.isfinite(stated.penalty), 0.3, stated.prior)
    assert stated.value(entries) == pytest.approx(objective(stated, entries), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_slope_of_the_value(case):
    stated = CASES[case]
    start = np.where(np.isfinite(stated.penalty), 0.3, stated.prior)
    numeric = approx_fprime(start.ravel(), lambda flat: stated.value(flat.reshape(start.shape)), 1e-7)
    numeric = numeric.reshape(start.shape) * np.isfinite(stated.penalty)
    np.testing.assert_allclose(stated.gradient(start), numeric, rtol=1e-4, atol=1e-4 * np.abs(numeric).max())


@pytest.mark.parametrize("case", CASES)
def test_at_the_minimum_the_gradient_is_0(case):
    stated = CASES[case]
    size = (stated.weights * np.abs(stated.features)).sum(axis=-1).max()
    assert np.abs(stated.gradient(stated.minimum())).max() < 1e-11 * size


@pytest.mark.parametrize("case", CASES)
def test_no_other_route_finds_less(case):
    stated = CASES[case]
    free = np.isfinite(stated.penalty)

    def value(flat):
        entries = stated.prior.copy()
        entries[free] = flat
        return stated.value(entries), stated.gradient(entries)[free]

    other = minimize(value, stated.prior[free], jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15})
    assert stated.value(stated.minimum()) <= other.fun + 1e-9 * abs(other.fun)
    assert stated.value(stated.minimum()) == pytest.approx(other.fun, rel=1e-4)


def test_held_entries_stay():
    stated = CASES["entries held"]
    found = stated.minimum()
    np.testing.assert_array_equal(found[0], stated.prior[0])
    assert (stated.gradient(found)[0] == 0).all()


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_the_objective_is_convex(seed, share):
    stated = problem(n=10, seed=seed, scale=3.0)
    first, second = np.random.default_rng([seed, 1]).normal(size=(2, *stated.prior.shape)) * 5
    between = stated.value(share * first + (1 - share) * second)
    assert between <= share * stated.value(first) + (1 - share) * stated.value(second) + 1e-9


def test_one_item_of_two_classes_in_closed_form():
    # The label's logit is a, the other's 0 and held: minimise ln(1 + e^-a) + a^2 / 2, so a = 1 / (1 + e^a).
    stated = SoftmaxRegression(
        features=np.ones((1, 1)),
        labels=np.array([1]),
        weights=np.ones(1),
        prior=np.zeros((2, 1)),
        penalty=np.array([[np.inf], [1.0]]),
    )
    found = stated.minimum()[1, 0]
    assert found == pytest.approx(1 / (1 + np.exp(found)), abs=1e-14)
    assert found == pytest.approx(0.4010581375, abs=1e-9)


def test_separable_data_have_a_finite_minimum():
    x = np.linspace(-1, 1, 20)
    stated = SoftmaxRegression(
        np.vstack([x, np.ones(20)]), (x > 0).astype(int), np.ones(20), np.zeros((2, 2)), np.full((2, 2), 1e-6)
    )
    found = stated.minimum()
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 10
    assert np.abs(stated.gradient(found)).max() < 1e-10
