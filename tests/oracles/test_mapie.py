"""MAPIE 1.6: binned errors, cumulative differences, selective accuracy, and split conformal prediction sets."""

import numpy as np
import pytest
from scipy.stats import kstest

from bench.calibration.arrays import at
from bench.calibration.binned import ece, expected_calibration_error
from bench.calibration.binning import bin_sums, equal_mass
from bench.calibration.conformal import adaptive_scores, conformal_quantile, evaluate, fit_conformal
from bench.calibration.kolmogorov_smirnov import ks_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.selective import aurc, auroc
from tests.oracles.cases import CALM, MULTICLASS, Given, cases, rows_of_one
from tests.prediction_factory import make_outcomes

errors = pytest.importorskip("mapie.metrics.calibration")
set_metrics = pytest.importorskip("mapie.metrics.classification")
uncertainty = pytest.importorskip("mapie.metrics.uncertainty")
classification = pytest.importorskip("mapie.classification")
conformity_scores = pytest.importorskip("mapie.conformity_scores")
mapie_utils = pytest.importorskip("mapie.utils")
pytestmark = pytest.mark.oracle


def uniform_ece(found, edges):
    return errors.expected_calibration_error(found.correct.astype(int), found.confidence, edges, "uniform")


def fit_and_test(classes=3, scale=2.0, n=500):
    return [
        make_outcomes(n, seed, temperature=1.5, classes=classes, scale=scale, split=split)
        for seed, split in ((1, "fit"), (2, "test"))
    ]


def sets_by_mapie(fit, test, method, alpha, **parameters):
    theirs = classification.SplitConformalClassifier(
        Given(fit.classes), confidence_level=1 - alpha, conformity_score=method, prefit=True, random_state=0
    )
    theirs.conformalize(rows_of_one(fit.probabilities), fit.labels)
    return theirs.predict_set(rows_of_one(test.probabilities), conformity_score_params=parameters)[1][:, :, 0]


def regularised_sets_by_mapie(fit, test, alpha, k_reg, penalty):
    """MAPIE chooses both parameters itself on a part of the fit set; here they are given."""
    score, levels = conformity_scores.RAPSConformityScore(), np.array([alpha])
    score.set_external_attributes(classes=np.arange(fit.classes), random_state=0)
    # The scores of APS, from which RAPS starts.
    plain = conformity_scores.APSConformityScore.get_conformity_scores(
        score, fit.labels, fit.probabilities, y_enc=fit.labels
    )
    score.k_star, score.lambda_star = np.array([k_reg]), penalty
    regularised = score._regularize_conformity_score(score.k_star, penalty, plain, score.cutoff)
    score.quantiles_ = mapie_utils._compute_classification_quantile(regularised, levels)
    probabilities = test.probabilities[:, :, None].copy()
    return score.get_prediction_sets(probabilities, plain, levels, "prefit", include_last_label="randomized")[:, :, 0]


def adaptive_sets(fit, test, alpha, k_reg=0, penalty=0.0):
    """Sets of adaptive scores with the draws of MAPIE, which takes off the part that ours leaves on."""
    parts = [1 - np.random.RandomState(0).uniform(size=len(found)) for found in (fit, test)]
    scores = [
        adaptive_scores(found.probabilities, part, k_reg, penalty)
        for found, part in zip((fit, test), parts, strict=True)
    ]
    return scores[1] <= conformal_quantile(at(scores[0], fit.labels), alpha)


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("found", CALM)
def test_equal_width_agrees_given_one_bin_more(found, bins):
    ours = expected_calibration_error(found.confidence, found.correct, bins)
    assert ours == pytest.approx(uniform_ece(found, bins + 1), rel=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_the_classwise_error_agrees_given_one_bin_more(found):
    theirs = errors.expected_calibration_error(
        None, found.probabilities, 16, "uniform", classwise=True, class_labels=found.labels
    )
    assert METRICS["cwece15"].value(found) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_the_conditional_error_agrees_where_answers_are_equally_frequent(found):
    answers = found.probabilities.argmax(axis=1)
    least = min(np.bincount(answers, minlength=found.classes))
    even = found.take(np.concatenate([np.flatnonzero(answers == k)[:least] for k in range(found.classes)]))
    theirs = errors.top_label_ece(even.labels, even.probabilities, num_bins=16, split_strategy="uniform")
    assert METRICS["tlece15"].value(even) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_the_ks_error_is_their_statistic_times_its_scale(found):
    theirs = errors.kolmogorov_smirnov_statistic(found.correct, found.confidence)
    # Theirs adds a noise of 1e-8 to part ties.
    scale = errors.length_scale(found.confidence)
    assert ks_error(found.confidence, found.correct) == pytest.approx(theirs * scale, abs=1e-7)


def test_under_calibration_the_ks_error_has_their_distribution():
    generator = np.random.default_rng(0)
    confidence = make_outcomes(2000).confidence
    drawn = [ks_error(confidence, generator.random(2000) < confidence) for _ in range(300)]
    scaled = np.array(drawn) / errors.length_scale(confidence)
    assert kstest(scaled, np.vectorize(errors.kolmogorov_smirnov_cdf)).pvalue > 0.01
    # The mean that its docstring states.
    grid = np.linspace(1e-3, 12, 5000)
    theirs = np.trapezoid([1 - errors.kolmogorov_smirnov_cdf(x) for x in grid], grid)
    assert theirs == pytest.approx(np.sqrt(np.pi / 2), abs=2e-3)
    assert scaled.mean() == pytest.approx(theirs, abs=4 * scaled.std() / np.sqrt(300))


@pytest.mark.parametrize("found", CALM)
def test_auroc_agrees_and_the_area_within_the_step_of_its_sum(found):
    theirs = uncertainty.auroc(found.correct, found.confidence)
    assert auroc(found.confidence, found.correct) == pytest.approx(theirs, rel=1e-12)
    area = uncertainty.auarc(found.correct, found.confidence)
    assert aurc(found.confidence, found.correct) == pytest.approx(1 - area, abs=0.5 / len(found))


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_sets_of_the_least_ambiguous_classifier_agree(classes, alpha):
    fit, test = fit_and_test(classes)
    theirs = sets_by_mapie(fit, test, "lac", alpha)
    np.testing.assert_array_equal(fit_conformal(fit, "lac", alpha).sets(test), theirs)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("classes", [3, 4, 10])
def test_adaptive_sets_agree_given_the_same_draws(classes, alpha):
    fit, test = fit_and_test(classes)
    theirs = sets_by_mapie(fit, test, "aps", alpha, include_last_label="randomized")
    np.testing.assert_array_equal(adaptive_sets(fit, test, alpha), theirs)


@pytest.mark.parametrize("penalty", [0.05, 0.3])
@pytest.mark.parametrize("classes", [3, 5])
def test_regularised_sets_agree_up_to_one_class_beyond_the_free_size(classes, penalty):
    fit, test = fit_and_test(classes, scale=1.0)
    theirs = regularised_sets_by_mapie(fit, test, 0.1, classes - 1, penalty)
    np.testing.assert_array_equal(adaptive_sets(fit, test, 0.1, classes - 1, penalty), theirs)


@pytest.mark.parametrize("method", ["lac", "aps", "raps"])
def test_what_sets_are_worth_agrees(method):
    fit, test = fit_and_test(5, scale=1.0)
    sets = fit_conformal(fit, method, 0.1).sets(test)
    sets[~sets.any(axis=1), 0] = True
    found = evaluate(sets, test, 0.1)
    assert found.coverage == pytest.approx(set_metrics.classification_coverage_score(test.labels, sets).item())
    assert found.mean_size == pytest.approx(set_metrics.classification_mean_width_score(sets).item())
    with pytest.warns(RuntimeWarning, match="invalid value|Mean of empty slice"):
        by_size = set_metrics.classification_ssc(test.labels, sets[:, :, None])[0]
    assert {size: stratum.coverage for size, stratum in found.by_size.items()} == pytest.approx(
        {size: coverage for size, coverage in enumerate(by_size) if not np.isnan(coverage)}
    )
    assert found.worst == pytest.approx(np.nanmin(by_size))


@pytest.mark.parametrize("found", cases((1000, 3, 1), (1000, 5, 1), (1000, 2, 1)))
def test_ten_bins_are_nine_and_ours_are_ten(found):
    # Theirs counts edges: ten of them bound nine bins.
    assert uniform_ece(found, 10) == pytest.approx(
        expected_calibration_error(found.confidence, found.correct, 9), rel=1e-9
    )
    assert abs(uniform_ece(found, 10) - expected_calibration_error(found.confidence, found.correct, 10)) > 1e-4


def test_one_bin_is_none_and_ours_holds_everything():
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(errors.expected_calibration_error(np.array([1, 0]), np.array([0.4, 0.1]), 1, "uniform"))
    assert expected_calibration_error([0.4, 0.1], [1, 0], 1) == pytest.approx(0.25)


def test_no_confidence_has_a_bin_of_its_own_and_ours_is_in_the_first():
    confidence, correct = np.array([0.0, 0.05]), np.array([1, 0])
    assert errors.expected_calibration_error(correct, confidence, 11, "uniform") == pytest.approx((1 + 0.05) / 2)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.475)


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [([0.95, 1.0], [1, 0], 0.475), ([0.1] * 5 + [0.05] * 5, [1] * 5 + [0] * 5, 0.425)],
)
def test_bins_are_closed_on_the_right_and_hold_certainty_in_both(confidence, correct, error):
    theirs = errors.expected_calibration_error(np.array(correct), np.array(confidence), 11, "uniform")
    assert theirs == pytest.approx(error)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(error)


def test_the_least_confident_item_has_a_quantile_bin_of_its_own_and_ours_has_company():
    confidence, correct = np.array([0.6, 0.7, 0.8, 0.9]), np.array([1, 0, 0, 1])
    # Closed on the right, the first of three edges, the minimum, is a bin: |.6 - 1| + |.7 - 0| + |1.7 - 1|.
    theirs = errors.expected_calibration_error(correct, confidence, 3, "quantile")
    assert theirs == pytest.approx((0.4 + 0.7 + 0.7) / 4)
    ours = ece(bin_sums(equal_mass(confidence, 2), 2, confidence, correct.astype(float)))
    assert float(ours) == pytest.approx((0.3 + 0.7) / 4)


@pytest.mark.parametrize("found", MULTICLASS)
def test_the_conditional_error_counts_answers_alike_and_ours_by_their_frequency(found):
    theirs = errors.top_label_ece(found.labels, found.probabilities, num_bins=16, split_strategy="uniform")
    answers = found.probabilities.argmax(axis=1)
    each = {k: found.take(np.flatnonzero(answers == k)) for k in np.unique(answers)}
    alone = {k: expected_calibration_error(part.confidence, part.correct) for k, part in each.items()}
    assert theirs == pytest.approx(np.mean(list(alone.values())), rel=1e-9)
    # P(answer = k) times the error given it (Gupta and Ramdas 2022): a rare answer weighs little.
    ours = sum(len(each[k]) * error for k, error in alone.items()) / len(found)
    assert METRICS["tlece15"].value(found) == pytest.approx(ours, rel=1e-9)
    assert ours != pytest.approx(theirs, abs=1e-5)


def test_the_ks_statistic_parts_ties_at_random_and_ours_lets_them_enter_together():
    confidence, correct = np.full(400, 0.5), np.tile([0.0, 1.0], 200)
    theirs = errors.kolmogorov_smirnov_statistic(correct, confidence) * errors.length_scale(confidence)
    assert theirs > 0.01
    # No order of items with one confidence means anything: that confidence is exactly right.
    assert ks_error(confidence, correct) == 0


def test_sets_far_beyond_the_free_size_are_too_large_and_ours_cover_as_much_as_they_should():
    fit, test = fit_and_test(4, scale=1.0, n=5000)
    theirs, ours = regularised_sets_by_mapie(fit, test, 0.1, 1, 0.05), adaptive_sets(fit, test, 0.1, 1, 0.05)
    # A class is kept where u is at least (score - threshold) / p; theirs divides by p less the penalties, which may
    # be below 0. Three standard errors of a coverage of .9, of fit and of test, are .018.
    assert evaluate(ours, test, 0.1).coverage == pytest.approx(0.9, abs=0.018)
    assert evaluate(theirs, test, 0.1).coverage > 0.925
    assert evaluate(theirs, test, 0.1).mean_size > evaluate(ours, test, 0.1).mean_size + 0.2


def test_too_few_items_for_alpha_raise_and_ours_give_every_class():
    fit, test = fit_and_test(n=8)
    with pytest.raises(ValueError, match="Number of samples of the score is too low"):
        sets_by_mapie(fit, test, "lac", 0.1)
    assert fit_conformal(fit, "lac", 0.1).sets(test).all()


def test_adaptive_sets_of_two_classes_are_refused_and_ours_are_made():
    fit, test = fit_and_test(2)
    with pytest.raises(ValueError, match="The only valid score is 'lac'"):
        sets_by_mapie(fit, test, "aps", 0.1)
    # Three standard errors of a coverage of .9, of fit and of test, each of 500 items, are .057.
    assert evaluate(fit_conformal(fit, "aps", 0.1).sets(test), test, 0.1).gap == pytest.approx(0, abs=0.057)


def test_rounding_raises_the_rank_and_ours_takes_a_whole_number_for_one():
    # 10 times (1 - .7) is 3.0000000000000004 in float64: the fourth score instead of the third.
    scores = np.arange(1.0, 10.0)
    assert mapie_utils._compute_classification_quantile(scores, np.array([0.7]))[0] == 4
    assert conformal_quantile(scores, 0.7) == 3


def test_an_empty_set_is_the_worst_stratum_and_ours_is_counted_apart():
    found = Outcomes.from_probabilities([[0.6, 0.4]] * 4, [0, 0, 0, 1])
    sets = np.array([[False, False], [True, False], [True, False], [True, True]])
    theirs = set_metrics.classification_ssc_score(found.labels, sets[:, :, None])
    # An empty set never covers, so their score is 0 as soon as there is one, however rare.
    assert theirs.item() == 0
    ours = evaluate(sets, found, 0.1)
    assert (ours.worst, ours.empty) == (1, 0.25)
