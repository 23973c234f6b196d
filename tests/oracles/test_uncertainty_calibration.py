"""uncertainty-calibration 0.1 (Kumar, Liang and Ma 2019): debiased, plug-in and marginal errors, selective accuracy."""

import numpy as np
import pytest

from bench.calibration.binned import debiased_l1, expected_calibration_error, squared_debiased_l2
from bench.calibration.binning import bin_sums, equal_mass, equal_width
from bench.calibration.calibrators import histogram
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.selective import aurc, risk_at_coverage
from bench.statistics.intervals import basic, estimate
from tests.oracles.cases import CALM
from tests.prediction_factory import make_outcomes

calibration = pytest.importorskip("calibration")
utils = pytest.importorskip("calibration.utils")
pytestmark = pytest.mark.oracle


def binned(found, edges):
    return utils.bin(list(zip(found.confidence, found.correct, strict=True)), edges)


def sums(found, index, bins):
    return bin_sums(index, bins, found.confidence, found.correct)


@pytest.mark.parametrize("found", CALM)
def test_the_debiased_square_and_its_root_agree(found):
    bins = binned(found, utils.get_equal_bins(found.confidence, 15))
    assert METRICS["l2sq15"].value(found) == pytest.approx(utils.unbiased_square_ce(bins), abs=1e-12)
    theirs = calibration.get_calibration_error(found.probabilities, found.labels, p=2, mode="top-label")
    assert METRICS["l2_15"].value(found) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("bins", [4, 10, 15])
@pytest.mark.parametrize("found", CALM)
def test_the_debiased_square_agrees_for_bins_of_equal_width_with_one_item_or_none(found, bins):
    theirs = utils.unbiased_square_ce(binned(found, utils.get_equal_prob_bins(found.confidence, bins)))
    ours = squared_debiased_l2(sums(found, equal_width(found.confidence, bins), bins))
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("found", CALM)
def test_the_debiased_l1_is_the_limit_of_their_resamples(found):
    bins = binned(found, utils.get_equal_bins(found.confidence, 15))
    np.random.seed(0)
    theirs = utils.normal_debiased_ce(bins, power=1, resamples=4000)
    # The mean of 4,000 draws is off by sd / 63, and draws of a mean of bins have an sd below 1 / (2 sqrt n).
    tolerance = 4 * 0.5 / np.sqrt(4000 * len(found))
    assert METRICS["l1db15"].value(found) == pytest.approx(theirs, abs=tolerance)


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("found", CALM)
def test_plug_in_errors_agree_in_equal_width_and_equal_mass(found, bins):
    width = calibration.get_ece(found.probabilities, found.labels, num_bins=bins)
    assert expected_calibration_error(found.confidence, found.correct, bins) == pytest.approx(width, abs=1e-12)
    mass = calibration.get_ece_em(found.probabilities, found.labels, num_bins=15)
    assert METRICS["ece15_mass"].value(found) == pytest.approx(mass, abs=1e-12)


@pytest.mark.parametrize("found", CALM)
def test_the_root_of_the_plug_in_square_agrees(found):
    bins = binned(found, utils.get_equal_prob_bins(found.confidence, 15))
    assert METRICS["rmsce15"].value(found) == pytest.approx(utils.plugin_ce(bins, power=2), abs=1e-12)


@pytest.mark.parametrize("found", CALM)
def test_marginal_l1_errors_agree_with_the_classwise_and_with_the_adaptive_one(found):
    width = calibration.get_ece(found.probabilities, found.labels, mode="marginal")
    assert METRICS["cwece15"].value(found) == pytest.approx(width, abs=1e-12)
    # With as many items in every range, the mean over ranges is the mean over items.
    mass = calibration.get_ece_em(found.probabilities, found.labels, mode="marginal")
    assert METRICS["ace15"].value(found) == pytest.approx(mass, abs=1e-12)


@pytest.mark.parametrize("found", CALM)
def test_shares_of_histogram_binning_agree(found):
    theirs = [
        utils.get_histogram_calibrator(scores, found.labels == k, utils.get_equal_bins(scores, 15))(scores)
        for k, scores in enumerate(found.probabilities.T)
    ]
    ours = histogram.fit(found)
    for k, scores in enumerate(found.probabilities.T):
        np.testing.assert_allclose(ours.shares[k][np.searchsorted(ours.edges[k], scores)], theirs[k], atol=1e-12)


@pytest.mark.parametrize("found", CALM)
def test_selective_accuracy_agrees_within_the_step_of_its_sum(found):
    area, _ = utils.get_selective_stats(found.confidence, found.correct)
    assert aurc(found.confidence, found.correct) == pytest.approx(1 - area, abs=0.5 / len(found))


def test_bins_of_equal_mass_put_what_is_left_over_first_and_ours_are_closed_at_the_quantiles():
    found = make_outcomes(701)
    theirs = binned(found, utils.get_equal_bins(found.confidence, 15))
    ours = sums(found, equal_mass(found.confidence, 15), 15)
    assert [len(each) for each in theirs] == [47] * 11 + [46] * 4
    # The k-th edge is at 701 k / 15 items, rounded up: copies of the sample have the same edges.
    assert np.cumsum(ours.count).tolist() == [-(-701 * k // 15) for k in range(1, 16)]
    assert METRICS["l2sq15"].value(found) != pytest.approx(utils.unbiased_square_ce(theirs), abs=1e-4)


def interval(found, alpha):
    np.random.seed(0)
    low, _, high = calibration.get_calibration_error_uncertainties(
        found.probabilities, found.labels, alpha=alpha, mode="top-label"
    )
    return low, high


def redrawn(found):
    """Return the plug-in error, and the replicates of it that `interval` has drawn."""
    np.random.seed(0)
    pairs = list(zip(found.probabilities, found.labels, strict=True))
    samples = [zip(*utils.resample(pairs), strict=True) for _ in range(100)]
    plug_in = {"p": 2, "debias": False, "mode": "top-label"}
    replicates = [calibration.get_calibration_error(*map(np.array, sample), **plug_in) for sample in samples]
    return calibration.get_calibration_error(found.probabilities, found.labels, **plug_in), np.array(replicates)


def test_the_basic_interval_agrees_given_five_for_95_percent():
    found = make_outcomes(300, temperature=1.3)
    assert interval(found, 5) == pytest.approx(basic(*redrawn(found)))


def test_the_interval_takes_alpha_for_a_percentage_and_ours_has_one_level():
    # uncertainty-calibration #13: documented as one of 1 - alpha, .05 gives 99.95 %, the extremes of 100 draws.
    found = make_outcomes(300, temperature=1.3)
    low, high = interval(found, 0.05)
    value, replicates = redrawn(found)
    assert low == pytest.approx(2 * value - replicates.max(), abs=1e-3)
    assert high == pytest.approx(2 * value - replicates.min(), abs=1e-3)
    ours = basic(value, replicates)
    assert high - low > 1.2 * (ours[1] - ours[0])


def test_the_interval_of_an_error_reaches_below_zero_and_ours_is_clipped():
    found = make_outcomes(150, 5)
    low, high = interval(found, 5)
    assert low < -0.02
    ours = estimate(METRICS["rmsce15"], *redrawn(found))
    assert (ours.low, ours.high) == (0, pytest.approx(high))


def test_duplicates_choose_the_estimator_and_ours_has_a_name_for_each():
    # Five items at each of 60 confidences, as after recalibration: theirs takes every value for a bin, unasked.
    confidence = np.repeat(np.linspace(0.51, 0.99, 60), 5)
    correct = (np.random.default_rng(0).random(300) < confidence - 0.1).astype(int)
    found = Outcomes.from_probabilities(np.stack([confidence, 1 - confidence], axis=1), 1 - correct)
    theirs = calibration.get_calibration_error(confidence, correct)
    assert theirs == pytest.approx(utils.get_binning_ce(confidence, correct))
    ours = METRICS["l2_15"].value(found)
    assert ours == pytest.approx(utils.lower_bound_scaling_ce(confidence, correct))
    assert abs(ours - theirs) > 1e-3


def test_a_bin_of_one_item_makes_the_debiased_l1_raise_and_ours_counts_it_without_a_variance():
    confidence, correct = np.array([0.2, 0.7, 0.8]), np.array([1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="at least 2 points"):
        utils.normal_debiased_ce(utils.bin(list(zip(confidence, correct, strict=True)), [0.5, 1.0]), power=1)
    alone = debiased_l1(bin_sums(np.array([0]), 1, confidence[:1], correct[:1]))
    assert float(alone) == pytest.approx(0.8)
    two = debiased_l1(bin_sums(np.array([0, 0]), 1, confidence[1:], correct[1:]))
    both = debiased_l1(bin_sums(np.array([0, 1, 1]), 2, confidence, correct))
    assert float(both) == pytest.approx((float(alone) + 2 * float(two)) / 3)


def test_the_debiased_l1_differs_from_call_to_call_and_ours_is_what_it_varies_about():
    found = make_outcomes(300)
    bins = binned(found, utils.get_equal_bins(found.confidence, 15))
    # Theirs draws from the global state of numpy; ours draws nothing.
    np.random.seed(0)
    calls = [utils.normal_debiased_ce(bins, power=1, resamples=100) for _ in range(40)]
    assert np.ptp(calls) > 1e-3
    assert METRICS["l1db15"].value(found) == pytest.approx(np.mean(calls), abs=4 * np.std(calls) / np.sqrt(40))


@pytest.mark.parametrize("found", CALM)
def test_their_default_is_the_marginal_error_and_ours_of_that_name_is_of_the_answer(found):
    hits = found.labels[:, None] == np.arange(found.classes)
    squares = [
        squared_debiased_l2(bin_sums(equal_mass(scores, 15), 15, scores, hit.astype(np.float64)))
        for scores, hit in zip(found.probabilities.T, hits.T, strict=True)
    ]
    theirs = calibration.get_calibration_error(found.probabilities, found.labels)
    assert theirs == pytest.approx(np.sqrt(np.maximum(squares, 0).mean()), abs=1e-9)
    # The same binning of the confidence in the answer is another quantity.
    assert theirs != pytest.approx(METRICS["l2_15"].value(found), abs=1e-4)


@pytest.mark.parametrize("found", CALM)
def test_their_mean_square_is_half_a_brier_score_and_ours_is_the_sum_over_classes(found):
    theirs = utils.eval_marginal_mse(found.probabilities, found.probabilities, found.labels)
    assert METRICS["brier"].value(found) == pytest.approx(2 * theirs)


def test_accuracy_of_the_surest_tenth_takes_one_item_more_and_ours_a_tenth():
    confidence, correct = np.linspace(0.9, 0.1, 20), np.array([1, 1, 0] + [1] * 17)
    _, surest = utils.get_selective_stats(confidence, correct)
    assert surest == pytest.approx(2 / 3)
    assert risk_at_coverage(confidence, correct, 0.1) == 0


def test_a_tie_is_given_to_the_first_class_and_ours_to_each_in_equal_parts():
    found = Outcomes.from_probabilities([[0.5, 0.5]] * 4, [0, 0, 0, 1])
    assert calibration.get_ece(found.probabilities, found.labels) == pytest.approx(0.25)
    assert METRICS["ece15"].value(found) == 0


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [([0.95, 1.0], [1, 0], 0.475), ([0.0, 0.5], [1, 1], 0.75), ([0.1] * 5 + [0.05] * 5, [1] * 5 + [0] * 5, 0.425)],
)
def test_bins_are_closed_on_the_right_and_hold_both_ends_in_both(confidence, correct, error):
    assert calibration.get_ece(np.array(confidence), np.array(correct), num_bins=10) == pytest.approx(error)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(error)
