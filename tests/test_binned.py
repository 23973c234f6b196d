import dataclasses

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.calibration import binned
from bench.calibration.binned import (
    ece,
    expected_calibration_error,
    squared_calibration_error,
    squared_debiased_l2,
    width_sums,
)
from bench.calibration.binning import bin_sums, equal_mass, equal_width
from bench.calibration.kolmogorov_smirnov import ks_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.selective import aurc
from bench.calibration.smooth import smooth_ece
from bench.calibration.sweep import sweep_error
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes

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


# Two bins of 15: (.6, .6667] holds .65 and .65, right once; (.8667, .9333] holds .9, .9, .9, right three times.
SURE = np.array([0.65, 0.65, 0.9, 0.9, 0.9])
RIGHT = np.array([1.0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (binned.ece, (2 * 0.15 + 3 * 0.1) / 5),
        (binned.mce, 0.15),
        (binned.rmsce, np.sqrt((2 * 0.15**2 + 3 * 0.1**2) / 5)),
        # Only the first bin is surer than it is right.
        (binned.overconfidence_error, 2 / 5 * 0.65 * 0.15),
        (binned.squared_debiased_l2, (2 * (0.15**2 - 0.25) + 3 * 0.1**2) / 5),
        (binned.root_debiased_l2, 0.0),
    ],
)
def test_formulas_by_hand(formula, expected):
    assert formula(width_sums(SURE, RIGHT, 15)) == pytest.approx(expected)


@pytest.mark.parametrize("bins", [1, 2, 15, 100])
def test_equal_mass_with_any_number_of_bins(bins):
    found = make_outcomes(90, temperature=2)
    sums = bin_sums(equal_mass(found.confidence, bins), bins, found.confidence, found.correct)
    error = expected_calibration_error(found.confidence, found.correct, bins, scheme="mass")
    assert error == pytest.approx(np.abs(sums.confidence - sums.correct).sum() / 90)


def test_the_root_is_of_the_squared_error_where_that_is_positive():
    sums = width_sums(np.full(100, 0.9), np.arange(100) % 2.0, 15)
    assert binned.root_debiased_l2(sums) ** 2 == pytest.approx(squared_debiased_l2(sums)) != 0


def test_debiased_l1_by_hand():
    # One bin of 4, accuracy 3/4, confidence .8: distance .05, standard deviation sqrt(.75 * .25 / 4) = .2165.
    sums = width_sums(np.full(4, 0.8), np.array([1.0, 1, 1, 0]), 15)
    deviation = np.sqrt(0.75 * 0.25 / 4)
    draws = np.abs(0.05 + deviation * np.random.default_rng(0).normal(size=2_000_000))
    # Five standard errors of the simulated mean.
    assert binned.debiased_l1(sums) == pytest.approx(2 * 0.05 - draws.mean(), abs=5 * draws.std() / np.sqrt(2e6))


def test_debiased_l1_leaves_certain_bins_alone():
    sums = width_sums(np.array([0.9, 0.9]), np.array([1.0, 1]), 15)
    assert binned.debiased_l1(sums) == pytest.approx(0.1)


ROWS = np.array([[0.7, 0.2, 0.1], [0.7, 0.1, 0.2], [0.1, 0.6, 0.3]])
LABELS = np.array([0, 1, 1])


def test_classwise_error_by_hand():
    found = Outcomes.from_probabilities(ROWS, LABELS)
    # Class 0: bin of .7, .7 (one hit): .4 / 3, bin of .1: .1 / 3.
    # Class 1: .2: .2 / 3, .1 (hit): .9 / 3, .6 (hit): .4 / 3.
    # Class 2: .1, .2, .3 without a hit: .6 / 3.
    assert METRICS["cwece15"].value(found) == pytest.approx((0.5 + 1.5 + 0.6) / 9)


def test_top_label_conditional_error_by_hand():
    # Answer 0 twice at .7, right once; answer 1 once at .6, right: (|1.4 - 1| + |.6 - 1|) / 3.
    assert METRICS["tlece15"].value(Outcomes.from_probabilities(ROWS, LABELS)) == pytest.approx(0.8 / 3)


def test_the_true_error_over_bins_knows_the_chance_of_being_right():
    rows, posterior = np.array([[0.9, 0.1]] * 4), np.array([[0.8, 0.2]] * 2 + [[0.7, 0.3]] * 2)
    found = dataclasses.replace(Outcomes.from_probabilities(rows, [0, 0, 0, 0]), posterior=posterior)
    assert METRICS["true_ece15"].value(found) == pytest.approx(0.15)
    # Within a bin what is too sure and what is not sure enough cancel; meaning by meaning they do not.
    mixed = dataclasses.replace(found, posterior=np.array([[1.0, 0], [0.8, 0.2]] * 2))
    assert METRICS["true_ece15"].value(mixed) == pytest.approx(0)
    assert METRICS["true_error"].value(mixed) == pytest.approx(0.1)


def test_top_label_conditioning_sees_what_confidence_hides():
    """Over-confident in one answer and under-confident in the other: together they look calibrated."""
    rows = np.array([[0.75, 0.25]] * 4 + [[0.25, 0.75]] * 4)
    found = Outcomes.from_probabilities(rows, [0, 0, 1, 1, 1, 1, 1, 1])
    assert METRICS["ece15"].value(found) == 0
    assert METRICS["tlece15"].value(found) == pytest.approx(0.25)


def test_tied_answers_count_for_each_of_them():
    found = Outcomes.from_probabilities([[0.5, 0.5]], [0])
    # Half an item in answer 0, right; half in answer 1, wrong: |.25 - .5| + |.25 - 0|.
    assert METRICS["tlece15"].value(found) == pytest.approx(0.5)
    assert METRICS["ece15"].value(found) == 0


def test_adaptive_error_by_hand():
    found = Outcomes.from_probabilities(ROWS, LABELS)
    # Fewer items than ranges: every distinct probability is one. Class 0: .7 twice (one hit) .2, .1 alone .1: mean .15;
    # class 1: .2, .1 (hit), .6 (hit): (.2 + .9 + .4) / 3; class 2: .1, .2, .3: .2.
    assert METRICS["ace15"].value(found) == pytest.approx((0.15 + 0.5 + 0.2) / 3)


def test_the_threshold_leaves_out_small_probabilities():
    rows = np.array([[0.995, 0.005, 0.0], [0.005, 0.99, 0.005]])
    found = Outcomes.from_probabilities(rows, [0, 1])
    # Class 2 is never at .01 or above and is left out; class 0 has .995, class 1 has .99.
    assert METRICS["tace15"].value(found) == pytest.approx((0.005 + 0.01) / 2)


def test_sums_are_made_in_one_pass_of_any_length(monkeypatch):
    confidence, correct = np.arange(101) / 100, np.arange(101) % 2.0
    whole = width_sums(confidence, correct, 10)
    monkeypatch.setattr(binned, "CHUNK", 7)
    for one, other in zip(
        dataclasses.astuple(whole), dataclasses.astuple(width_sums(confidence, correct, 10)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14)


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


def test_the_maximum_is_never_below_the_mean():
    found = make_outcomes(200, temperature=2)
    assert METRICS["mce15"].value(found) >= METRICS["rmsce15"].value(found) >= METRICS["ece15"].value(found)


def test_a_scheme_that_is_none():
    with pytest.raises(BadInput) as caught:
        expected_calibration_error([0.9], [1.0], scheme="equal_width")
    assert str(caught.value) == "Got scheme='equal_width', but bins are of equal width or mass."


@pytest.mark.parametrize(
    ("confidence", "correct", "message"),
    [
        (
            [85.0, 50.0],
            [1, 1],
            "Got confidence 85.0, but it is in [0, 1]; divide percentages by 100, drop what is missing.",
        ),
        (
            [np.nan, 0.5],
            [1, 1],
            "Got confidence nan, but it is in [0, 1]; divide percentages by 100, drop what is missing.",
        ),
        (
            [0.9, 0.8],
            [1],
            "Got confidence of shape (2,) and correct of shape (1,), but they are (n,) with one entry an item "
            "and at least 1 item.",
        ),
        (
            [],
            [],
            "Got confidence of shape (0,) and correct of shape (0,), but they are (n,) with one entry an item "
            "and at least 1 item.",
        ),
    ],
)
@pytest.mark.parametrize(
    "error", [expected_calibration_error, squared_calibration_error, ks_error, smooth_ece, sweep_error, aurc]
)
def test_arrays_that_are_no_confidences(error, confidence, correct, message):
    with pytest.raises(BadInput) as caught:
        error(np.array(confidence), np.array(correct, dtype=float))
    assert str(caught.value) == message
