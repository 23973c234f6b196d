import numpy as np
import pytest

from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes


def test_the_true_error_compares_confidence_with_the_posterior():
    calibrated = make_outcomes(400, scale=2, temperature=1, posterior=True)
    doubled = make_outcomes(400, scale=2, temperature=2, posterior=True)
    assert METRICS["true_error"].value(calibrated) == pytest.approx(0, abs=1e-6)
    expected = np.abs(doubled.posterior_correct - doubled.confidence).mean()
    assert METRICS["true_error"].value(doubled) == pytest.approx(expected) != pytest.approx(0, abs=0.05)


def test_certainty_that_is_wrong_costs_everything():
    assert METRICS["nll"].value(Outcomes.from_probabilities([[1.0, 0.0]], [1])) == np.inf


def test_certainty_that_is_right_costs_nothing():
    value = METRICS["nll"].value(Outcomes.from_probabilities([[1.0, 0.0]], [0]))
    assert (value, np.signbit(value)) == (0, False)
