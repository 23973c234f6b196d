"""What every calibrator is: a fit that takes outcomes and gives a map from outcomes to outcomes."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.outcomes import Outcomes
from bench.calibration.validation import check_weights

Parameters: TypeAlias = dict[str, float | list[Any]]

# A probability of 0 in float64 is one below 2^-1075, which is the largest number that is rounded to 0.
LEAST_LOG = -1075 * float(np.log(2))


class CalibrationMap(Protocol):
    """A fitted map; a frozen dataclass."""

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` (n items, as many classes as were fitted) with the map's probabilities."""

    def parameters(self) -> Parameters:
        """Return what was fitted, as JSON values."""


class Fit(Protocol):
    """How a calibrator is fitted."""

    def __call__(self, outcomes: Outcomes, weights: FloatArray | None = None) -> CalibrationMap:
        """Return the map for `outcomes`; `weights` (n,) are frequencies: weight k is k copies, 0 leaves an item out."""


def weighted(outcomes: Outcomes, weights: FloatArray | None) -> tuple[Outcomes, FloatArray]:
    """Return the items with a weight above 0, and these weights; 1 for every item where `weights` is None.

    Raises BadInput for weights that are not one finite number >= 0 an item, or that are all 0.
    """
    if weights is None:
        return outcomes, np.ones(len(outcomes))
    check_weights(weights, len(outcomes))
    rows = np.flatnonzero(weights)
    return (outcomes, weights) if len(rows) == len(outcomes) else (outcomes.take(rows), weights[rows])


def finite_logs(log_probabilities: FloatArray) -> FloatArray:
    """Return `log_probabilities` with -745.13 for -inf: a probability of exactly 0 is taken as one too small to store.

    Without it no map of finite parameters could repair a label that was given 0.
    """
    finite: FloatArray = np.where(np.isneginf(log_probabilities), LEAST_LOG, log_probabilities)
    return finite


def floored_logs(log_probabilities: FloatArray) -> FloatArray:
    """Return `log_probabilities`, none below -745.13: what is smaller than float64 can store all counts as equal.

    For maps that regress on logarithms: gaps beyond that say nothing, and would ruin the condition of the problem.
    """
    floored: FloatArray = np.maximum(log_probabilities, LEAST_LOG)
    return floored
