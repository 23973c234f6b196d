"""The metrics, and what is known of each: a registry that scores, tests and documents are all made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.binning import BinSums, bin_sums, equal_mass, equal_width
from bench.calibration.outcomes import Outcomes, item_brier, item_nll

BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """What is known of a metric.

    `better` is "zero" for signed quantities and "" where neither direction is better; values lie in [low, high];
    `interval` names the bootstrap interval that fits its bias (see bench.statistics.bootstrap): "basic" for a plug-in
    error, which has a floor, "centred" for a debiased one; `contrast`: differences of it may be interpreted;
    `scale_free`: giving every item the weight 2 changes nothing.
    Of every metric holds: the order of items is irrelevant, classes may be renamed, an integer weight k is k copies.
    """

    name: str
    title: str
    symbol: str
    better: Literal["higher", "lower", "zero", ""]
    low: float
    high: float
    version: int = 1
    needs: Literal["", "posterior"] = ""
    interval: Literal["percentile", "basic", "centred"] = "percentile"
    contrast: bool = True
    scale_free: bool = True

    def defined_for(self, outcomes: Outcomes) -> bool:
        """Tell whether `outcomes` carry what the metric needs."""
        return self.needs != "posterior" or outcomes.posterior is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanMetric(MetricInfo):
    """A metric that is the mean of one value an item."""

    items: Callable[[Outcomes], FloatArray]

    def value(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the metric; `weights` (n,) are frequencies."""
        return float(np.average(self.items(outcomes), weights=weights))


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedMetric(MetricInfo):
    """A metric that is a function of sums over bins of confidence."""

    bins: int
    assign: Callable[[FloatArray, int, FloatArray | None], IntArray]
    formula: Callable[[BinSums], FloatArray]

    def index(self, outcomes: Outcomes, weights: FloatArray | None = None) -> IntArray:
        """Return the (n,) bins of the items."""
        return self.assign(outcomes.confidence, self.bins, weights)

    def value(self, outcomes: Outcomes, weights: FloatArray | None = None) -> float:
        """Return the metric, nan where it is undefined; `weights` (n,) are frequencies."""
        index = self.index(outcomes, weights)
        return float(self.formula(bin_sums(index, self.bins, outcomes.confidence, outcomes.correct, weights)))


Metric: TypeAlias = MeanMetric | BinnedMetric


def ece(sums: BinSums) -> FloatArray:
    """Return the plug-in expected calibration error, sum over bins of n_b/n |accuracy - confidence|, in [0, 1].

    Naeini et al. 2015, Guo et al. 2017. Biased upwards: read it beside its floor (bench.calibration.consistency).
    """
    error: FloatArray = np.abs(sums.confidence - sums.correct).sum(axis=-1) / sums.count.sum(axis=-1)
    return error


def squared_debiased_l2(sums: BinSums) -> FloatArray:
    """Return sum over bins of n_b/n [(accuracy - confidence)^2 - accuracy (1 - accuracy) / (n_b - 1)], unclipped.

    Kumar, Liang and Ma 2019 (Broecker 2012; Ferro and Fricker 2012): 0 on average under perfect calibration of
    independent items, so it may be negative. Bins with fewer than 2 items add 0; nan when there is no other bin.
    """
    usable = sums.count >= 2
    count = np.where(usable, sums.count, 2.0)
    accuracy = sums.correct / count
    bias = accuracy * (1 - accuracy) / (count - 1)
    terms = np.where(usable, count * ((sums.confidence / count - accuracy) ** 2 - bias), 0.0)
    error: FloatArray = np.where(usable.any(axis=-1), terms.sum(axis=-1) / sums.count.sum(axis=-1), np.nan)
    return error


def _width_bins(confidence: FloatArray, bins: int, weights: FloatArray | None) -> IntArray:
    return equal_width(confidence, bins)


def expected_calibration_error(
    confidence: FloatArray, correct: FloatArray, bins: int = BINS, weights: FloatArray | None = None
) -> float:
    """Return the plug-in calibration error over `bins` right-closed bins of equal width; arrays are (n,)."""
    return float(ece(bin_sums(equal_width(confidence, bins), bins, confidence, correct, weights)))


def squared_calibration_error(
    confidence: FloatArray, correct: FloatArray, bins: int = BINS, weights: FloatArray | None = None
) -> float:
    """Return the squared debiased L2 calibration error over `bins` bins of equal mass; arrays are (n,)."""
    index = equal_mass(confidence, bins, weights)
    return float(squared_debiased_l2(bin_sums(index, bins, confidence, correct, weights)))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        MeanMetric(
            name="accuracy",
            title="Accuracy",
            symbol="acc",
            better="higher",
            low=0.0,
            high=1.0,
            items=lambda outcomes: outcomes.correct,
        ),
        MeanMetric(
            name="confidence",
            title="Mean confidence",
            symbol="conf",
            better="",
            low=0.0,
            high=1.0,
            items=lambda outcomes: outcomes.confidence,
        ),
        MeanMetric(
            name="gap",
            title="Signed gap (mean confidence - accuracy)",
            symbol="g",
            better="zero",
            low=-1.0,
            high=1.0,
            items=lambda outcomes: outcomes.confidence - outcomes.correct,
        ),
        BinnedMetric(
            name="ece15",
            title="Expected calibration error (width/15/right-closed/first-includes-0)",
            symbol="ECE",
            better="lower",
            low=0.0,
            high=1.0,
            interval="basic",
            contrast=False,
            bins=BINS,
            assign=_width_bins,
            formula=ece,
        ),
        BinnedMetric(
            name="l2sq15",
            title="Squared debiased L2 calibration error (mass/15)",
            symbol="L2²",
            better="lower",
            # Two items at confidence 1/2, one right and one wrong: 0 - .25 / 1.
            low=-0.25,
            high=1.0,
            interval="centred",
            scale_free=False,
            bins=BINS,
            assign=equal_mass,
            formula=squared_debiased_l2,
        ),
        MeanMetric(
            name="nll",
            title="Negative log likelihood (nats)",
            symbol="NLL",
            better="lower",
            low=0.0,
            high=float("inf"),
            items=item_nll,
        ),
        MeanMetric(
            name="brier",
            title="Brier score (sum form)",
            symbol="BS",
            better="lower",
            low=0.0,
            high=2.0,
            items=item_brier,
        ),
        MeanMetric(
            name="true_error",
            title="True calibration error E|P(correct | meaning) - confidence|",
            symbol="TCE",
            better="lower",
            low=0.0,
            high=1.0,
            needs="posterior",
            items=lambda outcomes: np.abs(outcomes.posterior_correct - outcomes.confidence),
        ),
    )
}
