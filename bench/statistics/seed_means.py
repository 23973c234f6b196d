"""Linear contrasts of measured quantities over cells, seeds and sizes, with the variance of items and of seeds.

Items are crossed with languages, arms, seeds and sizes. Where replicates of one draw of groups are at hand for every
cell, the item part is that of the contrast. Where there are standard errors alone, it is the most it can be: the sum of
the cells' errors times the sizes of their coefficients, which no correlation between cells exceeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput
from bench.statistics.seeds import satterthwaite, unbiased_variance
from bench.statistics.t_estimate import TEstimate


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A quantity of one trained model: value, standard error over items (nan: unknown), and the number of groups.

    replicates: (B,) of the draw that all cells of a contrast share, None where there are none.
    """

    value: float
    error: float
    groups: int
    replicates: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class SeedPart:
    """The part of a variance that seeds add: `own` without the items' interaction with them, `total` with it."""

    own: float
    total: float
    freedom: int


@dataclass(frozen=True, slots=True, eq=False)
class SeedMean:
    """The mean of a quantity over seeds, and the parts of variance that seeds add, one for each model in it.

    seeds: of the model that has least. One seed: nothing is known of their variance, and no verdict rests on it.
    """

    mean: Measured
    parts: tuple[SeedPart, ...]
    seeds: int

    @property
    def item_only(self) -> bool:
        """Whether the error knows nothing of seeds."""
        return self.seeds == 1

    @property
    def estimate(self) -> TEstimate:
        """The mean with its error over items and seeds (Satterthwaite's degrees of freedom)."""
        items = self.mean.error**2
        variance = items + sum(part.own for part in self.parts)
        parts = [(items, max(self.mean.groups - 1.0, 1.0)), *((part.total, float(part.freedom)) for part in self.parts)]
        return TEstimate(self.mean.value, math.sqrt(variance), max(satterthwaite(variance, parts), 1.0))


def linear(terms: Sequence[tuple[float, Measured]]) -> Measured:
    """Return the sum of `terms`, each a coefficient and a quantity; raises BadInput for none."""
    if not terms:
        raise BadInput("Got no terms, but a contrast is a sum of at least one.")
    groups = min(each.groups for _, each in terms)
    value = sum(factor * each.value for factor, each in terms)
    drawn = _drawn(terms)
    if drawn is None:
        return Measured(value, sum(abs(factor) * each.error for factor, each in terms), groups)
    return Measured(value, math.sqrt(unbiased_variance(drawn, groups)), groups, drawn)


def seed_mean(runs: Sequence[Measured]) -> SeedMean:
    """Return the mean of `runs`, the same quantity once for every seed; see bench.statistics.seeds.seed_estimate."""
    count = len(runs)
    mean = linear([(1 / count, each) for each in runs])
    if count == 1:
        return SeedMean(mean, (), 1)
    between = float(np.var([each.value for each in runs], ddof=1))
    part = SeedPart(max(between - _interaction(runs, mean), 0.0) / count, between / count, count - 1)
    return SeedMean(mean, (part,), count)


def combine(terms: Sequence[tuple[float, SeedMean]]) -> SeedMean:
    """Return the sum of `terms`, a coefficient and a mean each, of models whose seeds are independent of each other."""
    mean = linear([(factor, each.mean) for factor, each in terms])
    parts = tuple(
        SeedPart(factor**2 * part.own, factor**2 * part.total, part.freedom)
        for factor, each in terms
        for part in each.parts
    )
    return SeedMean(mean, parts, min(each.seeds for _, each in terms))


def _drawn(terms: Sequence[tuple[float, Measured]]) -> FloatArray | None:
    found = [(factor, each.replicates) for factor, each in terms if each.replicates is not None]
    if len(found) < len(terms):
        return None
    total: FloatArray = np.sum([factor * replicates for factor, replicates in found], axis=0)
    return total


def _interaction(runs: Sequence[Measured], mean: Measured) -> float:
    """Return what items do to each seed alone; 0, which is on the safe side, where there are no replicates."""
    if mean.replicates is None:
        return 0.0
    apart = [each.replicates - mean.replicates for each in runs if each.replicates is not None]
    return sum(unbiased_variance(each, mean.groups) for each in apart) / (len(runs) - 1)
