"""probmetrics 1.3: scores, calibration errors, refinement, and temperature, affine and one-versus-rest calibration."""

import numpy as np
import pytest
import torch

from bench.calibration.binned import expected_calibration_error
from bench.calibration.calibrators import affine, ensemble_temperature, histogram, isotonic, spline
from bench.calibration.calibrators.temperature import HIGHEST, LOWEST, fit_temperature
from bench.calibration.corp import multiclass_brier_decomposition
from bench.calibration.kolmogorov_smirnov import ks_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.smooth import smooth_ece
from bench.calibration.temperature_loss import temperature_loss
from tests.oracles.cases import BINARY, CALM, MULTICLASS, STRETCHED, rows_of_one
from tests.prediction_factory import make_outcomes, make_predictions

# probmetrics imports numba without asking for it.
pytest.importorskip("numba")
calibrators = pytest.importorskip("probmetrics.calibrators")
distributions = pytest.importorskip("probmetrics.distributions")
metrics = pytest.importorskip("probmetrics.metrics")
splitters = pytest.importorskip("probmetrics.splitters")
pytestmark = pytest.mark.oracle


def scores(found, *names):
    theirs = metrics.Metrics.from_names(list(names))
    values = theirs.compute_all_from_labels_probs(torch.tensor(found.labels), torch.tensor(found.probabilities))
    return {name: float(value) for name, value in values.items()}


def stretched(scale, n=2000):
    made = make_predictions(2000, 1, scale=1.5)
    return made.logits.astype(np.float64)[:n] * scale, made.labels.astype(np.intp)[:n]


def fitted(calibrator, logits, labels):
    torch.manual_seed(0)
    return calibrator.fit_torch(distributions.CategoricalLogits(torch.tensor(logits)), torch.tensor(labels))


def by_logits(calibrator, logits):
    after = calibrator.predict_proba_torch(distributions.CategoricalLogits(torch.tensor(logits)))
    return after.get_probs().detach().numpy()


def centred(found):
    return found.log_probabilities - found.log_probabilities.mean(axis=1, keepdims=True)


def logs(found):
    return found.log_probabilities


def decomposed(found, calibrator, splitter, score):
    """Return the calibration and the refinement part of `score` by `calibrator`."""
    name = score.get_name()
    parts = metrics.MetricsWithCalibration(score, calibrator, splitter, "given", random_state=0).compute_all(
        distributions.CategoricalDirac(torch.tensor(found.labels), n_classes=found.classes),
        distributions.CategoricalProbs(torch.tensor(found.probabilities)),
    )
    suffix = f"{name}_given_{splitter.get_name()}"
    return float(parts[f"calib-err_{suffix}"]), float(parts[f"refinement_{suffix}"])


class GroupSplitter(splitters.Splitter):
    """Each group is a fold."""

    def __init__(self, group_ids):
        self.group_ids = group_ids

    def get_splits(self, y_true, random_state=None):
        groups = np.unique(self.group_ids)
        return [(np.flatnonzero(self.group_ids != g), np.flatnonzero(self.group_ids == g)) for g in groups]

    def get_name(self):
        return "groups"


@pytest.mark.parametrize("found", CALM)
def test_accuracy_nll_and_brier_agree(found):
    theirs = scores(found, "accuracy", "logloss", "brier")
    assert METRICS["accuracy"].value(found) == pytest.approx(theirs["accuracy"], abs=1e-6)
    assert METRICS["nll"].value(found) == pytest.approx(theirs["logloss"], rel=1e-9)
    assert METRICS["brier"].value(found) == pytest.approx(theirs["brier"], rel=1e-9)


@pytest.mark.parametrize("found", MULTICLASS)
def test_calibration_errors_agree_for_more_than_two_classes(found):
    theirs = scores(found, "ece-15", "rmsce-15", "mce-15", "smece")
    ours = {name: METRICS[name.replace("-", "")].value(found) for name in ("ece-15", "rmsce-15", "mce-15")}
    assert ours | {"smece": METRICS["smece"].value(found)} == {
        **{name: pytest.approx(theirs[name], abs=2e-6) for name in ours},
        "smece": pytest.approx(theirs["smece"], abs=1.5e-3),
    }


@pytest.mark.parametrize("found", BINARY)
def test_calibration_errors_of_two_classes_are_those_of_the_second_and_ours_are_of_the_answer(found):
    theirs = scores(found, "ece-15", "smece")
    second = found.probabilities[:, 1]
    assert expected_calibration_error(second, found.labels) == pytest.approx(theirs["ece-15"], abs=2e-6)
    assert smooth_ece(second, found.labels) == pytest.approx(theirs["smece"], abs=1.5e-3)
    assert abs(METRICS["ece15"].value(found) - theirs["ece-15"]) > 1e-3


@pytest.mark.parametrize("found", BINARY)
def test_the_ks_error_of_the_second_class_agrees(found):
    theirs = metrics.KolmogorovSmirnovCalibrationMetric().compute_from_labels_probs(
        torch.tensor(found.labels), torch.tensor(found.probabilities)
    )
    assert ks_error(found.probabilities[:, 1], found.labels) == pytest.approx(float(theirs), abs=2e-6)


@pytest.mark.parametrize(("scale", "n"), STRETCHED)
def test_temperature_agrees_wherever_there_is_an_optimum(scale, n):
    logits, labels = stretched(scale, n)
    theirs = fitted(calibrators.TemperatureScalingCalibrator(), logits, labels)
    assert fit_temperature(logits, labels).value == pytest.approx(1 / theirs.invtemp_, rel=1e-6)


@pytest.mark.parametrize("found", CALM)
def test_ensemble_temperature_agrees(found):
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = calibrators.ETSCalibrator(loss="ce").fit(rows_of_one(found.probabilities), found.labels)
    expected = theirs.predict_proba(rows_of_one(fresh.probabilities))
    np.testing.assert_allclose(ensemble_temperature.fit(found).apply(fresh).probabilities, expected, atol=1e-4)


@pytest.mark.parametrize("found", CALM)
def test_vector_scaling_agrees_on_logits_of_mean_zero(found):
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = fitted(calibrators.VectorScalingCalibrator(), centred(found), found.labels)
    ours = affine.fit_vector_scaling(found).apply(fresh)
    # The ridge is one of a hundredth, against n items.
    np.testing.assert_allclose(ours.probabilities, by_logits(theirs, centred(fresh)), atol=2e-3)


@pytest.mark.parametrize("found", CALM)
@pytest.mark.parametrize(("fit", "features"), [(affine.fit_matrix_scaling, centred), (affine.fit_dirichlet, logs)])
def test_matrix_scaling_agrees_where_odir_has_no_say(found, fit, features):
    # A million copies of every item outweigh any prior.
    ours = fit(found, np.full(len(found), 1e6))
    theirs = fitted(calibrators.MatrixScalingCalibrator(), features(found), found.labels)
    fresh = make_outcomes(300, 9, classes=found.classes)
    np.testing.assert_allclose(ours.apply(fresh).probabilities, by_logits(theirs, features(fresh)), atol=1e-2)
    # Theirs stops a little early.
    reached = -np.log(by_logits(theirs, features(found))[np.arange(len(found)), found.labels]).mean()
    assert reached - 1e-5 < METRICS["nll"].value(ours.apply(found)) < reached + 1e-9


@pytest.mark.parametrize("found", CALM)
def test_isotonic_calibration_agrees_with_their_mixture(found):
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = calibrators.get_calibrator("isotonic", calibrate_with_mixture=True)
    theirs.fit(rows_of_one(found.probabilities), found.labels)
    expected = theirs.predict_proba(rows_of_one(fresh.probabilities))
    np.testing.assert_allclose(isotonic.fit(found).apply(fresh).probabilities, expected, atol=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_histogram_binning_of_its_own_fit_set_agrees_with_their_mixture(found):
    one = calibrators.BinaryHistogramBinningCalibrator(15, "quantile")
    theirs = calibrators.MixtureCalibrator(calibrators.MulticlassOneVsRestCalibrator(one))
    theirs.fit(rows_of_one(found.probabilities), found.labels)
    expected = theirs.predict_proba(rows_of_one(found.probabilities))
    np.testing.assert_allclose(histogram.fit(found).apply(found).probabilities, expected, atol=1e-6)


def test_the_spline_agrees_within_what_its_start_makes_of_it():
    found = make_outcomes(5000, 3, temperature=1.7)
    theirs = calibrators.CDFSplineCalibrator().fit(
        np.stack([1 - found.confidence, found.confidence], axis=1), found.correct.astype(int)
    )
    grid = np.linspace(found.confidence.min(), 1, 200)
    expected = theirs.predict_proba(np.stack([1 - grid, grid], axis=1))[:, 1]
    ours = spline.fit(found)
    curve = np.interp(grid, ours.confidences, ours.recalibrated)
    # The correction itself is up to .15. Their cumulative error may start anywhere, ours starts at 0.
    np.testing.assert_allclose(curve, expected, atol=5e-3)
    assert np.abs(expected - grid).max() > 0.1
    assert np.abs(curve - expected).max() > 1e-4


def test_the_loss_by_temperature_is_their_calibration_error_with_groups_for_folds():
    # Five groups are five folds.
    found = make_outcomes(750, temperature=2, group_size=150)
    theirs, _ = decomposed(
        found, calibrators.get_calibrator("temp-scaling"), GroupSplitter(found.group_ids), metrics.LogLoss()
    )
    assert temperature_loss(found) == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize("found", BINARY)
def test_the_corp_parts_of_two_classes_are_their_isotonic_ones_on_the_fit_set(found):
    miscalibration, refinement = decomposed(
        found, calibrators.get_calibrator("isotonic"), splitters.AllSplitter(), metrics.BrierLoss()
    )
    ours = multiclass_brier_decomposition(found.probabilities, found.labels)
    assert ours.miscalibration == pytest.approx(miscalibration, abs=1e-7)
    assert ours.uncertainty - ours.discrimination == pytest.approx(refinement, abs=1e-7)


@pytest.mark.parametrize("found", MULTICLASS)
def test_the_isotonic_parts_of_many_classes_are_of_normalised_rows_and_ours_are_a_sum_over_classes(found):
    miscalibration, _ = decomposed(
        found, calibrators.get_calibrator("isotonic"), splitters.AllSplitter(), metrics.BrierLoss()
    )
    ours = multiclass_brier_decomposition(found.probabilities, found.labels)
    # What is divided by the sum of its row is no monotone function of p_k any more: no part of CORP.
    assert abs(ours.miscalibration - miscalibration) > 1e-5


def test_items_are_dealt_to_folds_and_ours_deals_groups():
    # Ten groups of twenty copies: with copies of every item in the fit set, the temperature knows the scored answers.
    few = make_outcomes(10, 3, scale=3)
    rows = np.repeat(np.arange(10), 20)
    found = Outcomes.from_logits(few.log_probabilities[rows], few.labels[rows], group_ids=rows.astype(str))
    theirs, _ = decomposed(
        found, calibrators.get_calibrator("temp-scaling"), splitters.CVSplitter(5), metrics.LogLoss()
    )
    known = fit_temperature(found.log_probabilities, found.labels)
    assert theirs == pytest.approx(known.nll_before - known.nll_after, abs=2e-3)
    assert theirs > 0
    assert temperature_loss(found) < theirs - 0.02


def test_a_single_label_raises_and_ours_takes_the_classes_from_the_columns():
    found = make_outcomes(300, temperature=2)
    found = found.take(np.flatnonzero(found.labels == 1))
    with pytest.raises(ValueError, match="`num_classes` to be an integer larger than 1"):
        scores(found, "ece-15")
    ours = expected_calibration_error(found.confidence, found.probabilities.argmax(axis=1) == 1)
    assert METRICS["ece15"].value(found) == pytest.approx(ours)


def test_a_label_that_is_missing_takes_its_column_along_and_ours_keeps_it():
    found = make_outcomes(600, classes=4, temperature=2)
    found = found.take(np.flatnonzero(found.labels < 3))
    without = found.probabilities[:, :3] / found.probabilities[:, :3].sum(axis=1, keepdims=True)
    theirs = scores(found, "ece-15")["ece-15"]
    # Which labels a sample happens to hold must not change what was predicted.
    assert METRICS["ece15"].value(Outcomes.from_probabilities(without, found.labels)) == pytest.approx(theirs, abs=2e-6)
    assert METRICS["ece15"].value(found) > theirs + 0.02


@pytest.mark.parametrize(
    ("answer", "low", "high", "ours"), [(np.argmax, 0, 1e-6, LOWEST), (np.argmin, 1e6, 1e8, HIGHEST)]
)
def test_without_an_optimum_temperature_runs_to_its_own_bounds_and_ours_says_so(answer, low, high, ours):
    logits, _ = stretched(1, 500)
    labels = answer(logits, axis=1)
    theirs = fitted(calibrators.TemperatureScalingCalibrator(), logits, labels)
    assert low < 1 / theirs.invtemp_ < high
    found = fit_temperature(logits, labels)
    assert (found.value, found.at_bound) == (ours, True)


@pytest.mark.parametrize(("scale", "n", "loss"), [(8, 500, 0.1), (50, 500, 1), (0.1, 500, 0.1), (8, 20, 0.1)])
def test_the_optimiser_of_guo_stops_short_and_ours_does_not(scale, n, loss):
    # gpleiss/temperature_scaling, as ported here: LBFGS on T, from 1.5, with a rate of .01 and few steps.
    logits, labels = stretched(scale, n)
    theirs = by_logits(fitted(calibrators.GuoTemperatureScalingCalibrator(), logits, labels), logits)
    nll = -np.log(theirs[np.arange(n), labels]).mean()
    ours = fit_temperature(logits, labels)
    assert nll > ours.nll_after + loss
    assert ours.nll_after == pytest.approx(fit_temperature(logits / scale, labels).nll_after, rel=1e-9)
