"""relplot 1.0 (Blasiok and Nakkiran 2024): the smooth calibration error, and sums over bins."""

import numpy as np
import pytest

from bench.calibration.binned import expected_calibration_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.smooth import smooth_ece
from tests.oracles.cases import CALM, cases

relplot = pytest.importorskip("relplot")
relplot_metrics = pytest.importorskip("relplot.metrics")
pytestmark = pytest.mark.oracle

# The bandwidth is searched by ten halvings of [0, 1].
STEP = 2**-10


@pytest.mark.parametrize("found", CALM + cases((60, 3, 0.6), (669, 3, 1), (5010, 3, 1), (5010, 3, 3), (1000, 100, 2)))
def test_the_smooth_error_agrees_within_the_step_of_its_search(found):
    theirs = relplot.smECE(found.confidence, found.correct)
    assert smooth_ece(found.confidence, found.correct) == pytest.approx(theirs, abs=1.5 * STEP)


@pytest.mark.parametrize("found", CALM)
def test_the_smooth_error_is_the_bandwidth_at_which_their_error_is_the_bandwidth(found):
    ours = smooth_ece(found.confidence, found.correct)
    assert relplot.smECE_sigma(found.confidence, found.correct, ours) == pytest.approx(ours, rel=0.01)


@pytest.mark.parametrize("found", CALM)
def test_confidence_and_correctness_are_read_from_logits_alike(found):
    confidence, correct = relplot.multiclass_logits_to_confidences(found.log_probabilities, found.labels)
    np.testing.assert_allclose(found.confidence, confidence, rtol=1e-12)
    np.testing.assert_array_equal(found.correct, correct)


@pytest.mark.parametrize("bins", [5, 10])
@pytest.mark.parametrize("found", CALM)
def test_the_binned_error_agrees(found, bins):
    theirs = relplot_metrics.binnedECE(found.confidence, found.correct, nbins=bins)
    assert expected_calibration_error(found.confidence, found.correct, bins) == pytest.approx(theirs, rel=1e-9)


def test_the_kernel_is_cut_at_a_distance_of_a_half_and_ours_has_its_tails():
    places = (np.arange(200) + 0.5) / 200
    correct = np.arange(200) % 3 == 0
    # At a bandwidth of .23 a normal has 3 % of its mass beyond 1/2; the definition has no cut.
    assert relplot.smECE(places, correct.astype(float)) == pytest.approx(0.2352, abs=1e-4)
    assert smooth_ece(places, correct) == pytest.approx(0.2293, abs=1e-4)


def test_certainty_has_a_bin_beyond_the_last_and_ours_is_in_the_last():
    confidence, correct = np.array([0.95, 1.0]), np.array([1, 0])
    assert relplot_metrics.binnedECE(confidence, correct, nbins=10) == pytest.approx(0.525)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.475)


def test_bins_are_closed_on_the_left_and_ours_on_the_right():
    confidence, correct = np.repeat([0.1, 0.05], 5), np.repeat([1, 0], 5)
    assert relplot_metrics.binnedECE(confidence, correct, nbins=10) == pytest.approx(0.475)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.425)


def test_no_confidence_is_counted_by_both():
    confidence, correct = np.array([0.0, 0.5]), np.array([1, 1])
    assert relplot_metrics.binnedECE(confidence, correct, nbins=10) == pytest.approx(0.75)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.75)


def test_a_tie_is_given_to_the_first_class_and_ours_to_each_in_equal_parts():
    rows, labels = np.array([[0.5, 0.5]] * 4), [0, 0, 0, 1]
    confidence, correct = relplot.multiclass_logits_to_confidences(rows, labels, probs=True)
    assert relplot.smECE(confidence, correct) == pytest.approx(0.25, abs=1.5 * STEP)
    assert METRICS["smece"].value(Outcomes.from_probabilities(rows, labels)) == pytest.approx(0, abs=1e-8)


def test_the_error_of_certain_mistakes_falls_short_of_one_and_ours_is_one():
    assert relplot.smECE(np.ones(5), np.zeros(5)) == pytest.approx(0.9999, abs=5e-5)
    assert smooth_ece(np.ones(5), np.zeros(5)) == 1.0
