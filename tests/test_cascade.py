import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration.cascade import CASCADE, cascade_curve
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes


def pair(confidences, small_right, large_right):
    """Two classes, label 0; the large model is always sure of what it says."""
    return tuple(
        Outcomes.from_probabilities([[c, 1 - c] if r else [1 - c, c] for c, r in zip(sure, right, strict=True)], labels)
        for sure, right, labels in (
            (confidences, small_right, [0] * len(confidences)),
            ([1.0] * len(confidences), large_right, [0] * len(confidences)),
        )
    )


@st.composite
def pairs(draw):
    """A small and a large model on the same items, with ties in confidence and between answers."""
    small, large = draw(outcomes(max_items=12, max_classes=3)), draw(outcomes(max_items=12, max_classes=3))
    n = min(len(small), len(large))
    labels = np.minimum(small.labels[:n], 1)
    return tuple(dataclasses.replace(each.take(np.arange(n)), labels=labels) for each in (small, large))


def test_by_hand():
    # The small model is wrong on its second most and its least confident item, the large one on the third.
    small, large = pair([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], [1, 1, 0, 1])
    curve = cascade_curve(small, large, small_cost=1, large_cost=8)
    np.testing.assert_allclose(curve.thresholds, [0.6, 0.7, 0.8, 0.9, math.inf])
    np.testing.assert_allclose(curve.escalated, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.accuracy, [0.5, 0.75, 0.5, 0.75, 0.75])
    np.testing.assert_allclose(curve.cost, [1, 3, 5, 7, 9])
    assert curve.area == pytest.approx((0.625 + 0.625 + 0.625 + 0.75) / 4)
    assert curve.share_to_match == 0.25


@given(pairs())
def test_every_point_is_what_a_cascade_with_that_threshold_does(models):
    small, large = models
    curve = cascade_curve(small, large, 2, 5)
    assert np.array_equal(curve.thresholds, [*np.unique(small.confidence), math.inf])
    for threshold, escalated, accuracy, cost in zip(
        curve.thresholds, curve.escalated, curve.accuracy, curve.cost, strict=True
    ):
        answered = [sure >= threshold for sure in small.confidence]
        right = [s if own else b for own, s, b in zip(answered, small.correct, large.correct, strict=True)]
        paid = [2 if own else 7 for own in answered]
        assert escalated == pytest.approx(1 - np.mean(answered))
        assert accuracy == pytest.approx(np.mean(right))
        assert cost == pytest.approx(np.mean(paid))


@given(pairs())
def test_the_curve_goes_from_the_small_model_to_the_large(models):
    small, large = models
    curve = cascade_curve(small, large, 1, 1)
    assert (curve.escalated[0], curve.escalated[-1]) == (0, 1)
    assert curve.accuracy[0] == pytest.approx(small.correct.mean())
    assert curve.accuracy[-1] == pytest.approx(large.correct.mean())
    assert CASCADE.low <= curve.area <= CASCADE.high


def test_the_area_is_the_mean_over_orders_within_ties():
    small, large = pair([0.8, 0.6, 0.6, 0.6], [1, 0, 1, 0], [0, 1, 1, 0])
    areas = []
    for order in itertools.permutations(range(1, 4)):
        sure = np.array([0.8, 0.6, 0.6, 0.6])
        sure[list(order)] -= [0, 0.01, 0.02]
        apart, _ = pair(sure, [1, 0, 1, 0], [0, 1, 1, 0])
        areas.append(cascade_curve(apart, large, 1, 1).area)
    assert cascade_curve(small, large, 1, 1).area == pytest.approx(np.mean(areas))


@pytest.mark.parametrize(
    ("small_right", "large_right", "share", "area"),
    [
        ([1, 1, 1], [1, 1, 1], 0, 1),
        ([0, 0, 0], [0, 0, 0], 0, 0),
        # All of one confidence: none or everything is escalated.
        ([0, 0, 0], [1, 1, 1], 1, 1 / 2),
        ([1, 1, 1], [0, 1, 0], 0, 2 / 3),
        ([0], [1], 1, 1 / 2),
    ],
)
def test_extremes(small_right, large_right, share, area):
    curve = cascade_curve(*pair([0.7] * len(small_right), small_right, large_right), 1, 1)
    assert (curve.share_to_match, curve.area) == (share, pytest.approx(area))


def test_accuracies_that_only_rounding_tells_apart_are_the_same():
    # Both models are right on half of the mass; in float64, .1 + .2 - .3 is above 0.
    small, large = pair([0.6, 0.7, 0.8], [0, 0, 1], [1, 1, 0])
    curve = cascade_curve(small, large, 1, 1, np.array([0.1, 0.2, 0.3]))
    assert curve.accuracy[0] < curve.accuracy[-1] == pytest.approx(0.5)
    assert curve.share_to_match == 0


def test_items_are_matched_by_id():
    small, large = pair([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], [1, 1, 0, 1])
    turned = cascade_curve(small, large.take(np.array([2, 0, 3, 1])), 1, 8)
    assert np.array_equal(turned.accuracy, cascade_curve(small, large, 1, 8).accuracy)
    with pytest.raises(BadInput, match="on one side of a comparison only"):
        cascade_curve(small, large.take(np.array([0, 1])), 1, 8)


@given(pairs(), st.data())
def test_weight_k_is_k_copies(models, data):
    small, large = models
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(small), max_size=len(small)).filter(any)))
    rows = np.repeat(np.arange(len(small)), weights)
    names = np.array([f"copy {row}" for row in range(len(rows))])
    copies = cascade_curve(*(dataclasses.replace(each.take(rows), item_ids=names) for each in models), 1, 2)
    weighted = cascade_curve(small, large, 1, 2, weights)
    assert weighted.area == pytest.approx(copies.area)
    assert weighted.share_to_match == pytest.approx(copies.share_to_match)
    np.testing.assert_allclose(cascade_curve(small, large, 1, 2, 2.0 * weights).accuracy, weighted.accuracy)


@pytest.mark.parametrize(("name", "cost"), [("small_cost", -1), ("large_cost", math.inf), ("large_cost", math.nan)])
def test_costs_are_finite_and_not_negative(name, cost):
    found = make_outcomes(3)
    with pytest.raises(BadInput) as caught:
        cascade_curve(found, found, **{"small_cost": 1, "large_cost": 1, name: cost})
    assert str(caught.value) == f"Got {name}={cost}, but a cost is a finite number of at least 0."
