"""scikit-learn: proper scores, AUROC, bins, isotonic regression, logistic regression and temperature."""

import numpy as np
import pytest
from sklearn import calibration
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from bench.calibration.binned import width_sums
from bench.calibration.binning import bin_sums, equal_mass
from bench.calibration.calibrators import isotonic
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.calibrators.softmax_regression import SoftmaxRegression
from bench.calibration.calibrators.temperature import HIGHEST, LOWEST, fit_temperature
from bench.calibration.corp import brier_decomposition, multiclass_brier_decomposition, nll_decomposition
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.selective import auroc
from tests.oracles.cases import CALM, STRETCHED, Given, copies, rows_of_one
from tests.prediction_factory import make_outcomes, make_predictions

pytest.importorskip("sklearn", minversion="1.8", reason="temperature scaling came with scikit-learn 1.8")
pytestmark = pytest.mark.oracle


def logits_and_labels(scale=1.0, n=2000):
    made = make_predictions(2000, 1, scale=1.5)
    return made.logits.astype(np.float64)[:n] * scale, made.labels.astype(np.intp)[:n]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("found", CALM)
def test_accuracy_nll_and_brier_agree(found, weighted):
    weights = copies(found) if weighted else None
    probabilities, classes = rows_of_one(found.probabilities), list(range(found.classes))
    expected = {
        "accuracy": accuracy_score(found.labels, probabilities.argmax(axis=1), sample_weight=weights),
        "nll": log_loss(found.labels, probabilities, labels=classes, sample_weight=weights),
        "brier": brier_score_loss(
            found.labels, probabilities, labels=classes, sample_weight=weights, scale_by_half=False
        ),
    }
    assert {name: METRICS[name].value(found, weights) for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("found", CALM)
def test_auroc_of_confidence_agrees(found, weighted):
    weights = copies(found) if weighted else None
    # Rounded to a tenth, most confidences tie.
    for confidence in (found.confidence, np.round(found.confidence, 1)):
        expected = roc_auc_score(found.correct, confidence, sample_weight=weights)
        assert auroc(confidence, found.correct, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("found", CALM)
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_calibration_curve_has_the_accuracy_and_the_confidence_of_every_bin(found, strategy):
    accuracy, confidence = calibration_curve(found.correct, found.confidence, n_bins=15, strategy=strategy)
    if strategy == "uniform":
        sums = width_sums(found.confidence, found.correct, 15)
    else:
        sums = bin_sums(equal_mass(found.confidence, 15), 15, found.confidence, found.correct)
    filled = sums.count > 0
    np.testing.assert_allclose((sums.correct / sums.count.clip(1))[filled], accuracy, rtol=1e-12)
    np.testing.assert_allclose((sums.confidence / sums.count.clip(1))[filled], confidence, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("found", CALM)
def test_corp_is_what_isotonic_regression_gains(found, weighted):
    weights = copies(found) if weighted else np.ones(len(found))
    # Items without weight may lie beyond all others.
    fitted = IsotonicRegression(out_of_bounds="clip").fit(found.confidence, found.correct, sample_weight=weights)
    recalibrated = fitted.predict(found.confidence)
    base = np.average(found.correct, weights=weights)

    def brier(forecast):
        return np.average((forecast - found.correct) ** 2, weights=weights)

    def nll(forecast):
        chance = np.where(found.correct == 1, forecast, 1 - forecast)
        return -np.log(chance[weights > 0]) @ weights[weights > 0] / weights.sum()

    for score, decomposition in ((brier, brier_decomposition), (nll, nll_decomposition)):
        parts = decomposition(found.confidence, found.correct, weights)
        assert parts.miscalibration == pytest.approx(score(found.confidence) - score(recalibrated), rel=1e-9)
        assert parts.discrimination == pytest.approx(score(np.full(len(found), base)) - score(recalibrated), rel=1e-9)
        assert parts.uncertainty == pytest.approx(score(np.full(len(found), base)), rel=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_the_decomposition_of_the_multiclass_brier_score_is_that_of_every_class_against_the_rest(found):
    hits = found.labels[:, None] == np.arange(found.classes)
    recalibrated = np.stack(
        [
            IsotonicRegression().fit(scores, hit).predict(scores)
            for scores, hit in zip(found.probabilities.T, hits.T.astype(float), strict=True)
        ],
        axis=1,
    )
    refined = ((recalibrated - hits) ** 2).sum(axis=1).mean()
    parts = multiclass_brier_decomposition(found.probabilities, found.labels)
    assert parts.miscalibration == pytest.approx(METRICS["brier"].value(found) - refined, rel=1e-9)
    assert parts.score == pytest.approx(METRICS["brier"].value(found), rel=1e-12)


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept sample_weight")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("found", CALM)
def test_isotonic_calibration_agrees_before_it_is_mixed_with_equal_chances(found, weighted):
    weights = copies(found) if weighted else np.ones(len(found))
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = CalibratedClassifierCV(FrozenEstimator(Given(found.classes)), method="isotonic")
    theirs.fit(rows_of_one(found.probabilities), found.labels, sample_weight=weights)
    equal = 1 / (weights.sum() + 1)
    expected = (1 - equal) * theirs.predict_proba(rows_of_one(fresh.probabilities)) + equal / found.classes
    ours = isotonic.fit(found, weights).apply(fresh)
    np.testing.assert_allclose(ours.probabilities, expected, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("scale", "n"), STRETCHED)
def test_temperature_agrees_wherever_there_is_an_optimum(scale, n, weighted):
    logits, labels = logits_and_labels(scale, n)
    weights = copies(labels) if weighted else None
    theirs = calibration._TemperatureScaling().fit(logits, labels, sample_weight=weights)
    assert fit_temperature(logits, labels, weights).value == pytest.approx(1 / theirs.beta_, rel=1e-5)


@pytest.mark.parametrize("found", CALM)
def test_temperature_of_probabilities_agrees(found):
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = CalibratedClassifierCV(FrozenEstimator(Given(found.classes)), method="temperature")
    theirs.fit(rows_of_one(found.probabilities), found.labels)
    ours = fit_temperature(found.log_probabilities, found.labels).apply(fresh)
    np.testing.assert_allclose(ours.probabilities, theirs.predict_proba(rows_of_one(fresh.probabilities)), atol=1e-6)


@pytest.mark.parametrize("found", CALM)
def test_softmax_regression_is_penalised_logistic_regression(found):
    weights = copies(found) + 1
    features = found.log_probabilities - found.log_probabilities.mean(axis=1, keepdims=True)
    theirs = LogisticRegression(C=10, tol=1e-12, max_iter=10_000, solver="newton-cg" if found.classes > 2 else "lbfgs")
    theirs.fit(features, found.labels, sample_weight=weights)
    penalty = np.full((found.classes, found.classes + 1), 0.1)
    # scikit-learn does not penalise intercepts; of two classes it models one, which takes all of the penalty.
    penalty[:, -1] = 1e-9
    if found.classes == 2:
        penalty[0] = np.inf
    ours = SoftmaxRegression(
        features=np.vstack([features.T, np.ones(len(found))]),
        labels=found.labels,
        weights=weights,
        prior=np.zeros_like(penalty),
        penalty=penalty,
    ).minimum()
    coefficients = ours[:, :-1] if found.classes > 2 else ours[1:, :-1]
    np.testing.assert_allclose(coefficients, theirs.coef_, atol=1e-4)


def test_log_loss_clips_a_label_that_was_ruled_out_and_ours_is_infinite():
    found = Outcomes.from_probabilities([[1.0, 0.0], [0.5, 0.5]], [1, 0])
    # -ln of the smallest number by which float64 differs from 1: a bound of their type, not of the forecast.
    expected = (-np.log(np.finfo(np.float64).eps) + np.log(2)) / 2
    assert log_loss([1, 0], found.probabilities) == pytest.approx(expected)
    assert METRICS["nll"].value(found) == np.inf


@pytest.mark.parametrize("found", [case for case in CALM if case.values[0].classes == 2])
def test_the_brier_score_of_two_classes_is_halved_by_default_and_ours_is_one_sum_for_any_number_of_classes(found):
    theirs = brier_score_loss(found.labels, found.probabilities[:, 1])
    assert METRICS["brier"].value(found) == pytest.approx(2 * theirs)


def test_accuracy_gives_a_tie_to_the_first_class_and_ours_to_each_in_equal_parts():
    found = Outcomes.from_probabilities([[0.5, 0.5]] * 4, [0, 0, 0, 1])
    # Whether the classes are listed in one order or the other must not matter.
    assert accuracy_score(found.labels, found.probabilities.argmax(axis=1)) == 0.75
    assert METRICS["accuracy"].value(found) == 0.5


def test_isotonic_calibration_rules_out_what_did_not_occur_and_ours_does_not():
    sure = np.linspace(0.6, 0.9, 5)
    first = np.concatenate([sure, 1 - sure])
    found = Outcomes.from_probabilities(np.stack([first, 1 - first], axis=1), np.repeat([0, 1], 5))
    theirs = CalibratedClassifierCV(FrozenEstimator(Given(2)), method="isotonic")
    theirs.fit(found.probabilities, found.labels)
    # A label that is given no chance costs infinitely much; ten items cannot tell 0 from 1/22.
    np.testing.assert_array_equal(theirs.predict_proba(np.array([[0.95, 0.05]])), [[1, 0]])
    ours = isotonic.fit(found).apply(Outcomes.from_probabilities([[0.95, 0.05]], [0]))
    np.testing.assert_allclose(ours.probabilities, [[21 / 22, 1 / 22]])


@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
@pytest.mark.parametrize("method", ["isotonic", "temperature"])
def test_a_class_that_is_missing_from_the_fit_set_raises_and_ours_takes_the_classes_from_the_columns(method):
    found = make_outcomes(300)
    found = found.take(np.flatnonzero(found.labels < 2))
    theirs = CalibratedClassifierCV(FrozenEstimator(Given(3)), method=method)
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        theirs.fit(rows_of_one(found.probabilities), found.labels)
    calibrated = CALIBRATORS[{"isotonic": "iso", "temperature": "ts"}[method]].fit(found).apply(make_outcomes(20, 1))
    np.testing.assert_allclose(calibrated.probabilities.sum(axis=1), 1)
    assert (calibrated.probabilities[:, 2] > 0).all()


def test_logits_that_could_be_probabilities_are_taken_for_them_and_ours_are_told_what_they_are():
    low = np.random.default_rng(0).uniform(0.01, 0.5, 400)
    logits, labels = np.stack([low, 1 - low], axis=1), np.tile([0, 1, 1, 1], 100)
    theirs = calibration._TemperatureScaling().fit(logits, labels)
    moved = calibration._TemperatureScaling().fit(logits + 10, labels)
    # Softmax does not see a shift, so nothing should change.
    assert abs(np.log(theirs.beta_ / moved.beta_)) > 0.5
    assert fit_temperature(logits, labels).value == pytest.approx(fit_temperature(logits + 10, labels).value)
    assert fit_temperature(logits, labels).value == pytest.approx(1 / moved.beta_, rel=1e-5)


@pytest.mark.parametrize(
    ("answer", "theirs", "ours"), [(np.argmax, np.exp(-10), LOWEST), (np.argmin, np.exp(10), HIGHEST)]
)
def test_without_an_optimum_temperature_runs_to_bounds_that_differ_and_ours_says_so(answer, theirs, ours):
    logits, _ = logits_and_labels(n=500)
    labels = answer(logits, axis=1)
    # Theirs stops where the loss has become flat, up to its own bound, e^10 or e^-10, and does not tell.
    beta = calibration._TemperatureScaling().fit(logits, labels).beta_
    found = fit_temperature(logits, labels)
    assert (found.value, found.at_bound) == (ours, True)
    assert abs(np.log(1 / beta)) <= abs(np.log(theirs)) + 1e-6
