"""What a binned error is under perfect calibration, with these confidences and this n (Broecker and Smith 2007)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import bin_sums
from bench.calibration.metrics import BinnedMetric
from bench.calibration.outcomes import Outcomes
from bench.stream import UNIT_BITS, philox, unit_integers

# Draws held at once: enough for long matrix products, few enough for 5,010 items to fit in a cache.
_CHUNK = 50
# Sums of the same numbers in another order differ by less; errors that differ at all differ by 1/n times a confidence.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Consistency:
    """floor: mean error under perfect calibration; p: (1 + draws at least as large as observed) / (draws + 1).

    Both are nan where the error is undefined.
    """

    floor: float
    p: float


def consistency(
    outcomes: Outcomes, metrics: Sequence[BinnedMetric], draws: int = 999, seed: int = 0
) -> dict[str, Consistency]:
    """Return floor and p of each of `metrics`, by drawing correct ~ Bernoulli(confidence) for every item.

    Items are drawn independently of each other. Tied answers vary less than such draws, so with ties p is conservative.
    """
    # The null depends only on which confidences there are: in order of size, no order of items can change the draws.
    confidence = np.sort(outcomes.confidence)
    null = _null_values(metrics, confidence, draws, seed)
    return {metric.name: _compare(metric.value(outcomes), null[metric.name]) for metric in metrics}


def _null_values(
    metrics: Sequence[BinnedMetric], confidence: FloatArray, draws: int, seed: int
) -> dict[str, FloatArray]:
    indices = {metric.name: metric.assign(confidence, metric.bins, None) for metric in metrics}
    indicators = {metric.name: np.eye(metric.bins)[indices[metric.name]] for metric in metrics}
    correct: dict[str, list[FloatArray]] = {metric.name: [] for metric in metrics}
    for hits in _null_draws(confidence, draws, seed):
        for name, indicator in indicators.items():
            correct[name].append(hits @ indicator)
    values = {}
    for metric in metrics:
        sums = bin_sums(indices[metric.name], metric.bins, confidence, np.zeros_like(confidence))
        values[metric.name] = metric.formula(replace(sums, correct=np.concatenate(correct[metric.name])))
    return values


def _null_draws(confidence: FloatArray, draws: int, seed: int) -> Iterator[FloatArray]:
    stream = philox("consistency", seed)
    thresholds = (confidence * 2.0**UNIT_BITS).astype(np.uint64)
    for start in range(0, draws, _CHUNK):
        shape = (min(_CHUNK, draws - start), len(confidence))
        yield (unit_integers(stream, shape) < thresholds).astype(np.float64)


def _compare(observed: float, null: FloatArray) -> Consistency:
    if not np.isfinite(observed):
        return Consistency(float("nan"), float("nan"))
    exceeding = int((null >= observed - _ROUNDING).sum())
    return Consistency(floor=float(null.mean()), p=(1 + exceeding) / (len(null) + 1))
