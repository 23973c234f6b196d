import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bench.calibration.selective import AURC, AUROC, EAURC, RISK80, aurc, auroc, eaurc, risk_at_coverage
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

FUNCTIONS = [aurc, eaurc, auroc, lambda sure, right, weights=None: risk_at_coverage(sure, right, 0.8, weights)]
METRICS = [AURC, EAURC, AUROC, RISK80]
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)


@st.composite
def samples(draw, least=1, most=12):
    """Confidence in few levels, so that most are tied, and correctness with the fractions that tied answers give."""
    items = draw(st.integers(least, most))
    levels = st.lists(st.integers(0, 4), min_size=items, max_size=items)
    rights = st.lists(st.sampled_from([0.0, 1.0, 0.5, 1 / 3]), min_size=items, max_size=items)
    return np.array(draw(levels)) / 4, np.array(draw(rights))


def orders(sure, right):
    """Yield correctness in every order in which confidence does not rise."""
    for order in itertools.permutations(range(len(sure))):
        if (np.diff(sure[list(order)]) <= 0).all():
            yield right[list(order)]


def integral(risk, breaks):
    """Gauss-Legendre between the breaks: exact to rounding for what is smooth between them."""
    total = 0.0
    for low, high in itertools.pairwise(breaks):
        points = low + (high - low) * (NODES + 1) / 2
        total += (high - low) / 2 * float(NODE_WEIGHTS @ np.array([risk(point) for point in points]))
    return total


def area_of_order(right):
    n = len(right)
    errors = np.append(0, np.cumsum(1 - right))
    return integral(lambda t: np.interp(t * n, np.arange(n + 1), errors) / (t * n), np.arange(n + 1) / n)


def discrete(right):
    """The mean over k of the risk among the k most confident: Geifman and El-Yaniv, and other libraries."""
    return float((np.cumsum(1 - right) / np.arange(1, len(right) + 1)).mean())


def test_aurc_by_hand():
    # Risk at coverage t: 0 up to 1/3, then (t - 1/3) / t, then (1/3) / t from 2/3 on.
    expected = (1 / 3 - math.log(2) / 3) + math.log(1.5) / 3
    assert aurc([0.9, 0.8, 0.7], [1, 0, 1]) == pytest.approx(expected)


def test_a_weight_is_a_stretch_of_coverage():
    # The wrong answer stands for half of all: risk (t - 1/4) / t from 1/4 to 3/4, then (1/2) / t.
    expected = 1 / 2 - math.log(3) / 4 + math.log(4 / 3) / 2
    assert aurc([0.9, 0.8, 0.7], [1, 0, 1], [1, 2, 1]) == pytest.approx(expected)


def test_equal_confidences_have_the_error_rate_at_every_coverage():
    sure, right = np.full(5, 0.7), np.array([1, 0, 0, 1, 1])
    assert aurc(sure, right) == pytest.approx(0.4)
    assert auroc(sure, right) == pytest.approx(0.5)
    assert risk_at_coverage(sure, right, 0.3) == pytest.approx(0.4)


@given(samples(most=4))
def test_aurc_is_the_mean_over_all_orders_within_ties(sample):
    sure, right = sample
    assert aurc(sure, right) == pytest.approx(np.mean([area_of_order(each) for each in orders(sure, right)]), abs=1e-12)


@given(samples(most=4))
def test_the_mean_over_k_differs_by_less_than_half_an_item(sample):
    sure, right = sample
    expected = np.mean([discrete(each) for each in orders(sure, right)])
    assert abs(aurc(sure, right) - expected) <= 1 / (2 * len(sure))


@pytest.mark.parametrize("first", [True, False])
def test_the_mean_over_k_differs_most_where_the_most_confident_are_judged_alone(first):
    right = np.ones(1000)
    right[0 if first else -1] = 0
    difference = 1000 * (aurc(np.arange(1000)[::-1] / 1000, right) - discrete(right))
    # (1 - Euler's constant) of an item, and next to nothing for the last.
    assert difference == pytest.approx(1 - np.euler_gamma if first else 0, abs=0.001)


def test_the_mean_over_k_is_changed_by_copies():
    right = np.array([0.0, 1.0])
    assert discrete(np.repeat(right, 2)) != pytest.approx(discrete(right), abs=0.01)
    assert aurc([1, 1, 0.5, 0.5], np.repeat(right, 2)) == pytest.approx(aurc([1, 0.5], right))


@given(samples())
def test_aurc_is_the_integral_of_the_risk_over_coverage(sample):
    sure, right = sample
    breaks = np.arange(len(sure) + 1) / len(sure)
    expected = integral(lambda coverage: risk_at_coverage(sure, right, coverage), breaks)
    assert aurc(sure, right) == pytest.approx(expected, abs=1e-12)


def test_eaurc_by_hand():
    # The best order of one wrong among three is wrong last: risk (t - 2/3) / t from 2/3 on.
    best = 1 / 3 - 2 / 3 * math.log(1.5)
    assert eaurc([0.9, 0.8, 0.7], [1, 0, 1]) == pytest.approx(aurc([0.9, 0.8, 0.7], [1, 0, 1]) - best)
    assert eaurc([0.9, 0.8, 0.7], [1, 1, 0]) == pytest.approx(0)


def test_the_worst_order_of_as_many_right_as_wrong_is_the_upper_bound():
    # Risk 1 up to 1/2, then (1/2) / t, against (t - 1/2) / t from 1/2 on.
    assert eaurc([0.9, 0.8], [0, 1]) == pytest.approx(1 / 2 + math.log(2) / 2 - (1 / 2 - math.log(2) / 2))
    assert eaurc([0.9, 0.8], [0, 1]) <= EAURC.high == pytest.approx(math.log(2))


@given(samples())
def test_no_order_is_better_than_the_best(sample):
    sure, right = sample
    # Fractions are split into what is right and what is wrong; the best order separates the two.
    apart = np.repeat([1.0, 0.0], len(right)), np.repeat([1.0, 0.0], len(right)), np.concatenate([right, 1 - right])
    assert eaurc(*apart) == pytest.approx(0, abs=1e-12)
    assert eaurc(sure, right) == pytest.approx(aurc(sure, right) - aurc(*apart), abs=1e-12)


def test_auroc_by_hand():
    # Pairs of a right and a wrong answer: (.9, .8) and (.9, .5) won, (.5, .8) lost, (.5, .5) tied.
    assert auroc([0.9, 0.8, 0.5, 0.5], [1, 0, 1, 0]) == pytest.approx(2.5 / 4)


@given(samples(), st.data())
def test_auroc_agrees_with_scikit_learn(sample, data):
    sure, right = sample
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(sure), max_size=len(sure))))
    assume(weights @ right > 0 and weights @ (1 - right) > 0)
    # An item that is right by a fraction is a right one and a wrong one with the same confidence.
    masses = np.concatenate([weights * right, weights * (1 - right)])
    expected = roc_auc_score(np.repeat([1, 0], len(sure)), np.tile(sure, 2), sample_weight=masses)
    assert auroc(sure, right, weights) == pytest.approx(expected, abs=1e-12)


@given(samples())
def test_auroc_of_reversed_confidence_is_the_complement(sample):
    sure, right = sample
    assume(0 < right.sum() < len(right))
    assert auroc(1 - sure, right) == pytest.approx(1 - auroc(sure, right))


@pytest.mark.parametrize("right", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 7])
def test_all_right_and_all_wrong(right, n):
    sure, correct = np.linspace(0.4, 0.9, n), np.full(n, right)
    assert aurc(sure, correct) == pytest.approx(1 - right)
    assert eaurc(sure, correct) == pytest.approx(0)
    assert risk_at_coverage(sure, correct, 0.8) == pytest.approx(1 - right)
    assert math.isnan(auroc(sure, correct))


@pytest.mark.parametrize(
    ("coverage", "expected"), [(0.2, 0), (0.4, 0), (0.5, 0.25 / 2.5), (0.7, 0.75 / 3.5), (0.8, 1 / 4), (1, 2 / 5)]
)
def test_risk_at_coverage_by_hand(coverage, expected):
    # The third and the fourth are tied, one of them wrong: half of whatever part of them is covered.
    sure, right = [0.9, 0.8, 0.7, 0.7, 0.5], [1, 1, 0, 1, 0]
    assert risk_at_coverage(sure, right, coverage) == pytest.approx(expected)


@pytest.mark.parametrize("coverage", [0, -0.1, 1.01, math.nan])
def test_coverage_is_a_share(coverage):
    with pytest.raises(BadInput) as caught:
        risk_at_coverage([0.5], [1], coverage)
    assert str(caught.value) == f"Got coverage={coverage}, but a share of the items is above 0 and at most 1."


@pytest.mark.parametrize("function", FUNCTIONS)
@given(samples(), st.data())
def test_weight_k_is_k_copies(function, sample, data):
    sure, right = sample
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(sure), max_size=len(sure)).filter(any)))
    copies = function(np.repeat(sure, weights), np.repeat(right, weights))
    assert function(sure, right, weights) == pytest.approx(copies, abs=1e-12, nan_ok=True)
    assert function(sure, right, weights * 0.37) == pytest.approx(copies, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(samples(), st.randoms(use_true_random=False))
def test_only_the_ranks_matter(function, sample, random):
    sure, right = sample
    order = random.sample(range(len(sure)), len(sure))
    expected = function(sure, right)
    assert function(sure[order], right[order]) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert function(np.exp(3 * sure) / 100, right) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@given(outcomes())
def test_values_lie_in_their_range_where_they_are_defined(metric, found):
    value = metric.value(found)
    assert metric.low <= value <= metric.high if metric.defined(found) else math.isnan(value)


def test_the_metrics_are_the_functions_of_confidence_and_correctness():
    found, weights = make_outcomes(50), np.arange(50) % 3
    for metric, function in zip(METRICS, FUNCTIONS, strict=True):
        assert metric.value(found) == function(found.confidence, found.correct)
        assert metric.value(found, weights) == function(found.confidence, found.correct, weights)


def test_torch_tensors_are_taken():
    torch = pytest.importorskip("torch")
    sure, right = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True])
    assert aurc(sure, right, torch.tensor([1, 2, 1])) == pytest.approx(aurc([0.9, 0.8, 0.7], [1, 0, 1], [1, 2, 1]))
