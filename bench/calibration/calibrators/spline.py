"""Spline calibration of the confidence (Gupta et al. 2021): it is corrected by the slope of the cumulative error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, log_of, log_softmax
from bench.calibration.binning import sums_by
from bench.calibration.calibrators.calibration_map import Parameters, finite_logs, weighted
from bench.calibration.outcomes import Outcomes

KNOTS = np.linspace(0.0, 1.0, 6)
# So little that it decides only where the data leave the curvature open: few distinct confidences.
_CURVATURE_PENALTY = 1e-9
_ABOVE = 1e-12


@dataclass(frozen=True, slots=True)
class Spline:
    """Recalibrated confidence, linear between the fitted ones and constant outside them.

    confidences: (k,) increasing; recalibrated: (k,); coefficients: (5,), of the spline; items: the size of the fit set.
    """

    confidences: FloatArray
    recalibrated: FloatArray
    coefficients: FloatArray
    items: float

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the recalibrated confidence r; the other classes share 1 - r in proportion.

        The answers stay: r is not lowered beyond the point where the next class, with its share, draws level, which is
        between 1/K and 1/2. r is kept below 1 by as much as mixing certainty with equal chances would, with weight
        1 / (items + 1) on these: n items cannot tell a chance far below 1/n from 0. Each of m tied answers gets r, of
        at most 1/m.
        """
        logs, answers = finite_logs(outcomes.log_probabilities), outcomes.top > 0
        tied = answers.sum(axis=1, keepdims=True)
        # ln of the shares of the others in what the answers leave; unused where all classes are tied.
        shares = log_softmax(np.where(answers & (tied < outcomes.classes), -np.inf, logs))
        r = self._confidence(outcomes, tied, np.exp(shares.max(axis=1, keepdims=True)))
        remaining = log_of(np.maximum(1 - tied * r, 0.0))
        return outcomes.with_log_probabilities(np.where(answers, np.log(r), remaining + shares))

    def parameters(self) -> Parameters:
        """Return the spline: its slope, and the coefficients of its four curved terms."""
        return {"slope": float(self.coefficients[0]), "curvatures": self.coefficients[1:].tolist()}

    def _confidence(self, outcomes: Outcomes, tied: FloatArray, runner_up: FloatArray) -> FloatArray:
        found = np.interp(outcomes.confidence, self.confidences, self.recalibrated)[:, None]
        highest = (1 - (1 - tied / outcomes.classes) / (self.items + 1)) / tied
        # Where all classes are tied, each has 1/K.
        level = runner_up / (1 + tied * runner_up)
        # A little above level, so that rounding does not hand the answer to the runner-up.
        above = np.where(tied < outcomes.classes, level * (1 + _ABOVE), level)
        lowest = np.maximum(above, 1 / outcomes.classes)
        confidence: FloatArray = np.maximum(np.minimum(found, highest), lowest)
        return confidence


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> Spline:
    """Return the spline of the cumulative error over the quantiles of confidence.

    With items in order of confidence c and t the share of items so far, e(t) = sum of (correct - c) so far / n. A
    natural cubic spline with six knots at equal distances is fitted to it by least squares, from e(0) = 0, where the
    authors' code leaves the start free; its slope at an item is what its confidence lacks. Items of equal confidence
    are one point of their joint mass, so their order does not matter; a single confidence becomes the accuracy, also
    for n = 1. `weights` (n,) are frequencies.
    """
    used, weights = weighted(outcomes, weights)
    items = float(weights.sum())
    confidences, index = np.unique(used.confidence, return_inverse=True)
    mass = sums_by(index, len(confidences), weights) / items
    errors = sums_by(index, len(confidences), weights * (used.correct - used.confidence)) / items
    ends = np.cumsum(mass)
    coefficients = _least_squares(_basis(ends), np.cumsum(errors), mass)
    lacking = _slopes(ends - mass / 2) @ coefficients
    return Spline(confidences, confidences + lacking, coefficients, items)


def _least_squares(basis: FloatArray, errors: FloatArray, mass: FloatArray) -> FloatArray:
    root = np.sqrt(mass)
    penalties = np.sqrt(_CURVATURE_PENALTY) * np.eye(basis.shape[1])[1:]
    design = np.vstack([root[:, None] * basis, penalties])
    found: FloatArray = np.linalg.lstsq(design, np.append(root * errors, np.zeros(len(penalties))))[0]
    return found


def _basis(t: FloatArray) -> FloatArray:
    """Return (k, 5) natural cubic splines at `t` in [0, 1] that are 0 at t = 0: t itself, and four curved ones."""
    cubes = np.maximum(t[:, None] - KNOTS[:-1], 0.0) ** 3 / (1 - KNOTS[:-1])
    return np.column_stack([t, cubes[:, :-1] - cubes[:, -1:]])


def _slopes(t: FloatArray) -> FloatArray:
    """Return the (k, 5) slopes of `_basis` at `t`."""
    squares = 3 * np.maximum(t[:, None] - KNOTS[:-1], 0.0) ** 2 / (1 - KNOTS[:-1])
    return np.column_stack([np.ones_like(t), squares[:, :-1] - squares[:, -1:]])
