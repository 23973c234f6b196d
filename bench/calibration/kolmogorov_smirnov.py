"""The KS calibration error (Gupta et al. 2021): the largest gap between cumulative confidence and correctness."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.calibration.binning import sums_by
from bench.calibration.metric import SampleMetric
from bench.calibration.validation import scored_arrays


def ks_error(confidence: Any, correct: Any, weights: Any = None) -> float:
    """Return max over thresholds t of |sum of (c_i - a_i) over c_i <= t| / n, in [0, 1]; arrays are (n,).

    Gupta et al. 2021, "Calibration of neural networks using splines": no bins. Equal confidences enter together, so
    that their order is irrelevant. Never below |mean confidence - accuracy|. Under perfect calibration the mean is
    about sqrt(pi / 2 mean of c (1 - c) / n), as for the largest distance of a Brownian motion from 0.

    Takes numpy, lists or torch tensors; `weights` are frequencies: weight k is k copies.
    """
    sure, right, weight = scored_arrays(confidence, correct, weights)
    distinct, index = np.unique(sure, return_inverse=True)
    gaps = sums_by(index, len(distinct), weight * (sure - right))
    return float(np.abs(np.cumsum(gaps)).max() / weight.sum())


KS = SampleMetric(
    name="ks",
    title="Kolmogorov-Smirnov calibration error",
    symbol="KS",
    better="lower",
    low=0.0,
    high=1.0,
    interval="basic",
    contrast=False,
    function=lambda outcomes, weights: ks_error(outcomes.confidence, outcomes.correct, weights),
)
