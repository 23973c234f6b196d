import dataclasses

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench import invariants
from bench.calibration.binning import bin_sums, equal_width
from bench.calibration.metrics import (
    METRICS,
    MetricInfo,
    ece,
    expected_calibration_error,
    squared_calibration_error,
    squared_debiased_l2,
)
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

NAMES = sorted(METRICS)

# Items, correct answers and mean confidence in the bins (.3, .4] to (.9, 1] of XLM-R Large on XNLI, decoded from
# figure 1 of Ahuja et al. 2022 (n = 5,010).
ENGLISH = [
    (8, 3, 0.36742),
    (69, 39, 0.46359),
    (194, 90, 0.55189),
    (197, 120, 0.65330),
    (288, 176, 0.75338),
    (430, 289, 0.85685),
    (3824, 3574, 0.98177),
]
SWAHILI = [
    (21, 5, 0.37415),
    (155, 56, 0.46493),
    (396, 189, 0.55112),
    (407, 186, 0.65201),
    (476, 252, 0.75358),
    (656, 390, 0.85285),
    (2899, 2373, 0.97288),
]


@pytest.mark.parametrize(
    ("figure", "error", "accuracy", "confidence"), [(ENGLISH, 6.66, 85.65, 92.02), (SWAHILI, 16.99, 68.88, 85.87)]
)
def test_published_figures(figure, error, accuracy, confidence):
    counts, right, means = zip(*figure, strict=True)
    sure = np.repeat(means, counts)
    correct = np.concatenate([np.arange(count) < hits for count, hits in zip(counts, right, strict=True)]).astype(float)
    assert len(sure) == 5010
    assert 100 * expected_calibration_error(sure, correct, bins=10) == pytest.approx(error, abs=0.006)
    assert 100 * correct.mean() == pytest.approx(accuracy, abs=0.006)
    assert 100 * sure.mean() == pytest.approx(confidence, abs=0.006)


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        # Two answers in the last bin: certainty is inside it.
        ([0.95, 1.0], [1, 0], 0.475),
        ([0.0, 0.5], [1, 1], 0.75),
        ([0.1] * 5 + [0.05] * 5, [1] * 5 + [0] * 5, 0.425),
    ],
)
def test_edges_where_libraries_disagree(confidence, correct, expected):
    assert expected_calibration_error(np.array(confidence), np.array(correct, float), bins=10) == pytest.approx(
        expected
    )


def test_squared_debiased_l2_by_hand():
    # One bin of four: (.8 - .75)^2 - .75 * .25 / 3.
    found = squared_calibration_error(np.full(4, 0.8), np.array([1.0, 1, 1, 0]), bins=1)
    assert found == pytest.approx(0.0025 - 0.0625)


def test_squared_debiased_l2_needs_a_bin_of_two():
    assert np.isnan(squared_calibration_error(np.array([0.9]), np.array([1.0])))
    assert np.isnan(squared_calibration_error(np.array([0.6, 0.9]), np.array([1.0, 0.0])))


def test_bins_of_one_add_nothing_but_count():
    sums = bin_sums(np.array([0, 0, 1]), 2, np.array([0.5, 0.5, 0.9]), np.array([1.0, 0, 0]))
    assert squared_debiased_l2(sums) == pytest.approx(2 / 3 * -0.25)


@pytest.mark.parametrize("seed", range(3))
def test_squared_debiased_l2_is_zero_on_average_under_calibration(seed):
    generator = np.random.default_rng(seed)
    confidence = 1 / 3 + 2 / 3 * generator.beta(5, 1.5, 300)
    found = [squared_calibration_error(confidence, (generator.random(300) < confidence) * 1.0) for _ in range(800)]
    # Five standard errors.
    assert abs(np.mean(found)) < 5 * np.std(found) / np.sqrt(len(found))


def test_formulas_take_replicates_along_leading_axes():
    first, second = make_outcomes(50, 1), make_outcomes(50, 2)
    each = [bin_sums(equal_width(o.confidence, 15), 15, o.confidence, o.correct) for o in (first, second)]
    both = dataclasses.replace(
        each[0], **{f.name: np.stack([getattr(s, f.name) for s in each]) for f in dataclasses.fields(each[0])}
    )
    for formula in (ece, squared_debiased_l2):
        np.testing.assert_allclose(formula(both), [formula(one) for one in each])


def test_the_true_error_compares_confidence_with_the_posterior():
    calibrated = make_outcomes(400, scale=2, temperature=1, posterior=True)
    doubled = make_outcomes(400, scale=2, temperature=2, posterior=True)
    assert METRICS["true_error"].value(calibrated) == pytest.approx(0, abs=1e-6)
    expected = np.abs(doubled.posterior_correct - doubled.confidence).mean()
    assert METRICS["true_error"].value(doubled) == pytest.approx(expected) != pytest.approx(0, abs=0.05)


def test_the_registry_is_keyed_by_name_and_complete():
    assert list(METRICS) == ["accuracy", "confidence", "gap", "ece15", "l2sq15", "nll", "brier", "true_error"]
    assert all(name == metric.name and metric.version == 1 for name, metric in METRICS.items())
    assert all(isinstance(metric, MetricInfo) and metric.low < metric.high for metric in METRICS.values())


@given(outcomes())
def test_ranges_and_bounds(found):
    invariants.check_outcomes(found)


@given(outcomes(), st.randoms(use_true_random=False))
def test_the_order_of_items_is_irrelevant(found, random):
    invariants.check_order(found, np.array(random.sample(range(len(found)), len(found))))


@given(outcomes(), st.data())
def test_weight_k_is_k_copies(found, data):
    weights = st.lists(st.integers(0, 4), min_size=len(found), max_size=len(found)).filter(any)
    invariants.check_weights(found, np.array(data.draw(weights)))


@pytest.mark.parametrize("name", [name for name in NAMES if not METRICS[name].scale_free])
def test_a_metric_that_is_not_scale_free_has_a_counter_example(name):
    found = make_outcomes(60)
    assert abs(METRICS[name].value(found, np.full(60, 2.0)) - METRICS[name].value(found)) > 1e-4


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40), st.integers(1, 6))
@example([(0, True), (30, False), (15, True), (10, True)], 3)
def test_nested_bins_can_only_raise_the_plug_in_error(items, factor):
    confidence = np.array([count / 30 for count, _ in items])
    correct = np.array([float(right) for _, right in items])
    coarse = expected_calibration_error(confidence, correct, bins=5)
    assert coarse <= expected_calibration_error(confidence, correct, bins=5 * factor) + 1e-12


def test_bins_that_are_not_nested_may_lower_it():
    confidence, correct = np.array([0.45, 0.55]), np.array([0.0, 1.0])
    fine = expected_calibration_error(confidence, correct, bins=3)
    assert fine < expected_calibration_error(confidence, correct, bins=2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", ["one item", "all right", "all wrong", "two classes", "many classes"])
def test_small_and_extreme_outcomes(name, case):
    found = {
        "one item": make_outcomes(1, posterior=True),
        "all right": _with_labels(make_outcomes(30, posterior=True), right=True),
        "all wrong": _with_labels(make_outcomes(30, posterior=True), right=False),
        "two classes": make_outcomes(30, classes=2, posterior=True),
        "many classes": make_outcomes(30, classes=200, posterior=True),
    }[case]
    value, metric = METRICS[name].value(found), METRICS[name]
    undefined = name == "l2sq15" and case == "one item"
    assert np.isnan(value) if undefined else metric.low <= value <= metric.high


def _with_labels(found, right):
    answers = found.top.argmax(axis=1)
    return dataclasses.replace(found, labels=answers if right else (answers + 1) % found.top.shape[1])
