"""Bins of confidence, and the sums over them that every binned error is a function of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class BinSums:
    """Sums over bins, each (..., bins) float64: items, confidence, and correct answers; leading axes are replicates."""

    count: FloatArray
    confidence: FloatArray
    correct: FloatArray


def equal_width(confidence: FloatArray, bins: int) -> IntArray:
    """Return the (n,) bins of equal width over [0, 1]: right-closed, (lo, hi], the first one includes 0.

    Edges are the float64 nearest to i / bins, so a confidence computed as the same quotient is on the edge exactly.
    """
    _check_bins(bins)
    return np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")


def equal_mass(confidence: FloatArray, bins: int, weights: FloatArray | None = None) -> IntArray:
    """Return the (n,) bins of equal mass: right-closed at the k/bins quantiles of the sample itself.

    Equal confidences share a bin, so with ties some bins hold more and others nothing. `weights` are frequencies:
    weight k is k copies.
    """
    _check_bins(bins)
    order = np.argsort(confidence, kind="stable")
    mass = np.arange(1, len(order) + 1) if weights is None else np.cumsum(weights[order])
    # The least order statistic below which at least k/bins of the mass lies.
    targets = np.arange(1, bins) * mass[-1] / bins
    edges = confidence[order][np.searchsorted(mass, targets, side="left")]
    return np.searchsorted(edges, confidence, side="left")


def bin_sums(
    index: IntArray, bins: int, confidence: FloatArray, correct: FloatArray, weights: FloatArray | None = None
) -> BinSums:
    """Return the (bins,) sums of items, confidence and correct answers in the bins of `index`."""
    weight = np.ones_like(confidence) if weights is None else weights
    return BinSums(
        count=sums_by(index, bins, weight),
        confidence=sums_by(index, bins, weight * confidence),
        correct=sums_by(index, bins, weight * correct),
    )


def sums_by(index: IntArray, size: int, values: FloatArray) -> FloatArray:
    """Return the (size,) sums of `values` that share an index from 0 to `size` - 1."""
    return np.bincount(index, values, size).astype(np.float64)


def _check_bins(bins: int) -> None:
    if bins < 1:
        raise BadInput(f"Got bins={bins}, but a histogram needs at least 1.")
