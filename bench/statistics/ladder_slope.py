"""How a contrast changes over the sizes of one ladder in one world, and over several worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.statistics.panel import Panel, Part, Term
from bench.statistics.seed_means import SeedMean, combine
from bench.statistics.slopes import change_weights, fitted_ends, log_sizes, residual_change
from bench.statistics.t_estimate import TEstimate, of_sample

# One world is an anecdote; five make a published answer.
WORLDS_FOR_A_VERDICT = 3


@dataclass(frozen=True, slots=True)
class Size:
    """A model of a ladder and its number of parameters, on whichever axis is asked for."""

    model: str
    parameters: int


@dataclass(frozen=True, slots=True, eq=False)
class LadderSlope:
    """A contrast at every size that has it, smallest first, and its fitted change over these sizes.

    conditional: the change with its error over items and seeds, of these checkpoints and no others; residual: with
    the checkpoints as units, None for two sizes; tenfold: the slope for ten times as many parameters; ends: the fitted
    line at the smallest and the largest size; seeds: the least of all sizes; bounded: whether the item part of the
    error is an upper bound, for want of joint replicates.
    """

    sizes: tuple[Size, ...]
    levels: tuple[SeedMean, ...]
    conditional: TEstimate
    residual: TEstimate | None
    tenfold: float
    ends: tuple[float, float]
    seeds: int
    bounded: bool

    @property
    def adjacent(self) -> list[tuple[str, str, SeedMean]]:
        """Each size and its next larger neighbour with the difference between them, over items and seeds."""
        pairs = zip(self.sizes, self.sizes[1:], self.levels, self.levels[1:], strict=False)
        return [(a.model, b.model, combine([(1.0, high), (-1.0, low)])) for a, b, low, high in pairs]


def ladder_slope(
    panel: Panel, sizes: Sequence[Size], terms: Sequence[Term], metric: str = "gap", part: Part = "transfer"
) -> LadderSlope | None:
    """Return the slope of the contrast `terms` over those of `sizes` that have it, None for fewer than two of them."""
    found = [(size, panel.contrast(size.model, terms, metric, part)) for size in sizes]
    present = sorted(((size, level) for size, level in found if level is not None), key=lambda each: each[0].parameters)
    if len({size.parameters for size, _ in present}) < 2:
        return None
    levels = tuple(level for _, level in present)
    axis = log_sizes([size.parameters for size, _ in present])
    values = np.array([level.mean.value for level in levels])
    change = combine(list(zip(change_weights(axis).tolist(), levels, strict=True)))
    return LadderSlope(
        sizes=tuple(size for size, _ in present),
        levels=levels,
        conditional=change.estimate,
        residual=residual_change(axis, values),
        tenfold=change.mean.value / _span(axis),
        ends=fitted_ends(axis, values),
        seeds=change.seeds,
        bounded=change.mean.replicates is None,
    )


def between_worlds(slopes: Sequence[LadderSlope]) -> TEstimate | None:
    """Return the mean change over worlds, the world being the unit; None for fewer than two.

    A world has its own languages, items and pretraining runs, so the spread between worlds holds all of these.
    """
    return of_sample([each.conditional.value for each in slopes]) if len(slopes) > 1 else None


def _span(axis: FloatArray) -> float:
    return float(axis.max() - axis.min())
