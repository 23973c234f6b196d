"""One estimate out of several seeds' estimates of the same cell."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.rows import Estimate

_LEVEL = 0.975


def combine_seeds(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of one or more seeds' estimates with a 95 % interval over items and seeds.

    The variance is that of the items (the mean over seeds, read off each seed's 95 % interval) plus s^2 / S of the
    seeds, with a t quantile of Satterthwaite's degrees of freedom: too few seeds to resample them. One seed keeps its
    own interval, which is over items only. A missing interval of any seed leaves none.
    """
    if len(estimates) == 1:
        return estimates[0]
    value = statistics.fmean(estimate.value for estimate in estimates)
    floors = [estimate.floor for estimate in estimates if estimate.floor is not None]
    floor = statistics.fmean(floors) if len(floors) == len(estimates) else None
    half = _half_width(estimates)
    return Estimate(value, floor=floor) if half is None else Estimate(value, value - half, value + half, floor)


def _half_width(estimates: Sequence[Estimate]) -> float | None:
    from scipy.special import ndtri, stdtrit

    widths = [e.high - e.low for e in estimates if e.high is not None and e.low is not None]
    if len(widths) < len(estimates):
        return None
    normal = float(ndtri(_LEVEL))
    items = statistics.fmean((width / (2 * normal)) ** 2 for width in widths)
    seeds = statistics.variance(estimate.value for estimate in estimates) / len(estimates)
    if seeds == 0:
        return normal * math.sqrt(items)
    freedom = (items + seeds) ** 2 / (seeds**2 / (len(estimates) - 1))
    return float(stdtrit(freedom, _LEVEL)) * math.sqrt(items + seeds)
