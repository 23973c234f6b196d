import dataclasses
import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bench.calibration.calibrators.temperature import LOWEST
from bench.calibration.outcomes import Outcomes
from bench.calibration.temperature_loss import TEMPERATURE_LOSS, temperature_loss
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes


def nll(logits, labels, temperature):
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]


def best_temperature(logits, labels):
    found = minimize_scalar(
        lambda log: nll(logits, labels, math.exp(log)).mean(),
        bounds=(-3, 3),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return math.exp(found.x)


def two_groups(scale=5.0):
    """Confidence is the same everywhere; of group a 3 of 4 are right, of group b 2 of 3."""
    right = np.array([1, 1, 1, 0, 1, 1, 0])
    logits = np.stack([right, 1 - right], axis=1) * scale
    return Outcomes.from_logits(logits, np.zeros(7, np.int64), group_ids=["a"] * 4 + ["b"] * 3)


def test_by_hand_each_of_two_groups_is_scored_with_the_temperature_of_the_other():
    # The best temperature makes the confidence the accuracy: 3/4 in a, 2/3 in b.
    before = (7 * math.log(1 + math.exp(5)) - 5 * 5) / 7
    after = -(3 * math.log(2 / 3) + math.log(1 / 3) + 2 * math.log(3 / 4) + math.log(1 / 4)) / 7
    assert temperature_loss(two_groups()) == pytest.approx(before - after)


@pytest.mark.parametrize("groups", [2, 3, 5, 6, 30])
def test_groups_are_dealt_to_five_folds_by_their_hash(groups):
    found = make_outcomes(60, 3, temperature=2)
    found = dataclasses.replace(found, group_ids=np.array([f"g{row % groups}" for row in range(60)]))
    names = sorted({f"g{group}" for group in range(groups)}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    total = 0.0
    for fold in range(min(5, groups)):
        scored = np.isin(found.group_ids, names[fold::5])
        best = best_temperature(found.log_probabilities[~scored], found.labels[~scored])
        logits, labels = found.log_probabilities[scored], found.labels[scored]
        total += (nll(logits, labels, 1) - nll(logits, labels, best)).sum()
    assert temperature_loss(found) == pytest.approx(total / 60, abs=1e-8)


@pytest.mark.parametrize("temperature", [0.5, 2])
def test_what_one_temperature_repairs_is_lost(temperature):
    found = make_outcomes(2000, temperature=temperature)
    logits, labels = found.log_probabilities, found.labels
    saved = (nll(logits, labels, 1) - nll(logits, labels, temperature)).mean()
    assert temperature_loss(found) == pytest.approx(saved, abs=0.003)
    assert saved > 0.05


def test_calibrated_predictions_pay_for_one_parameter():
    draws = [temperature_loss(make_outcomes(300, seed, group_size=1)) for seed in range(200)]
    # Four standard errors around 1 / (2 m), 240 items being fitted on.
    assert np.mean(draws) == pytest.approx(-1 / 480, abs=4 * np.std(draws) / math.sqrt(200))
    assert np.mean(draws) < 0


def test_a_scale_of_the_logits_changes_what_is_lost_and_not_what_is_left():
    found = make_outcomes(200, temperature=1.5)
    scaled = Outcomes.from_logits(found.log_probabilities * 3, found.labels, group_ids=found.group_ids)
    left = [np.mean(nll(each.log_probabilities, each.labels, 1)) - temperature_loss(each) for each in (found, scaled)]
    assert left[0] == pytest.approx(left[1], abs=1e-9)


def test_all_right_loses_the_whole_nll():
    found = make_outcomes(100)
    right = dataclasses.replace(found, labels=found.top.argmax(axis=1))
    logits, labels = right.log_probabilities, right.labels
    # The lowest temperature makes all but the closest certain.
    assert temperature_loss(right) == pytest.approx((nll(logits, labels, 1) - nll(logits, labels, LOWEST)).mean())


@pytest.mark.parametrize("rows", [[0], [0, 1, 2]])
def test_one_group_is_undefined(rows):
    found = make_outcomes(6).take(np.array(rows))
    assert math.isnan(temperature_loss(found))
    assert not TEMPERATURE_LOSS.defined(found)


def test_groups_without_weight_are_not_there():
    found = make_outcomes(6)
    assert TEMPERATURE_LOSS.defined(found)
    assert math.isnan(temperature_loss(found, np.array([1.0, 1, 1, 0, 0, 0])))


def test_a_label_with_probability_0_costs_everything():
    found = Outcomes.from_probabilities([[0.0, 1.0], [0.3, 0.7], [0.6, 0.4]], [0, 1, 1])
    assert temperature_loss(found) == math.inf


def test_any_probability_0_of_another_class_does_not():
    found = Outcomes.from_probabilities([[0.0, 1.0, 0.0], [0.3, 0.7, 0.0], [0.6, 0.4, 0.0]], [1, 1, 0])
    assert math.isfinite(temperature_loss(found))


@settings(max_examples=40)
@given(outcomes(max_items=20, max_classes=4), st.randoms(use_true_random=False))
def test_neither_the_order_of_items_nor_that_of_classes_matters(found, random):
    expected = temperature_loss(found)
    items = np.array(random.sample(range(len(found)), len(found)))
    classes = np.array(random.sample(range(found.classes), found.classes))
    renamed = dataclasses.replace(
        found,
        probabilities=found.probabilities[:, classes],
        log_probabilities=found.log_probabilities[:, classes],
        top=found.top[:, classes],
        labels=np.argsort(classes)[found.labels],
        posterior=None,
    )
    assert temperature_loss(found.take(items)) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)
    assert temperature_loss(renamed) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)


@settings(max_examples=40)
@given(outcomes(max_items=20, max_classes=4), st.data())
def test_weight_k_is_k_copies(found, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)).filter(any)))
    copies = temperature_loss(found.take(np.repeat(np.arange(len(found)), weights)))
    for scaled in (weights, 2.0 * weights):
        assert temperature_loss(found, scaled) == pytest.approx(copies, rel=1e-6, abs=1e-9, nan_ok=True)
