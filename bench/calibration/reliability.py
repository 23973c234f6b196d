"""Reliability diagrams: accuracy in bins of confidence, beside what it would be of a calibrated model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.binning import bin_sums, equal_width, sums_by
from bench.calibration.null_draws import drawn_correct
from bench.calibration.outcomes import Outcomes
from bench.stream import philox

_LEVELS = (0.05, 0.95)
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold an item, (m,) float64 each, ascending in confidence.

    share: of all items; confidence, accuracy: means in the bin; low, high: between these nine in ten accuracies of a
    calibrated model with the same confidences would lie (consistency bars).
    """

    share: FloatArray
    confidence: FloatArray
    accuracy: FloatArray
    low: FloatArray
    high: FloatArray


def reliability(outcomes: Outcomes, bins: int = 15, draws: int = 1000, seed: int = 0) -> Reliability:
    """Return the diagram of `outcomes` in bins of equal width, with consistency bars (Broecker and Smith 2007).

    The bars come from `draws` draws of correct ~ Bernoulli(confidence) for every item, in the bins as they are.
    """
    # In order of size, no order of items can change the draws.
    ordered = outcomes.take(np.argsort(outcomes.confidence, kind="stable"))
    index = equal_width(ordered.confidence, bins)
    sums = bin_sums(index, bins, ordered.confidence, ordered.correct)
    filled = sums.count > 0
    count = sums.count[filled]
    stream = philox("reliability", seed)
    drawn = [_drawn(ordered, index, bins, stream, min(_CHUNK, draws - at)) for at in range(0, draws, _CHUNK)]
    low, high = np.quantile(np.concatenate(drawn)[:, filled] / count, _LEVELS, axis=0)
    return Reliability(
        count / count.sum(), sums.confidence[filled] / count, sums.correct[filled] / count, low, high
    )  # fmt: skip


def _drawn(outcomes: Outcomes, index: IntArray, bins: int, stream: np.random.Philox, draws: int) -> FloatArray:
    """Return the (draws, bins) right answers of a calibrated model."""
    hits = drawn_correct(outcomes.confidence, stream, draws)
    cell: IntArray = index + bins * np.arange(draws)[:, None]
    return sums_by(cell.reshape(-1), draws * bins, hits.reshape(-1)).reshape(draws, bins)
