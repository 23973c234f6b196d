"""Histogram binning (Zadrozny and Elkan 2001), one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import equal_mass, sums_by
from bench.calibration.calibrators.calibration_map import Parameters, weighted
from bench.calibration.calibrators.one_versus_rest import log_distribution
from bench.calibration.outcomes import Outcomes

BINS = 15


@dataclass(frozen=True, slots=True)
class Histogram:
    """For each class the inner edges of its bins, right-closed, and the share of the class in each bin.

    edges: K arrays (b - 1,), increasing; shares: K arrays (b,) in [0, 1]; items: the size of the fit set.
    """

    edges: tuple[FloatArray, ...]
    shares: tuple[FloatArray, ...]
    items: float

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the map's probabilities; the answers may change, and many of them tie."""
        columns = [
            shares[np.searchsorted(edges, scores, side="left")]
            for edges, shares, scores in zip(self.edges, self.shares, outcomes.probabilities.T, strict=True)
        ]
        return outcomes.with_new_answers(log_distribution(np.stack(columns, axis=1), self.items))

    def parameters(self) -> Parameters:
        """Return the edges and the shares of every class."""
        return {"edges": [each.tolist() for each in self.edges], "shares": [each.tolist() for each in self.shares]}


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> Histogram:
    """Return, for each class, the share of its label in 15 bins of equal mass of its probability.

    `weights` (n,) are frequencies. Equal probabilities share a bin, and bins without an item are dropped, so n = 1 or
    equal rows leave one bin: the shares of the labels. A class that is missing has a share of 0 everywhere; the
    mixture with equal chances (`log_distribution`) keeps it above 0.
    """
    used, weights = weighted(outcomes, weights)
    fitted = [
        _fit_class(scores, (used.labels == label).astype(np.float64), weights)
        for label, scores in enumerate(used.probabilities.T)
    ]
    edges, shares = zip(*fitted, strict=True)
    return Histogram(edges, shares, float(weights.sum()))


def _fit_class(scores: FloatArray, hits: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    bins, index = np.unique(equal_mass(scores, BINS, weights), return_inverse=True)
    highest = np.zeros(len(bins))
    np.maximum.at(highest, index, scores)
    shares = sums_by(index, len(bins), weights * hits) / sums_by(index, len(bins), weights)
    return highest[:-1], shares
