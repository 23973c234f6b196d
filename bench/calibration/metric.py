"""What a metric is: how it is computed from outcomes, and what is known of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import Binning, BinSums
from bench.calibration.outcomes import Outcomes
from bench.calibration.validation import check_weights

Property: TypeAlias = Literal["order", "classes", "weights", "duplication", "streaming"]

# order: the order of items is irrelevant; classes: they may be renamed; weights: frequency weights are taken, and
# weight k is k copies; duplication: every item twice changes nothing; streaming: sums over batches, merged, suffice.
ALL: frozenset[Property] = frozenset({"order", "classes", "weights", "duplication", "streaming"})
UNSTREAMED: frozenset[Property] = ALL - {"streaming"}
# Up to here errors are computed class by class. Candidates for retrieval are more, and no classes to speak of.
MOST_CLASSES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """What is known of a metric.

    `better` is "zero" for signed quantities and "" where neither direction is better; values lie in [low, high];
    `needs` is the least it is computed from; `holds` lists which general properties are true of it (a test proves each,
    and a counter-example each that is missing); `defined` is a condition under which it is surely a number: outside, it
    may be nan; `interval` names the bootstrap interval that fits its bias (bench.statistics.intervals): "basic" for a
    plug-in error, which has a floor, "centred" for a debiased one; `contrast`: differences of it may be interpreted;
    with more than `most_items` or `most_classes` it is left out, since it would take minutes.
    """

    name: str
    title: str
    symbol: str
    better: Literal["higher", "lower", "zero", ""]
    low: float
    high: float
    version: int = 1
    needs: Literal["confidence", "probabilities", "posterior"] = "confidence"
    holds: frozenset[Property] = ALL
    defined: Callable[[Outcomes], bool] = lambda outcomes: True
    interval: Literal["percentile", "basic", "centred"] = "percentile"
    contrast: bool = True
    most_items: float = math.inf
    most_classes: float = math.inf

    def defined_for(self, outcomes: Outcomes) -> bool:
        """Tell whether `outcomes` carry what the metric needs, and are not too many for it."""
        few = len(outcomes) <= self.most_items and outcomes.classes <= self.most_classes
        return few and (self.needs != "posterior" or outcomes.posterior is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanMetric(MetricInfo):
    """A metric that is the mean of one value an item."""

    items: Callable[[Outcomes], FloatArray]

    def value(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the metric; `weights` (n,) are frequencies, else BadInput."""
        _check(weights, outcomes)
        return self.total(outcomes, weights) / (len(outcomes) if weights is None else float(weights.sum()))

    def total(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the sum over the items; an item without weight adds nothing, be it infinite."""
        values = self.items(outcomes)
        if weights is None:
            return float(values.sum())
        return float(values[weights > 0] @ weights[weights > 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedMetric(MetricInfo):
    """A metric that is a function of sums over bins; metrics with an equal binning share the sums."""

    binning: Binning
    formula: Callable[[BinSums], FloatArray]

    def value(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the metric, nan where it is undefined; `weights` (n,) are frequencies, else BadInput."""
        _check(weights, outcomes)
        return float(self.formula(self.binning.sums(outcomes, weights)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMetric(MetricInfo):
    """A metric that needs the whole sample at once.

    `redrawn` is there for a binned error, whose floor is wanted: its (B,) values for confidences (n,) in ascending
    order and drawn correctness (B, n).
    """

    function: Callable[[Outcomes, FloatArray | None], float]
    redrawn: Callable[[FloatArray, FloatArray], FloatArray] | None = None
    holds: frozenset[Property] = UNSTREAMED

    def value(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the metric, nan where it is undefined; `weights` (n,) are frequencies, where it takes them."""
        _check(weights, outcomes)
        return self.function(outcomes, weights)


def _check(weights: FloatArray | None, outcomes: Outcomes) -> None:
    if weights is not None:
        check_weights(weights, len(outcomes))


Metric: TypeAlias = MeanMetric | BinnedMetric | SampleMetric
