import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.isotonic import isotonic_regression

from bench.calibration.corp import (
    BRIER_DSC,
    BRIER_MCB,
    BRIER_UNC,
    NLL_DSC,
    NLL_MCB,
    NLL_UNC,
    Decomposition,
    brier_decomposition,
    multiclass_brier_decomposition,
    nll_decomposition,
)
from bench.calibration.means import item_brier
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import from_logits, make_outcomes
from tests.strategies import outcomes

METRICS = [BRIER_MCB, BRIER_DSC, BRIER_UNC, NLL_MCB, NLL_DSC, NLL_UNC]
BINARY = [brier_decomposition, nll_decomposition]


def entropy(p):
    return 0.0 if p in (0, 1) else -p * math.log(p) - (1 - p) * math.log(1 - p)


def values(found, weights=None):
    return [metric.value(found, weights) for metric in METRICS]


def parts(decomposition):
    return pytest.approx(dataclasses.astuple(decomposition), abs=1e-12)


def item_scores(function, confidence, correct):
    """The scores of whole answers, from their own formulas."""
    if function is brier_decomposition:
        return (confidence - correct) ** 2
    return -np.log(np.where(correct == 1, confidence, 1 - confidence))


def isotonic_by_the_formula(forecast, outcome):
    """The isotonic fit at each item, as the max-min of means over stretches of distinct forecasts."""
    distinct = np.unique(forecast)
    masses = np.array([(forecast == value).sum() for value in distinct])
    means = np.array([outcome[forecast == value].mean() for value in distinct])
    size = len(distinct)
    stretch = {
        (i, k): np.average(means[i : k + 1], weights=masses[i : k + 1]) for i in range(size) for k in range(i, size)
    }
    fitted = [max(min(stretch[i, k] for k in range(j, size)) for i in range(j + 1)) for j in range(size)]
    return np.array(fitted)[np.searchsorted(distinct, forecast)]


def test_brier_by_hand():
    # The isotonic fit pools the first two: 1/2, 1/2, 1.
    found = brier_decomposition([0.6, 0.7, 0.8], [1, 0, 1])
    score, recalibrated, uncertainty = (0.16 + 0.49 + 0.04) / 3, 0.5 / 3, 2 / 9
    assert dataclasses.astuple(found) == pytest.approx(
        (score - recalibrated, uncertainty - recalibrated, uncertainty), abs=1e-15
    )
    assert found.score == pytest.approx(score)


def test_nll_by_hand():
    found = nll_decomposition([0.6, 0.7, 0.8], [1, 0, 1])
    score, recalibrated = -(math.log(0.6) + math.log(0.3) + math.log(0.8)) / 3, 2 * math.log(2) / 3
    assert dataclasses.astuple(found) == pytest.approx(
        (score - recalibrated, entropy(2 / 3) - recalibrated, entropy(2 / 3)), abs=1e-15
    )


def test_the_order_of_the_forecasts_is_what_discriminates():
    assert brier_decomposition([0.8, 0.9], [0, 1]) == Decomposition(pytest.approx((0.64 + 0.01) / 2), 0.25, 0.25)
    assert brier_decomposition([0.8, 0.9], [1, 0]) == Decomposition(pytest.approx((0.04 + 0.81) / 2 - 0.25), 0.0, 0.25)


def test_ties_are_pooled_before_the_fit():
    for correct in ([1, 0], [0, 1]):
        assert brier_decomposition([0.7, 0.7], correct) == Decomposition(pytest.approx(0.04), 0.0, 0.25)


@pytest.mark.parametrize("function", BINARY)
def test_half_right_is_one_right_and_one_wrong(function):
    halves = function([0.5, 0.8], [0.5, 1], [2, 1])
    assert parts(halves) == dataclasses.astuple(function([0.5, 0.5, 0.8], [1, 0, 1]))
    # (1 - .5)^2 / 2 + .5^2 / 2, not (.5 - .5)^2.
    assert brier_decomposition([0.5], [0.5]) == Decomposition(0.0, 0.0, 0.25)


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        ([0.7], [1], (0.09, 0, 0)),
        ([0.7], [0], (0.49, 0, 0)),
        ([0.6, 0.9], [1, 1], (0.17 / 2, 0, 0)),
        ([0.6, 0.9], [0, 0], (1.17 / 2, 0, 0)),
        ([0.0, 1.0], [0, 1], (0, 0.25, 0.25)),
        ([0.0, 1.0], [1, 0], (0.75, 0, 0.25)),
    ],
)
def test_extremes(confidence, correct, expected):
    assert dataclasses.astuple(brier_decomposition(confidence, correct)) == pytest.approx(expected, abs=1e-15)


def test_certain_and_wrong_costs_infinitely_many_nats_and_the_rest_is_finite():
    found = nll_decomposition([1.0, 0.6], [0, 1])
    assert found == Decomposition(math.inf, 0.0, pytest.approx(math.log(2)))
    assert found.score == math.inf
    assert nll_decomposition([0.0, 0.6], [1, 1]).miscalibration == math.inf
    assert nll_decomposition([0.0, 1.0], [0, 1]) == Decomposition(0.0, pytest.approx(math.log(2)), math.log(2))


def test_an_infinite_item_without_weight_counts_nothing():
    assert parts(nll_decomposition([1.0, 0.6], [0, 1], [0, 3])) == dataclasses.astuple(nll_decomposition([0.6], [1]))


def test_a_confidence_that_rounds_to_1_has_a_finite_metric():
    found = Outcomes.from_predictions(from_logits([[100, 0], [1, 0]], [1, 0]))
    assert found.confidence[0] == 1
    # 100 nats for the wrong answer, ln(1 + 1/e) for the right one; one pool, half right.
    expected = (100 + math.log1p(math.exp(-1))) / 2 - math.log(2)
    assert NLL_MCB.value(found) == pytest.approx(expected)
    assert nll_decomposition(found.confidence, found.correct).miscalibration == math.inf


def test_stated_probabilities_of_0_and_1_are_inf_only_where_wrong():
    right = Outcomes.from_probabilities([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], [0, 1])
    assert NLL_MCB.value(right) == pytest.approx(0)
    wrong = Outcomes.from_probabilities([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], [1, 1])
    assert NLL_MCB.value(wrong) == math.inf
    assert NLL_DSC.value(wrong) == pytest.approx(0)


def test_the_metric_of_the_nll_is_the_binary_decomposition():
    found = make_outcomes(200, classes=4)
    expected = nll_decomposition(found.confidence, found.correct)
    assert values(found)[3:] == parts(expected)


@pytest.mark.parametrize("classes", [2, 3, 200])
def test_one_versus_rest_sums_to_the_brier_score(classes):
    found = make_outcomes(150, classes=classes)
    made = multiclass_brier_decomposition(found.probabilities, found.labels)
    assert made.score == pytest.approx(item_brier(found).mean(), abs=1e-12)
    assert values(found)[:3] == parts(made)


def test_one_versus_rest_by_hand():
    # Class 0: .5, .25 against 0, 1, pooled to 1/2; class 1: .25, .25 against 0, 0; class 2: .25, .5 against 1, 0.
    made = multiclass_brier_decomposition([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]], [2, 0])
    score = (0.25 + 0.5625) / 2
    assert dataclasses.astuple(made) == pytest.approx((2 * (score - 0.25) + 0.0625, 0, 0.5), abs=1e-15)


def test_for_two_classes_the_sum_form_is_twice_the_binary_one():
    found = make_outcomes(100, classes=2)
    once = brier_decomposition(found.probabilities[:, 1], found.labels)
    assert values(found)[:3] == pytest.approx([2 * value for value in dataclasses.astuple(once)], abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("right", [True, False])
def test_all_right_or_all_wrong_leaves_no_uncertainty_about_it(metric, right):
    found = make_outcomes(30)
    choose = np.argmax if right else np.argmin
    decided = dataclasses.replace(found, labels=choose(found.probabilities, axis=1))
    value = metric.value(decided)
    assert metric.low <= value <= metric.high
    if metric in (NLL_DSC, NLL_UNC):
        assert value == 0
    if metric is NLL_MCB:
        sure = found.confidence if right else 1 - found.confidence
        assert value == pytest.approx(-np.log(sure).mean())


@given(outcomes(max_items=12))
def test_the_parts_are_those_of_the_isotonic_fit(found):
    forecast, whole = found.confidence, (found.correct == 1).astype(float)
    fitted = isotonic_by_the_formula(forecast, whole)
    for function in BINARY:
        with np.errstate(divide="ignore"):
            score, recalibrated = (item_scores(function, given, whole).mean() for given in (forecast, fitted))
        uncertainty = item_scores(function, np.full_like(whole, whole.mean()), whole).mean()
        expected = (score - recalibrated, uncertainty - recalibrated, uncertainty)
        assert dataclasses.astuple(function(forecast, whole)) == pytest.approx(expected, abs=1e-12)


@given(outcomes())
def test_the_fit_is_the_one_of_scikit_learn(found):
    _, index, counts = np.unique(found.confidence, return_inverse=True, return_counts=True)
    pooled = np.bincount(index, found.correct) / counts
    fitted = isotonic_regression(pooled, sample_weight=counts)[index]
    recalibrated = (found.correct * (1 - fitted) ** 2 + (1 - found.correct) * fitted**2).mean()
    made = brier_decomposition(found.confidence, found.correct)
    assert made.uncertainty - made.discrimination == pytest.approx(recalibrated, abs=1e-12)


@given(outcomes())
def test_the_parts_sum_to_the_score_and_lie_in_their_ranges(found):
    brier, nll = values(found)[:3], values(found)[3:]
    assert brier[0] - brier[1] + brier[2] == pytest.approx(item_brier(found).mean(), abs=1e-12)
    others = np.log([np.delete(row, row.argmax()).sum() for row in np.exp(found.log_probabilities)])
    binary = -(found.correct * np.log(found.confidence) + (1 - found.correct) * others).mean()
    assert nll[0] - nll[1] + nll[2] == pytest.approx(binary, abs=1e-10)
    for metric, value in zip(METRICS, brier + nll, strict=True):
        assert metric.low <= value <= metric.high + 1e-12


@pytest.mark.parametrize("function", BINARY)
def test_a_monotone_map_changes_the_miscalibration_alone(function):
    found = make_outcomes(200, temperature=2)
    before, after = (function(given, found.correct) for given in (found.confidence, found.confidence / 10))
    assert (before.discrimination, before.uncertainty) == (after.discrimination, after.uncertainty)
    assert abs(before.miscalibration - after.miscalibration) > 0.01


@pytest.mark.parametrize("function", BINARY)
def test_the_fit_itself_is_not_miscalibrated(function):
    found = make_outcomes(60, temperature=2)
    fitted = isotonic_by_the_formula(found.confidence, found.correct)
    before, after = function(found.confidence, found.correct), function(fitted, found.correct)
    assert after.miscalibration == pytest.approx(0, abs=1e-12)
    assert after.discrimination == pytest.approx(before.discrimination)


@pytest.mark.parametrize("function", BINARY)
def test_overconfidence_is_miscalibration(function):
    calibrated, over = (make_outcomes(3000, 1, temperature=temperature) for temperature in (1, 3))
    assert function(calibrated.confidence, calibrated.correct).miscalibration < 0.01
    assert function(over.confidence, over.correct).miscalibration > 0.05


def test_half_precision_is_close():
    found = make_outcomes(300)
    exact = brier_decomposition(found.confidence, found.correct)
    halves = brier_decomposition(found.confidence.astype(np.float16), found.correct.astype(np.float32))
    # Confidences that become ties are pooled, so that the fit is a little coarser.
    assert dataclasses.astuple(halves) == pytest.approx(dataclasses.astuple(exact), abs=5e-3)
