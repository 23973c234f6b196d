"""Calibration against F1 as a degree of being right, beside the two views that cut it into right and wrong."""

from __future__ import annotations

from bench.calibration.arrays import as_floats
from bench.calibration.binned import BINS, expected_calibration_error
from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions


def soft_f1(predictions: Predictions) -> dict[str, float]:
    """Return mean confidence, mean f1, their gap, and ece15 over bins of equal width with the F1 for correctness.

    Exact match counts a case suffix or a clitic too many as wrong, so that over-confidence in languages rich in them is
    partly scoring. An F1 is no chance of being right either: what both say of a language is what is to be believed.
    predictions: of kind "span". Raises BadInput for unusable ones.
    """
    confidence = Outcomes.from_predictions(predictions, "em").confidence
    credit = as_floats(predictions.columns["f1"])[:, 0]
    return {
        "confidence": float(confidence.mean()),
        "f1": float(credit.mean()),
        "gap": float(confidence.mean() - credit.mean()),
        f"ece{BINS}": expected_calibration_error(confidence, credit),
    }
