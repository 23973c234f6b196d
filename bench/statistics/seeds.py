"""One estimate out of several training seeds: items are resampled, seeds are not, since there are too few of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from bench.calibration.arrays import FloatArray
from bench.calibration.metric import MetricInfo
from bench.errors import BadInput
from bench.statistics.contrasts import Resampled, check_same_draw, info
from bench.statistics.intervals import LEVEL, Estimate, combined_estimate, span


@dataclass(frozen=True, slots=True)
class SeedEstimate:
    """The mean over seeds with its 95 % interval over items and seeds, and what the interval is made of.

    item_variance, seed_variance: the two parts of the variance of the mean; freedom: degrees of freedom of its t
    quantile. One seed has a bootstrap interval over items only: its seed variance is nan, and no verdict rests on it.
    """

    estimate: Estimate
    seeds: int
    item_variance: float
    seed_variance: float
    freedom: float

    @property
    def item_only(self) -> bool:
        """Whether the interval knows nothing of seeds."""
        return self.seeds == 1


def over_seeds(runs: Sequence[Resampled]) -> dict[str, SeedEstimate]:
    """Return each metric of `runs`, the same condition or contrast once for every seed, with `seed_estimate`.

    Raises BadInput unless all have the same items, groups, draw and coefficients.
    """
    first = runs[0]
    for other in runs[1:]:
        check_same_draw(first, other)
        if other.coefficients != first.coefficients:
            raise BadInput("Got different contrasts as seeds of one; combine seeds of the same contrast.")
    groups = min(run.groups for run in runs)
    return {
        name: seed_estimate(
            info(name),
            np.array([run.values[name] for run in runs]),
            np.stack([run.replicates[name] for run in runs]),
            groups,
            first.coefficients,
        )
        for name in first.values
        if all(name in run.values for run in runs)
    }


def seed_estimate(
    metric: MetricInfo,
    values: FloatArray,
    replicates: FloatArray,
    groups: int,
    coefficients: Sequence[float] = (1.0,),
) -> SeedEstimate:
    """Return the mean of `values` (S,) of S seeds, with an interval from their `replicates` (S, B) of the same draw.

    Items and seeds are crossed. The bootstrap variance of the seed mean holds what items do to all seeds alike and the
    S-th part of what they do to each alone (interaction). The variance s^2 of `values` between seeds holds the seeds'
    own variance and that interaction again; it is read off the replicates' deviations from their seed mean, and taken
    off once. So the variance is

        bootstrap variance of the mean + max(s^2 - interaction, 0) / S,

    the two-way random effects estimate, with a t quantile of Satterthwaite's degrees of freedom: groups - 1 for the
    first part, S - 1 for s^2 / S. The rule holds for any S, so seeds are not resampled with ten of them either. With
    two seeds that vary twice as much as items do, a 95 % interval covers 90 %. The interval is symmetric around the
    mean, for a metric with "basic" intervals around the mean less the bootstrap's estimate of its bias, and clipped as
    in `estimate`; nan where a value or a replicate is not finite.
    """
    value, seeds = float(values.mean()), len(values)
    if seeds == 1:
        found = combined_estimate(metric, value, replicates[0], coefficients)
        return SeedEstimate(found, 1, unbiased_variance(replicates[0], groups), math.nan, groups - 1)
    if not (np.isfinite(values).all() and np.isfinite(replicates).all()):
        return SeedEstimate(Estimate(value, math.nan, math.nan), seeds, math.nan, math.nan, math.nan)
    mean = replicates.mean(axis=0)
    items = unbiased_variance(mean, groups)
    interaction = sum(unbiased_variance(each - mean, groups) for each in replicates) / (seeds - 1)
    between = float(values.var(ddof=1))
    own = max(between - interaction, 0.0) / seeds
    freedom = satterthwaite(items + own, [(items, groups - 1), (between / seeds, seeds - 1)])
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * math.sqrt(items + own)
    centre = 2 * value - float(mean.mean()) if metric.interval == "basic" else value
    low, high = (float(each) for each in np.clip((centre - half, centre + half), *span(metric, coefficients)))
    return SeedEstimate(Estimate(value, low, high), seeds, items, own, freedom)


def satterthwaite(variance: float, parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of `variance`: its square over the sum of the squared parts over theirs.

    `parts` are the estimated variances it is made of, each with its degrees of freedom (Satterthwaite 1946). Without
    any variance the degrees of freedom are infinite.
    """
    spread = sum(part**2 / freedom for part, freedom in parts)
    return variance**2 / spread if spread else math.inf


def unbiased_variance(replicates: FloatArray, groups: int) -> float:
    """Return the variance over items of `replicates` (B,): resampling G groups gives a mean (G - 1) / G of it."""
    return float(replicates.var(ddof=1)) * groups / (groups - 1) if groups > 1 else math.nan
