"""Differences of scores, seed by seed, and their intervals over items and seeds, from what rows hold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rows import Estimate

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Effect:
    """A score or a difference of scores: for every seed its value and its standard error over items, fractions of one.

    Rows hold intervals of scores and none of differences, so the errors of two arms add as if their items were not
    shared. Where items are shared, that is too wide and never too narrow.
    """

    by_seed: Mapping[int, tuple[float, float]]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that it is known for, ascending."""
        return tuple(sorted(self.by_seed))

    @property
    def value(self) -> float:
        """The mean over seeds."""
        return statistics.fmean(value for value, _ in self.by_seed.values())

    def times(self, factor: float) -> Effect:
        """Return the effect times a number."""
        return Effect({seed: (factor * value, abs(factor) * error) for seed, (value, error) in self.by_seed.items()})

    def at(self, seeds: Sequence[int]) -> Effect:
        """Return the effect at these seeds alone."""
        return Effect({seed: self.by_seed[seed] for seed in seeds})

    def minus(self, other: Effect) -> Effect:
        """Return the difference at the seeds that both have."""
        seeds = [seed for seed in self.seeds if seed in other.by_seed]
        pairs = {seed: (self.by_seed[seed], other.by_seed[seed]) for seed in seeds}
        return Effect({seed: (a - b, math.hypot(x, y)) for seed, ((a, x), (b, y)) in pairs.items()})

    def interval(self, comparisons: int = 1) -> Interval:
        """Return the mean with its 95 % interval over items and seeds; of one seed it is over items only.

        The variance is that of the items plus s^2 / S of the seeds, with a t quantile of Satterthwaite's degrees of
        freedom, as in tables (bench.report.seeds). `comparisons` widens it after Bonferroni.
        """
        from scipy.special import stdtrit

        items = statistics.fmean(error**2 for _, error in self.by_seed.values())
        count = len(self.by_seed)
        between = statistics.variance(value for value, _ in self.by_seed.values()) / count if count > 1 else 0.0
        freedom = (items + between) ** 2 / (between**2 / (count - 1)) if between else math.inf
        quantile = float(stdtrit(freedom, 1 - (1 - _LEVEL) / 2 / comparisons))
        half = quantile * math.sqrt(items + between)
        return Interval(self.value, self.value - half, self.value + half)


def mean_effect(effects: Sequence[Effect], same_items: bool) -> Effect:
    """Return the mean of `effects` at the seeds that all have, as of one set of items or of sets of their own.

    With the `same_items`, as in parallel languages, the errors add as if items did the same to all.
    """
    seeds = [seed for seed in effects[0].seeds if all(seed in each.by_seed for each in effects)]
    return Effect({seed: _mean([each.by_seed[seed] for each in effects], same_items) for seed in seeds})


def slope(places: Sequence[float], effects: Sequence[Effect]) -> Effect:
    """Return the least squares slope over `places` at the seeds that all effects have, as if no items were shared.

    What shared items do to all places alike cancels out of a slope, so the errors are too wide and never too narrow.
    Two places or more must differ.
    """
    centre = statistics.fmean(places)
    square = math.fsum((place - centre) ** 2 for place in places)
    parts = [each.times((place - centre) / square) for place, each in zip(places, effects, strict=True)]
    return mean_effect(parts, same_items=False).times(len(parts))


def best_on_other_seeds(candidates: Sequence[Effect]) -> Effect:
    """Return at each seed the candidate that is best on average at the others, of two seeds or more that all have.

    The best one at the seed itself would be the luckiest too. The test items are the same, whose luck stays.
    """
    seeds = [seed for seed in candidates[0].seeds if all(seed in each.by_seed for each in candidates)]
    return Effect({seed: _best_without(candidates, seed, seeds).by_seed[seed] for seed in seeds})


def _best_without(candidates: Sequence[Effect], seed: int, seeds: Sequence[int]) -> Effect:
    others = [other for other in seeds if other != seed]
    return max(candidates, key=lambda each: each.at(others).value)


def _mean(parts: Sequence[tuple[float, float]], same_items: bool) -> tuple[float, float]:
    errors = [error for _, error in parts]
    error = math.fsum(errors) if same_items else math.hypot(*errors)
    return statistics.fmean(value for value, _ in parts), error / len(parts)


def standard_error(estimate: Estimate) -> float | None:
    """Return the standard error of an estimate, read off its 95 % interval; None where it has none."""
    from scipy.special import ndtri

    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / (2 * float(ndtri(1 - (1 - _LEVEL) / 2)))
