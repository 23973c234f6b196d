"""95 % intervals from bootstrap replicates: percentile, basic, centred, bias-corrected and accelerated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import ndtr, ndtri

from bench.calibration.arrays import FloatArray
from bench.calibration.metric import MetricInfo

LEVEL = 0.95
_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
# Equal numbers differ by less from their mean, relative to their size.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; nan where undefined."""

    value: float
    low: float
    high: float


def estimate(metric: MetricInfo, value: float, replicates: FloatArray, difference: bool = False) -> Estimate:
    """Return `value` with the interval that fits `metric`, from `replicates` (B,) of it, or of a difference of it.

    Clipped to the range of the metric or of its difference; nan where the value or a replicate is not finite.
    """
    return combined_estimate(metric, value, replicates, (1.0, -1.0) if difference else (1.0,))


def combined_estimate(
    metric: MetricInfo, value: float, replicates: FloatArray, coefficients: Sequence[float]
) -> Estimate:
    """Return as `estimate` does for a sum of conditions' metrics times `coefficients`, clipped to what it can be."""
    if not (np.isfinite(value) and np.isfinite(replicates).all()):
        return Estimate(value, math.nan, math.nan)
    limits = np.clip(INTERVALS[metric.interval](value, replicates), *span(metric, coefficients))
    return Estimate(value, *(float(limit) for limit in limits))


def span(metric: MetricInfo, coefficients: Sequence[float]) -> tuple[float, float]:
    """Return the least and the largest sum of values of `metric` times `coefficients`, none of them 0."""
    ends = [sorted((each * metric.low, each * metric.high)) for each in coefficients]
    return sum(low for low, _ in ends), sum(high for _, high in ends)


def percentile(value: float, replicates: FloatArray) -> tuple[float, float]:
    """Return the quantiles of `replicates` (B,): right for means, which are unbiased."""
    low, high = np.quantile(replicates, _TAILS)
    return float(low), float(high)


def basic(value: float, replicates: FloatArray) -> tuple[float, float]:
    """Return the quantiles reflected at `value` (Davison and Hinkley 1997, eq. 5.6).

    A replicate of a plug-in error is biased once more, by as much as the value itself: reflecting takes both off. Near
    zero such an interval need not hold the value.
    """
    low, high = percentile(value, replicates)
    return 2 * value - high, 2 * value - low


def centred(value: float, replicates: FloatArray) -> tuple[float, float]:
    """Return the quantiles reflected at the replicates' own mean, and moved so that this mean comes to `value`.

    For an estimator whose bias is already removed, which the replicates do not know.
    """
    low, high = percentile(value, replicates)
    centre = value + float(replicates.mean())
    return centre - high, centre - low


def bias_corrected(value: float, replicates: FloatArray, acceleration: float = 0.0) -> tuple[float, float]:
    """Return the BC interval, with an `acceleration` the BCa interval (Efron 1987, eq. 2.3).

    The quantiles are moved by the normal score of the share of replicates below `value`, ties counting half. Where all
    replicates lie on one side of the value there is no such score, and both limits are nan: of a plug-in error near
    zero, which is then so biased that no quantile of the replicates says anything, use the consistency p. They are nan
    too where the acceleration is so large that the levels leave the order of the quantiles. A deterministic metric,
    all replicates equal to the value, keeps the value.
    """
    below = float((replicates < value).mean() + (replicates <= value).mean()) / 2
    if below in (0.0, 1.0):
        return math.nan, math.nan
    shift = ndtri(below)
    scores = shift + ndtri(_TAILS)
    scale = 1 - acceleration * scores
    if (scale <= 0).any():
        return math.nan, math.nan
    low, high = np.quantile(replicates, ndtr(shift + scores / scale))
    return float(low), float(high)


def acceleration(jackknife: FloatArray) -> float:
    """Return the acceleration from the (G,) values with one group left out (Efron 1987, eq. 6.6; 0 where all agree).

    The jackknife of a contrast is the contrast of the jackknives.
    """
    influence = jackknife.mean() - jackknife
    largest = float(np.abs(influence).max())
    if largest <= _ROUNDING * float(np.abs(jackknife).max()):
        return 0.0
    # Scaled before the powers, so that tiny influences do not vanish in them.
    influence = influence / largest
    return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))


INTERVALS: Mapping[str, Callable[[float, FloatArray], tuple[float, float]]] = MappingProxyType(
    {"percentile": percentile, "basic": basic, "centred": centred}
)
