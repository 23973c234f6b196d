"""A small model answers where it is sure enough, and a large one is asked about the rest: accuracy against cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import sums_by
from bench.calibration.matching import matched
from bench.calibration.metric import UNSTREAMED, MetricInfo
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput

# Accuracies are sums of fractions, by ties in the answers or by weights, in more than one order.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CascadeCurve:
    """One point for every threshold, ascending, each array (m,) float64.

    thresholds: the distinct confidences of the small model, then inf; it answers where its confidence is at least the
    threshold, so the first point asks the large model nothing and the last everything. escalated: the share of items
    the large model is asked about; accuracy: of the two together; cost: the mean of an item, in the unit of the costs.
    """

    thresholds: FloatArray
    escalated: FloatArray
    accuracy: FloatArray
    cost: FloatArray

    @property
    def area(self) -> float:
        """The mean accuracy over the share escalated from 0 to 1, by the trapezoid; in [0, 1].

        Between two points some of the items with equal confidence are escalated, and the line is the mean over which.
        """
        return min(1.0, float(np.trapezoid(self.accuracy, self.escalated)))

    @property
    def share_to_match(self) -> float:
        """The least share escalated, of those on the curve, at which the accuracy is that of the large model."""
        reached = self.accuracy >= self.accuracy[-1] - _ROUNDING
        return float(self.escalated[reached.argmax()])


def cascade_curve(
    small: Outcomes, large: Outcomes, small_cost: float, large_cost: float, weights: FloatArray | None = None
) -> CascadeCurve:
    """Return accuracy and cost of the cascade from `small` to `large` at every threshold (Lu et al. 2024, C3).

    The small model runs on every item, at `small_cost` each, and the large one, at `large_cost` each, on what is
    escalated; both in one unit, such as seconds or floating point operations an item. Items are matched by id;
    `weights` (n,) are frequencies in the order of `small`. Raises BadInput for costs below 0 or not finite, and unless
    both models predicted the same items with the same labels.
    """
    _check_cost("small_cost", small_cost)
    _check_cost("large_cost", large_cost)
    asked = matched(small, large)
    weight = np.ones(len(small)) if weights is None else weights
    levels, index = np.unique(small.confidence, return_inverse=True)
    mass = _before_each(sums_by(index, len(levels), weight))
    gain = _before_each(sums_by(index, len(levels), weight * (asked.correct - small.correct)))
    escalated = mass / mass[-1]
    return CascadeCurve(
        thresholds=np.append(levels, math.inf),
        escalated=escalated,
        accuracy=(weight @ small.correct + gain) / mass[-1],
        cost=small_cost + large_cost * escalated,
    )


def _before_each(sums: FloatArray) -> FloatArray:
    """Return the (m + 1,) sums over everything before each of m levels, and over everything."""
    cumulated: FloatArray = np.cumsum(np.append(0.0, sums))
    return cumulated


def _check_cost(name: str, cost: float) -> None:
    if not (math.isfinite(cost) and cost >= 0):
        raise BadInput(f"Got {name}={cost}, but a cost is a finite number of at least 0.")


CASCADE = MetricInfo(
    name="cascade",
    title="Mean accuracy of a cascade over the share escalated to the larger model",
    symbol="CA",
    better="higher",
    low=0.0,
    high=1.0,
    holds=UNSTREAMED,
)
