"""Bins of scores, and the sums over them that every binned error is a function of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class BinSums:
    """Sums over bins, each (..., bins) or (..., K, bins) float64: items, confidence, and correct answers.

    Leading axes are replicates.
    """

    count: FloatArray
    confidence: FloatArray
    correct: FloatArray


@dataclass(frozen=True, slots=True)
class Cells:
    """Entries to be summed, flat arrays of one length: which cell, which item, score, hit and weight of each.

    `shape` is that of the sums: (bins,) or (K, bins); `index` counts through it in C order.
    """

    index: IntArray
    item: IntArray
    score: FloatArray
    hit: FloatArray
    weight: FloatArray
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of cells."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, slots=True)
class Binning:
    """Which scores are binned, and how.

    of: "confidence" bins each item once, by its confidence, against being right; "posterior" does so against the known
    chance of being right, which is what the former estimates, without the luck of the labels; "classes" bins it once
    for every class k, by p_k, against k being the label; "answers" bins its confidence apart for each predicted class
    (m tied answers take 1/m each), against that class being the label.
    scheme: "width" or "mass" (`equal_width`, `equal_mass`).
    threshold: entries with a score below it are left out.
    """

    of: Literal["confidence", "posterior", "classes", "answers"]
    scheme: Literal["width", "mass"]
    bins: int
    threshold: float = 0.0

    @property
    def name(self) -> str:
        """The convention in words, such as "width/15/right-closed/first-includes-0"."""
        own = "first-includes-0" if self.scheme == "width" else "ties-together"
        least = f"/from-{self.threshold:g}" if self.threshold else ""
        return f"{self.scheme}/{self.bins}/right-closed/{own}{least}"

    def cells(self, outcomes: Outcomes, weights: FloatArray | None = None) -> Cells:
        """Return the entries of `outcomes` in the cells of this binning; `weights` (n,) are frequencies."""
        weight = np.ones(len(outcomes)) if weights is None else weights
        if self.of in ("confidence", "posterior"):
            index = self.assign(outcomes.confidence, weight)
            hit = outcomes.correct if self.of == "confidence" else outcomes.posterior_correct
            return Cells(index, np.arange(len(index)), outcomes.confidence, hit, weight, (self.bins,))
        return self._cells_by_class(outcomes, weight)

    def sums(self, outcomes: Outcomes, weights: FloatArray | None = None) -> BinSums:
        """Return the sums over the cells, each of the cells' shape; `weights` (n,) are frequencies."""
        return cell_sums(self.cells(outcomes, weights))

    def assign(self, scores: FloatArray, weights: FloatArray) -> IntArray:
        """Return the (n,) bins of `scores`; `weights` (n,) move the edges of bins of equal mass."""
        return equal_width(scores, self.bins) if self.scheme == "width" else equal_mass(scores, self.bins, weights)

    def _cells_by_class(self, outcomes: Outcomes, weight: FloatArray) -> Cells:
        parts = [self._class_cells(outcomes, weight, k) for k in range(outcomes.classes)]
        index, item, score, share = (np.concatenate(column) for column in zip(*parts, strict=True))
        hit = (outcomes.labels[item] == index // self.bins).astype(np.float64)
        return Cells(index, item, score, hit, share, (outcomes.classes, self.bins))

    def _class_cells(
        self, outcomes: Outcomes, weight: FloatArray, k: int
    ) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        if self.of == "classes":
            rows = np.flatnonzero(outcomes.probabilities[:, k] >= self.threshold)
            score, share = outcomes.probabilities[rows, k], weight[rows]
        else:
            rows = np.flatnonzero(outcomes.top[:, k] > 0)
            score, share = outcomes.confidence[rows], weight[rows] * outcomes.top[rows, k]
        return k * self.bins + self.assign(score, share), rows, score, share


def equal_width(scores: FloatArray, bins: int) -> IntArray:
    """Return the (n,) bins of equal width over [0, 1]: right-closed, (lo, hi], the first one includes 0.

    Edges are the float64 nearest to i / bins, so a score computed as the same quotient is on the edge exactly.
    """
    _check_bins(bins)
    inner = np.arange(1, bins) / bins
    lower, upper = np.append(-np.inf, inner), np.append(inner, np.inf)
    # Rounding in the product may miss by one bin; comparing with the edges puts that right, faster than a search.
    index = np.clip(np.ceil(scores * bins) - 1, 0, bins - 1).astype(np.intp)
    index -= scores <= lower[index]
    index += scores > upper[index]
    found: IntArray = index
    return found


def equal_mass(scores: FloatArray, bins: int, weights: FloatArray | None = None) -> IntArray:
    """Return the (n,) bins of equal mass: right-closed at the k/bins quantiles of the sample itself.

    Equal scores share a bin, so with ties some bins hold more and others nothing. `weights` are frequencies: weight k
    is k copies; with no mass at all everything is in the first bin.
    """
    _check_bins(bins)
    order = np.argsort(scores, kind="stable")
    mass = np.arange(1, len(order) + 1) if weights is None else np.cumsum(weights[order])
    if not len(mass) or mass[-1] <= 0:
        return np.zeros(len(scores), np.intp)
    # The least order statistic below which at least k/bins of the mass lies.
    targets = np.arange(1, bins) * mass[-1] / bins
    edges = scores[order][np.searchsorted(mass, targets, side="left")]
    return np.searchsorted(edges, scores, side="left")


def bin_sums(
    index: IntArray, bins: int, confidence: FloatArray, correct: FloatArray, weights: FloatArray | None = None
) -> BinSums:
    """Return the (bins,) sums of items, confidence and correct answers in the bins of `index`."""
    weight = np.ones_like(confidence) if weights is None else weights
    return cell_sums(Cells(index, np.arange(len(index)), confidence, correct, weight, (bins,)))


def cell_sums(cells: Cells) -> BinSums:
    """Return the sums over the cells, each of `cells.shape`."""
    columns = (cells.weight, cells.weight * cells.score, cells.weight * cells.hit)
    return BinSums(*(sums_by(cells.index, cells.size, column).reshape(cells.shape) for column in columns))


def added(first: BinSums, second: BinSums) -> BinSums:
    """Return the sums over the items of both."""
    return BinSums(first.count + second.count, first.confidence + second.confidence, first.correct + second.correct)


def sums_by(index: IntArray, size: int, values: FloatArray) -> FloatArray:
    """Return the (size,) sums of `values` that share an index from 0 to `size` - 1."""
    return np.bincount(index, values, size).astype(np.float64)


def _check_bins(bins: int) -> None:
    if bins < 1:
        raise BadInput(f"Got bins={bins}, but a histogram needs at least 1.")
