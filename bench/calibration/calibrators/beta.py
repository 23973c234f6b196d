"""Beta calibration (Kull, Silva Filho and Flach 2017), one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray, log_softmax
from bench.calibration.calibrators.calibration_map import Parameters, floored_logs, weighted
from bench.calibration.calibrators.softmax_regression import SoftmaxRegression
from bench.calibration.outcomes import Outcomes

# Holds a, b and c near 1, 1 and 0, the identity map, so that separable data leave them finite: a normal prior with a
# standard deviation of 10. Against n items its say is of the order of 1/n.
RIDGE = 0.01
_IDENTITY = np.array([1.0, 1.0, 0.0])


@dataclass(frozen=True, slots=True)
class Beta:
    """For each class the log odds a ln s - b ln(1 - s) + c of its probability s.

    coefficients: (K, 3): a, b and c of each class, with a >= 0 and b >= 0.
    """

    coefficients: FloatArray

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the map's probabilities; the answers may change."""
        log_odds = np.einsum("kd,dnk->nk", self.coefficients, _features(outcomes))
        return outcomes.with_new_answers(log_softmax(-np.logaddexp(0.0, -log_odds)))

    def parameters(self) -> Parameters:
        """Return a, b and c of every class."""
        return {"coefficients": self.coefficients.tolist()}


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> Beta:
    """Return, for each class, the a, b >= 0 and c with the least NLL of being that class, and the ridge.

    `weights` (n,) are frequencies. The problem is convex; its minimum has a = 0 or b = 0 only where the data demand a
    map that does not rise, as anti-correlated data do. Separable data give large finite values, a class that is missing
    a large negative c. Chances are computed as logarithms, so none is 0.
    """
    used, weights = weighted(outcomes, weights)
    features = _features(used)
    rows = [
        _fit_class(features[:, :, label], (used.labels == label).astype(np.intp), weights)
        for label in range(used.classes)
    ]
    return Beta(np.stack(rows))


def _fit_class(features: FloatArray, hits: IntArray, weights: FloatArray) -> FloatArray:
    """Return a, b and c for `features` (3, n) and `hits` (n,), 1 for items of the class."""
    full = _problem(features, hits, weights, held=[])
    entries = full.minimum()
    if (entries[1, :2] < 0).any():
        # Then the constrained minimum lies on an edge or in the corner, where a, b or both are 0.
        edges = [_problem(features, hits, weights, held).minimum() for held in ([0], [1], [0, 1])]
        entries = min((each for each in edges if (each[1, :2] >= 0).all()), key=full.value)
    coefficients: FloatArray = entries[1]
    return coefficients


def _problem(features: FloatArray, hits: IntArray, weights: FloatArray, held: list[int]) -> SoftmaxRegression:
    """Return logistic regression as a softmax of two classes, the first with logit 0; `held` entries are 0."""
    prior = np.stack([np.zeros(3), _IDENTITY])
    penalty = np.stack([np.full(3, np.inf), np.full(3, RIDGE)])
    prior[1, held], penalty[1, held] = 0.0, np.inf
    return SoftmaxRegression(features, hits, weights, prior, penalty)


def _features(outcomes: Outcomes) -> FloatArray:
    """Return ln s, -ln(1 - s) and 1 for every probability s: (3, n, K)."""
    logs = floored_logs(outcomes.log_probabilities)
    return np.stack([logs, -_log_complements(logs), np.ones_like(logs)])


def _log_complements(logs: FloatArray) -> FloatArray:
    """Return ln(1 - s) for `logs` (n, K) = ln s, exact also where s is 1 in float64: from the other classes' sum."""
    probabilities = np.exp(logs)
    complements: FloatArray = np.log1p(-np.minimum(probabilities, 0.5))
    rows, columns = np.nonzero(probabilities > 0.5)
    others = logs[rows]
    others[np.arange(len(rows)), columns] = -np.inf
    complements[rows, columns] = np.logaddexp.reduce(others, axis=1)
    return complements
