"""What is true of every calibrator, or of those that the registry says it of, with counter-examples for the others."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes, predictions

EVERY = pytest.mark.parametrize("token", CALIBRATORS)
KEEPING = [token for token, info in CALIBRATORS.items() if info.keeps_answers]
CHANGING = [token for token in CALIBRATORS if token not in KEEPING]
few_examples = settings(max_examples=25, deadline=None)


def fit(token, found, weights=None):
    return CALIBRATORS[token].fit(found, weights)


def nll(found):
    return METRICS["nll"].value(found)


def accuracy(found):
    return METRICS["accuracy"].value(found)


def any_outcomes():
    """With rational probabilities, exact ties and certainty; or with logits up to 1e30."""
    return st.one_of(outcomes(max_items=25), predictions(max_items=25).map(Outcomes.from_predictions))


def check_distributions(found):
    assert np.isfinite(found.log_probabilities).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(nll(found))


def logits(n, classes, seed=0):
    return np.random.default_rng(seed).normal(size=(n, classes)) * 2


def certain(n, classes, seed=0):
    return np.eye(classes)[np.random.default_rng(seed).integers(0, classes, n)]


def some_labels(n, classes, seed=1):
    return np.random.default_rng(seed).integers(0, classes, n)


Z = logits(40, 3)
DEGENERATE = {
    "n = 1 and right": Outcomes.from_logits([[2.0, 1.0, 0.0]], [0]),
    "n = 1 and wrong": Outcomes.from_logits([[2.0, 1.0, 0.0]], [2]),
    "a single class": Outcomes.from_logits(Z, np.zeros(40, int)),
    "separable": Outcomes.from_logits(Z, Z.argmax(axis=1)),
    "anti-correlated": Outcomes.from_logits(Z, Z.argmin(axis=1)),
    "a class is missing": Outcomes.from_logits(Z, some_labels(40, 2)),
    "equal confidences": Outcomes.from_logits(2 * certain(40, 3), some_labels(40, 3)),
    "equal logits": Outcomes.from_logits(np.zeros((40, 3)), some_labels(40, 3)),
    "0 and 1, right and wrong": Outcomes.from_probabilities(certain(40, 3), some_labels(40, 3)),
    "0 and 1, all right": Outcomes.from_probabilities(certain(40, 3), certain(40, 3).argmax(axis=1)),
    "0 and 1, all wrong": Outcomes.from_probabilities(certain(40, 3), (certain(40, 3).argmax(axis=1) + 1) % 3),
    "K = 2": Outcomes.from_logits(logits(40, 2), some_labels(40, 2)),
    "K = 200": Outcomes.from_logits(logits(30, 200), some_labels(30, 200)),
}


@EVERY
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_fit_sets_give_a_map_to_distributions(token, case):
    found = DEGENERATE[case]
    fitted = fit(token, found)
    check_distributions(fitted.apply(found))
    # Also on rows unlike those fitted, and on certainty.
    check_distributions(fitted.apply(Outcomes.from_logits(logits(20, found.classes, 7), np.zeros(20, int))))
    check_distributions(fitted.apply(Outcomes.from_probabilities(certain(20, found.classes, 8), np.zeros(20, int))))


@EVERY
@few_examples
@given(any_outcomes())
def test_a_map_gives_distributions(token, found):
    check_distributions(fit(token, found).apply(found))


@EVERY
@pytest.mark.parametrize("case", DEGENERATE)
def test_parameters_are_json(token, case):
    stated = fit(token, DEGENERATE[case]).parameters()
    assert json.loads(json.dumps(stated, allow_nan=False)) == stated


@pytest.mark.parametrize("token", KEEPING)
@few_examples
@given(any_outcomes())
def test_the_answers_stay_where_the_registry_says_so(token, found):
    after = fit(token, found).apply(found)
    np.testing.assert_array_equal(after.top, found.top)
    lowest = np.where(found.top > 0, after.log_probabilities, np.inf).min(axis=1)
    assert (lowest >= after.log_probabilities.max(axis=1) - 1e-12).all()
    assert accuracy(after) == accuracy(found)


# The second class is nearly as likely as the first, and always right.
SECOND = Outcomes.from_probabilities(np.tile([0.45, 0.35, 0.2], (60, 1)), np.ones(60, int))


@pytest.mark.parametrize("token", CHANGING)
def test_the_answers_change_where_the_registry_does_not_say_that_they_stay(token):
    assert accuracy(fit(token, SECOND).apply(SECOND)) == 1 > accuracy(SECOND)


@pytest.mark.parametrize("token", KEEPING)
def test_the_same_data_do_not_change_the_others(token):
    assert accuracy(fit(token, SECOND).apply(SECOND)) == 0


@EVERY
@few_examples
@given(any_outcomes(), st.data())
def test_weight_k_is_k_copies_and_weight_0_none(token, found, data):
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)).filter(any))
    copies = found.take(np.repeat(np.arange(len(found)), counts))
    expected = fit(token, copies).apply(found).probabilities
    weighted = fit(token, found, np.array(counts, dtype=np.float64)).apply(found).probabilities
    np.testing.assert_allclose(weighted, expected, atol=1e-6)


@EVERY
def test_weight_0_counts(token):
    found = make_outcomes(90, temperature=2)
    weights = np.where(found.correct > 0, 1.0, 0.0)
    without = fit(token, found, weights).apply(found).probabilities
    assert np.abs(without - fit(token, found).apply(found).probabilities).max() > 0.1


@EVERY
@few_examples
@given(any_outcomes(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_is_irrelevant(token, found, random):
    order = np.array(random.sample(range(len(found)), len(found)))
    expected = fit(token, found).apply(found).probabilities
    np.testing.assert_allclose(fit(token, found.take(order)).apply(found).probabilities, expected, atol=1e-6)


@EVERY
@few_examples
@given(any_outcomes(), st.randoms(use_true_random=False))
def test_renaming_the_classes_renames_the_map(token, found, random):
    order = np.array(random.sample(range(found.classes), found.classes))
    renamed = Outcomes(
        probabilities=found.probabilities[:, order],
        log_probabilities=found.log_probabilities[:, order],
        labels=np.argsort(order)[found.labels],
        top=found.top[:, order],
        item_ids=found.item_ids,
        group_ids=found.group_ids,
    )
    expected = fit(token, found).apply(found).probabilities[:, order]
    np.testing.assert_allclose(fit(token, renamed).apply(renamed).probabilities, expected, atol=1e-6)


# One item says little: a map that mixes with equal chances takes from a label that had nearly all.
CONFIDENT = Outcomes.from_probabilities([[0.98, 0.01, 0.01]], [0])


@pytest.mark.parametrize("token", [token for token, info in CALIBRATORS.items() if info.lowers_nll])
@few_examples
@example(CONFIDENT)
@given(any_outcomes())
def test_the_nll_of_the_fit_set_never_rises_where_the_registry_says_so(token, found):
    before = nll(found)
    assert nll(fit(token, found).apply(found)) <= before + 1e-9 * max(1, before)


@pytest.mark.parametrize("token", ["hist", "iso", "spline"])
def test_the_nll_of_the_fit_set_may_rise_elsewhere(token):
    assert nll(fit(token, CONFIDENT).apply(CONFIDENT)) > nll(CONFIDENT)


# What a map may cost that fits to the noise of 20,000 items, or cuts confidence into 15 steps.
COST = {"hist": 0.01, "iso": 0.006}


@EVERY
def test_on_calibrated_data_a_map_is_nearly_the_identity(token):
    score = make_outcomes(20_000, 2)
    after = fit(token, make_outcomes(20_000, 1, split="validation")).apply(score)
    assert abs(nll(after) - nll(score)) < COST.get(token, 0.001)
    assert np.abs(after.probabilities - score.probabilities).mean() < 0.02


@EVERY
@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_a_map_repairs_other_data_with_the_same_error(token, temperature):
    score = make_outcomes(3000, 2, temperature=temperature)
    after = fit(token, make_outcomes(2490, 1, temperature=temperature, split="validation")).apply(score)
    best = nll(make_best(score, temperature))
    # At least half of what knowing the true temperature would gain.
    assert nll(score) - nll(after) > (nll(score) - best) / 2
    assert abs(METRICS["gap"].value(after)) < 0.04 < abs(METRICS["gap"].value(score))


def make_best(found, temperature):
    return Outcomes.from_logits(found.log_probabilities / temperature, found.labels)


@EVERY
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], "Got weights of shape (2,) for 3 items; pass one frequency an item."),
        ([1.0, -2.0, 1.0], "Got weight -2.0, but frequencies are finite and not negative; count copies."),
        ([1.0, np.nan, 1.0], "Got weight nan, but frequencies are finite and not negative; count copies."),
        ([0.0, 0.0, 0.0], "Got weights that are 0 for all 3 items, but one must count; give one at least a weight."),
    ],
)
def test_bad_weights(token, weights, message):
    with pytest.raises(BadInput) as caught:
        fit(token, make_outcomes(3), np.array(weights))
    assert str(caught.value) == message


def test_the_registry_names_its_calibrators():
    assert list(CALIBRATORS) == ["ts", "ets", "vs", "ms", "dir", "hist", "iso", "beta", "spline"]
    assert all(info.token == token for token, info in CALIBRATORS.items())
    assert KEEPING == ["ts", "ets", "spline"]
