"""Other libraries, on the domain where each is right, and the disagreements that are known."""

import numpy as np
import pytest

from bench.calibration.metrics import METRICS, expected_calibration_error
from bench.calibration.temperature import fit_temperature
from tests.prediction_factory import make_outcomes, make_predictions

pytestmark = pytest.mark.oracle
CASES = [
    make_outcomes(700, seed, temperature=temperature, classes=classes)
    for seed, (temperature, classes) in enumerate([(1, 3), (2, 3), (0.7, 5), (1.5, 2)])
]


@pytest.mark.parametrize("found", CASES)
def test_nll_brier_and_accuracy_agree_with_scikit_learn(found):
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

    classes = list(range(found.probabilities.shape[1]))
    probabilities = found.probabilities / found.probabilities.sum(axis=1, keepdims=True)
    assert METRICS["nll"].value(found) == pytest.approx(log_loss(found.labels, probabilities, labels=classes))
    expected = brier_score_loss(found.labels, probabilities, labels=classes, scale_by_half=False)
    assert METRICS["brier"].value(found) == pytest.approx(expected)
    assert METRICS["accuracy"].value(found) == pytest.approx(accuracy_score(found.labels, probabilities.argmax(axis=1)))


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("found", [case for case in CASES if case.probabilities.shape[1] > 2])
def test_ece_agrees_with_netcal_away_from_the_edges(found, bins):
    netcal = pytest.importorskip("netcal.metrics")
    ours = expected_calibration_error(found.confidence, found.correct, bins)
    assert ours == pytest.approx(netcal.ECE(bins).measure(found.probabilities, found.labels), abs=1e-9)


def test_ece_agrees_with_torchmetrics_away_from_the_edges():
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    import torch

    for found in CASES[:3]:
        theirs = torchmetrics.multiclass_calibration_error(
            torch.tensor(found.probabilities), torch.tensor(found.labels), found.probabilities.shape[1], n_bins=15
        )
        assert METRICS["ece15"].value(found) == pytest.approx(float(theirs), abs=1e-6)


def test_on_an_edge_torchmetrics_closes_bins_on_the_left():
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    import torch

    confidence, correct = np.array([0.95, 1.0]), np.array([1, 0])
    theirs = torchmetrics.binary_calibration_error(torch.tensor(confidence), torch.tensor(correct), n_bins=10)
    assert float(theirs) == pytest.approx(0.525)
    assert expected_calibration_error(confidence, correct.astype(float), 10) == pytest.approx(0.475)


@pytest.mark.parametrize("scale", [0.1, 1, 8, 50])
def test_temperature_agrees_with_scikit_learn(scale):
    calibration = pytest.importorskip("sklearn.calibration")
    if not hasattr(calibration, "_TemperatureScaling"):
        pytest.skip("this scikit-learn has no temperature scaling")
    made = make_predictions(2000, 1)
    logits = made.logits.astype(np.float64) * scale
    theirs = calibration._TemperatureScaling().fit(logits, made.labels)
    assert fit_temperature(logits, made.labels.astype(np.intp)).value == pytest.approx(1 / theirs.beta_, rel=1e-3)
