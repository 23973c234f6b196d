"""The premise-clustered bootstrap: which groups are drawn how often, and the interval a set of replicates gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.calibration.metrics import Metric
from bench.errors import BadInput
from bench.stream import integers, philox

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; nan where undefined."""

    value: float
    low: float
    high: float


def draws(group_ids: npt.NDArray[np.str_], replicates: int, seed: int) -> FloatArray:
    """Return how often each distinct group, in sorted order, is drawn: (replicates, groups), rows sum to the groups.

    A function of the set of groups, `replicates` and `seed` alone: languages, arms, sizes and seeds that were measured
    on the same groups get the same draw, and sets with other groups an independent one. Read-only.
    """
    if replicates < 2:
        raise BadInput(f"Got replicates={replicates}, but an interval needs at least 2, better 2000.")
    return _draws(tuple(np.unique(group_ids).tolist()), replicates, seed)


# A study scores hundreds of rows on the same test groups; two sets are test and calibration groups.
@lru_cache(maxsize=2)
def _draws(groups: tuple[str, ...], replicates: int, seed: int) -> FloatArray:
    size = len(groups)
    chosen = integers(philox("bootstrap", seed, list(groups)), (replicates, size), size)
    flat = chosen + np.arange(replicates)[:, None] * size
    counts = np.bincount(flat.reshape(-1), minlength=replicates * size).reshape(replicates, size).astype(np.float64)
    counts.flags.writeable = False
    return counts


def estimate(metric: Metric, value: float, replicates: FloatArray, difference: bool = False) -> Estimate:
    """Return `value` with the interval from `replicates` (B,) of it, or of a difference of it between conditions.

    percentile: the quantiles, for means, which are unbiased. basic: the quantiles reflected at the value, since a
    replicate of a plug-in error is biased once more, by as much as the value itself; near zero such an interval need
    not hold the value. centred: the reflected quantiles around the replicates' own mean, for an estimator whose bias
    is already removed, which the replicates do not know. Clipped to the range of the metric; nan when it is undefined.
    """
    if not (np.isfinite(value) and np.isfinite(replicates).all()):
        return Estimate(value, float("nan"), float("nan"))
    lower, upper = np.quantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if metric.interval != "percentile":
        centre = value if metric.interval == "basic" else float(replicates.mean())
        lower, upper = value + centre - upper, value + centre - lower
    span = metric.high - metric.low
    bounds = (-span, span) if difference else (metric.low, metric.high)
    return Estimate(value, *(float(limit) for limit in np.clip((lower, upper), *bounds)))
