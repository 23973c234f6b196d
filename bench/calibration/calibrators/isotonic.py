"""Isotonic regression (Zadrozny and Elkan 2002), one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.calibration.calibrators.calibration_map import Parameters, weighted
from bench.calibration.calibrators.one_versus_rest import log_distribution
from bench.calibration.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Isotonic:
    """For each class a rising function of its probability, linear between knots and constant outside them.

    scores, chances: K arrays (k,), the knots; items: the size of the fit set.
    """

    scores: tuple[FloatArray, ...]
    chances: tuple[FloatArray, ...]
    items: float

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the map's probabilities; the answers may change, and many of them tie."""
        columns = [
            np.interp(given, scores, chances)
            for scores, chances, given in zip(self.scores, self.chances, outcomes.probabilities.T, strict=True)
        ]
        return outcomes.with_new_answers(log_distribution(np.stack(columns, axis=1), self.items))

    def parameters(self) -> Parameters:
        """Return the knots of every class."""
        return {"scores": [each.tolist() for each in self.scores], "chances": [each.tolist() for each in self.chances]}


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> Isotonic:
    """Return, for each class, the isotonic regression of its label on its probability.

    `weights` (n,) are frequencies. Equal probabilities get one chance, the mean of their labels. Anti-correlated data
    and n = 1 give constants, the shares of the labels; separable data a step from 0 to 1, linear between the nearest
    probabilities; a class that is missing 0 everywhere. The mixture with equal chances (`log_distribution`) keeps all
    above 0.
    """
    used, weights = weighted(outcomes, weights)
    fitted = [_fit_class(scores, used.labels == label, weights) for label, scores in enumerate(used.probabilities.T)]
    scores, chances = zip(*fitted, strict=True)
    return Isotonic(scores, chances, float(weights.sum()))


def _fit_class(scores: FloatArray, hits: npt.NDArray[np.bool_], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    # Half of a start's time, where nothing is fitted.
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression().fit(scores, hits, sample_weight=weights)
    return fitted.X_thresholds_, fitted.y_thresholds_
