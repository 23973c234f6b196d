"""Answers as a perfectly calibrated model would have them: drawn from the predictions themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray
from bench.stream import UNIT_BITS, unit_integers


def drawn_correct(confidence: FloatArray, stream: np.random.Philox, draws: int) -> FloatArray:
    """Return (draws, n): 1 with probability `confidence` (n,), else 0."""
    return (unit_integers(stream, (draws, len(confidence))) < _thresholds(confidence)).astype(np.float64)


def drawn_labels(probabilities: FloatArray, stream: np.random.Philox, draws: int) -> IntArray:
    """Return (draws, n) labels from the rows of `probabilities` (n, K): as many as partial sums lie at or below."""
    uniform = unit_integers(stream, (draws, len(probabilities)))
    labels = np.zeros(uniform.shape, np.intp)
    for column in _thresholds(np.cumsum(probabilities, axis=1)[:, :-1]).T:
        labels += uniform >= column
    return labels


def _thresholds(probabilities: FloatArray) -> npt.NDArray[np.uint64]:
    return (probabilities * 2.0**UNIT_BITS).astype(np.uint64)
