"""ECE_sweep: as many bins of equal mass as leave the accuracy rising from bin to bin (Roelofs et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.metric import SampleMetric
from bench.calibration.validation import scored_arrays


def sweep_error(confidence: Any, correct: Any, weights: Any = None) -> float:
    """Return the plug-in error over the largest number of equal-mass bins below the first that breaks monotonicity.

    Roelofs et al. 2022, with norm 1: from two bins upward, until the accuracy of a bin is below that of the bin before
    it; then the ECE of the number before. Bins are those of `binning.equal_mass` (ties together, empty bins skipped).
    Arrays are (n,); `weights` are frequencies. Copies change nothing: n bins of equal mass part all levels already, and
    equal confidences are never parted, unlike in the authors' code.
    """
    sure, right, weight = scored_arrays(confidence, correct, weights)
    order = np.argsort(sure, kind="stable")
    levels = _levels(sure[order], weight[order])
    return float(_sweep(levels, _at_levels(levels, (weight * right)[order][None, :]))[0])


def sweep_errors(confidence: FloatArray, hits: FloatArray) -> FloatArray:
    """Return the (B,) errors of `hits` (B, n) at the same `confidence` (n,), which ascends."""
    levels = _levels(confidence, np.ones_like(confidence))
    return _sweep(levels, _at_levels(levels, hits))


@dataclass(frozen=True, slots=True)
class _Levels:
    """Distinct confidences: where each ends, and the mass and confidence up to and including it, (m,)."""

    ends: IntArray
    mass: FloatArray
    confidence: FloatArray


def _levels(confidence: FloatArray, weight: FloatArray) -> _Levels:
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))
    return _Levels(ends, np.cumsum(weight)[ends], np.cumsum(weight * confidence)[ends])


def _at_levels(levels: _Levels, hits: FloatArray) -> FloatArray:
    cumulated: FloatArray = np.cumsum(hits, axis=1)[:, levels.ends]
    return cumulated


def _sweep(levels: _Levels, hits: FloatArray) -> FloatArray:
    every = np.arange(len(levels.mass))
    errors = _error(levels, hits[:, -1:], every[-1:])
    # Where the accuracy rises from level to level it rises for any bins: only the finest are left to be looked at.
    rising = _rises(levels, hits, every)
    finest = _edges(levels, int(levels.mass[-1]))
    errors[rising] = _error(levels, hits[np.ix_(rising, finest)], finest)
    active = np.flatnonzero(~rising)
    for bins in range(2, int(levels.mass[-1]) + 1):
        edges = _edges(levels, bins)
        active = active[_rises(levels, hits[np.ix_(active, edges)], edges)]
        if not len(active):
            break
        errors[active] = _error(levels, hits[np.ix_(active, edges)], edges)
    return errors


def _edges(levels: _Levels, bins: int) -> IntArray:
    """Return the last level of every filled bin."""
    targets = np.arange(1, bins) * levels.mass[-1] / bins
    found = np.append(np.searchsorted(levels.mass, targets, side="left"), len(levels.mass) - 1)
    return np.unique(found)


def _rises(levels: _Levels, hits: FloatArray, edges: IntArray) -> npt.NDArray[np.bool_]:
    mass = np.diff(levels.mass[edges], prepend=0)
    filled = mass > 0
    accuracy = np.diff(hits, axis=1, prepend=0)[:, filled] / mass[filled]
    # A tolerance for sums of fractions, which ties in the answers give.
    return np.asarray((np.diff(accuracy, axis=1) >= -1e-12).all(axis=1))


def _error(levels: _Levels, hits: FloatArray, edges: IntArray) -> FloatArray:
    confidence = np.diff(levels.confidence[edges], prepend=0)
    errors: FloatArray = np.abs(confidence - np.diff(hits, axis=1, prepend=0)).sum(axis=1) / levels.mass[-1]
    return errors


SWEEP = SampleMetric(
    name="ece_sweep",
    title="Calibration error with a monotone sweep of equal-mass bins",
    symbol="ECEsw",
    better="lower",
    low=0.0,
    high=1.0,
    interval="basic",
    contrast=False,
    function=lambda outcomes, weights: sweep_error(outcomes.confidence, outcomes.correct, weights),
    redrawn=sweep_errors,
)
