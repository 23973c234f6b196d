"""netcal 1.4: binned errors, and temperature, isotonic, histogram and beta calibration."""

import numpy as np
import pytest

from bench.calibration.binned import expected_calibration_error
from bench.calibration.calibrators import beta, histogram, isotonic
from bench.calibration.calibrators.temperature import HIGHEST, fit_temperature
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from tests.oracles.cases import BINARY, CALM, MULTICLASS, rows_of_one
from tests.prediction_factory import make_outcomes, make_predictions

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:independent is deprecated")]
metrics = pytest.importorskip("netcal.metrics")
scaling = pytest.importorskip("netcal.scaling")
binning = pytest.importorskip("netcal.binning")


def fitted(model, found):
    return model.fit(rows_of_one(found.probabilities), found.labels, tensorboard=False)


def transformed(model, found):
    """(n, K) also for two classes, where netcal returns the second alone."""
    after = model.transform(rows_of_one(found.probabilities))
    return after if after.ndim == 2 else np.stack([1 - after, after], axis=1)


def stretched(scale, n=2000):
    made = make_predictions(2000, 1, scale=1.5)
    return Outcomes.from_logits(made.logits.astype(np.float64)[:n] * scale, made.labels[:n])


def mixed(probabilities, items):
    """What isotonic and histogram calibration give here, made of what they give elsewhere."""
    equal = 1 / (items + 1)
    return (1 - equal) * probabilities + equal / probabilities.shape[1]


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("found", MULTICLASS)
def test_ece_agrees_for_more_than_two_classes(found, bins):
    theirs = metrics.ECE(bins).measure(found.probabilities, found.labels)
    assert expected_calibration_error(found.confidence, found.correct, bins) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("found", MULTICLASS)
def test_equal_mass_and_maximum_agree_for_more_than_two_classes(found):
    mass = metrics.ECE(15, equal_intervals=False).measure(found.probabilities, found.labels)
    assert METRICS["ece15_mass"].value(found) == pytest.approx(mass, rel=1e-9)
    maximum = metrics.MCE(15).measure(found.probabilities, found.labels)
    assert METRICS["mce15"].value(found) == pytest.approx(maximum, rel=1e-9)


@pytest.mark.parametrize("found", CALM)
def test_temperature_agrees_where_the_optimum_is_near_one(found):
    theirs = fitted(scaling.TemperatureScaling(), found)
    ours = fit_temperature(found.log_probabilities, found.labels).value
    assert ours == pytest.approx(1 / theirs.temperature.item(), rel=1e-5)


@pytest.mark.parametrize("found", CALM)
def test_isotonic_calibration_agrees(found):
    fresh = make_outcomes(300, 9, classes=found.classes)
    theirs = transformed(binning.IsotonicRegression().fit(rows_of_one(found.probabilities), found.labels), fresh)
    ours = isotonic.fit(found).apply(fresh).probabilities
    np.testing.assert_allclose(ours, mixed(theirs, len(found)), atol=1e-9)


def test_histogram_binning_agrees_where_bins_of_equal_width_have_equal_mass():
    second = (np.arange(300) + 0.5) / 300
    labels = (np.random.default_rng(0).random(300) < second**2).astype(int)
    found = Outcomes.from_probabilities(np.stack([1 - second, second], axis=1), labels)
    theirs = transformed(fitted(binning.HistogramBinning(15), found), found)
    np.testing.assert_allclose(histogram.fit(found).apply(found).probabilities, mixed(theirs, 300), atol=1e-9)


@pytest.mark.parametrize("found", BINARY)
def test_beta_calibration_agrees_for_two_classes(found):
    fresh = make_outcomes(300, 9, classes=2)
    theirs = transformed(fitted(scaling.BetaCalibration(), found), fresh)
    np.testing.assert_allclose(beta.fit(found).apply(fresh).probabilities, theirs, atol=1e-3)


@pytest.mark.parametrize("found", BINARY)
def test_ece_of_two_classes_is_that_of_the_second_and_ours_is_that_of_the_answer(found):
    theirs = metrics.ECE(15).measure(found.probabilities, found.labels)
    assert expected_calibration_error(found.probabilities[:, 1], found.labels, 15) == pytest.approx(theirs, rel=1e-9)
    ours = METRICS["ece15"].value(found)
    assert ours == pytest.approx(expected_calibration_error(found.confidence, found.correct, 15))
    assert abs(ours - theirs) > 1e-3


def test_ece_of_two_classes_may_be_a_tenth_where_confidence_is_calibrated():
    # netcal #25. It looks for two classes in the labels; ours asks for classes by name: "tlece15" is the one below.
    probabilities = np.repeat([[0.9, 0.1], [0.1, 0.9]], 50, axis=0)
    labels = np.array([0] * 50 + [1] * 40 + [0] * 10)
    assert metrics.ECE(10).measure(probabilities, labels) == pytest.approx(0.1)
    found = Outcomes.from_probabilities(probabilities, labels)
    assert METRICS["ece15"].value(found) == pytest.approx(0)
    assert METRICS["tlece15"].value(found) == pytest.approx(0.1)


def test_a_slice_with_two_of_three_labels_raises_and_ours_takes_the_classes_from_the_columns():
    found = make_outcomes(300, temperature=2)
    found = found.take(np.flatnonzero(found.labels < 2))
    with pytest.raises(RuntimeError, match="Asserted binary classification problem"):
        metrics.ECE(15).measure(found.probabilities, found.labels)
    assert METRICS["ece15"].value(found) == pytest.approx(
        expected_calibration_error(found.confidence, found.probabilities.argmax(axis=1) == found.labels)
    )


def test_bins_are_closed_on_the_left_and_ours_on_the_right():
    confidence, correct = np.repeat([0.1, 0.05], 5), np.repeat([1, 0], 5)
    # Right-closed (Guo et al. 2017), .1 and .05 share the first bin: |.075 - .5|. Left-closed, they are apart.
    assert metrics.ECE(10).measure(confidence, correct) == pytest.approx((0.9 + 0.05) / 2)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.425)


@pytest.mark.parametrize(("confidence", "correct", "error"), [([0.95, 1.0], [1, 0], 0.475), ([0, 0.5], [1, 1], 0.75)])
def test_the_ends_of_the_unit_interval_are_in_the_outer_bins_of_both(confidence, correct, error):
    assert metrics.ECE(10).measure(np.array(confidence, dtype=float), np.array(correct)) == pytest.approx(error)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(error)


@pytest.mark.parametrize("found", MULTICLASS)
def test_ace_is_the_mean_over_bins_of_confidence_and_ours_is_the_adaptive_error_of_every_class(found):
    theirs = metrics.ACE(15).measure(found.probabilities, found.labels)
    # Theirs is the average calibration error (Neumann et al. 2018); ours the adaptive one (Nixon et al. 2019).
    sums = METRICS["ece15"].binning.sums(found)
    filled = sums.count > 0
    distances = np.abs(sums.confidence - sums.correct)[filled] / sums.count[filled]
    assert distances.mean() == pytest.approx(theirs, rel=1e-9)
    assert abs(METRICS["ace15"].value(found) - theirs) > 5e-3


@pytest.mark.parametrize(("scale", "n", "loss"), [(8, 2000, 3e-4), (50, 2000, 0.04), (8, 20, 3e-4)])
def test_temperature_scaling_takes_probabilities_and_loses_what_they_round_away(scale, n, loss):
    found = stretched(scale, n)
    theirs = transformed(fitted(scaling.TemperatureScaling(), found), found)
    ours = fit_temperature(found.log_probabilities, found.labels)
    # Logits of far-off classes are gone once exp has made them 0; ours are fitted on logarithms.
    assert METRICS["nll"].value(Outcomes.from_probabilities(theirs, found.labels)) > ours.nll_after + loss
    unstretched = fit_temperature(found.log_probabilities / scale, found.labels)
    assert ours.nll_after == pytest.approx(unstretched.nll_after, rel=1e-9)


def test_temperature_scaling_turns_anticorrelated_answers_round_and_ours_stays_positive():
    found = stretched(1, 500)
    found = Outcomes.from_probabilities(found.probabilities, found.probabilities.argmin(axis=1))
    theirs = fitted(scaling.TemperatureScaling(), found)
    assert theirs.temperature.item() < 0
    # A negative temperature makes the least likely answer the likeliest: accuracy goes from 0 to 1.
    assert (transformed(theirs, found).argmax(axis=1) == found.labels).all()
    ours = fit_temperature(found.log_probabilities, found.labels)
    assert (ours.value, ours.at_bound) == (HIGHEST, True)
    assert METRICS["accuracy"].value(ours.apply(found)) == 0


def test_isotonic_calibration_is_not_a_number_where_every_class_gets_no_chance_and_ours_is_equal_chances():
    rows = np.array(
        [[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.1, 0.4, 0.5], [0.1, 0.1, 0.8], [0.5, 0.1, 0.4]]
    )
    found = Outcomes.from_probabilities(rows, [0, 1, 1, 2, 2, 0])
    fresh = Outcomes.from_probabilities([[0.34, 0.33, 0.33]], [0])
    with np.errstate(invalid="ignore"):
        theirs = binning.IsotonicRegression().fit(found.probabilities, found.labels).transform(fresh.probabilities)
    assert np.isnan(theirs).all()
    np.testing.assert_allclose(isotonic.fit(found).apply(fresh).probabilities, 1 / 3)


def test_histogram_binning_by_equal_mass_cannot_be_applied_and_ours_is_by_equal_mass():
    found = make_outcomes(300)
    theirs = fitted(binning.HistogramBinning(15, equal_intervals=False), found)
    with pytest.raises(ValueError, match="not implemented"):
        theirs.transform(found.probabilities)
    np.testing.assert_allclose(histogram.fit(found).apply(found).probabilities.sum(axis=1), 1)


def test_beta_calibration_of_many_classes_is_one_joint_model_and_ours_is_one_a_class():
    found = make_outcomes(45, temperature=2)
    theirs = transformed(fitted(scaling.BetaCalibration(), found), found)
    # Kull et al. 2017 define it for two classes; ours fits each against the rest, and divides by the sum.
    assert np.abs(beta.fit(found).apply(found).probabilities - theirs).max() > 0.01
