"""Neighbouring sizes of a ladder at equal accuracy: what is left of a change of the gap where accuracy is the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.catalog.ladders import SIZES_FOR_A_VERDICT
from bench.report.equal_accuracy import Curves, at_equal_accuracy
from bench.report.sections import Line
from bench.report.settings import World
from bench.report.size_tests import Family
from bench.statistics.matched import Matched, matched_mean
from bench.statistics.seed_means import SeedMean
from bench.statistics.t_estimate import TEstimate, of_sample

# Whose accuracy is made equal, in each language.
EQUAL = ("the language", "the source")


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """One world's sizes, each against the next smaller one, mean over rich languages and genuine intermediate tasks.

    steps: the change of the gap from each size to the next, None where no seed has all its contrasts; whole: their sum
    over the seeds that have every step; apart: why a step is missing, with the cell it is missing in.
    """

    world: str
    equal: str
    steps: tuple[SeedMean | None, ...]
    whole: SeedMean | None
    apart: tuple[str, ...]


def climbs(family: Family, curve: Curves) -> list[Climb]:
    """Return the climbs of a family, by whose accuracy is made equal and by world; empty without trajectories."""
    tasks = traced_tasks(family)
    worlds = [replace(world, groups=replace(world.groups, intermediates=tasks)) for world in family.worlds]
    traced = [world for world in worlds if _is_traced(world)]
    return [_climb(world, family.models, equal, curve) for equal in EQUAL for world in traced]


def traced_tasks(family: Family) -> tuple[str, ...]:
    """Return those of the tasks averaged over whose fine-tunings were read on their way, at any size of any world."""
    lines = [line for world in family.worlds for line in world.section.lines if line.model in family.models]
    read = {line.intermediate for line in lines if not line.variant and any(row.trajectory for row in line.rows)}
    return tuple(task for task in family.worlds[0].groups.intermediates if task in read)


def change_at_equal_accuracy(family: Family, found: Sequence[Climb]) -> tuple[float, tuple[TEstimate, ...]] | None:
    """Return the mean change over the whole ladder, and the estimates of it where sizes, worlds and seeds suffice.

    `found` are climbs with the accuracy of one of EQUAL made equal. None unless every world climbs the whole ladder.
    """
    wholes = [climb.whole for climb in found if climb.whole is not None]
    if not wholes or len(wholes) < len(family.worlds):
        return None
    change = sum(whole.mean.value for whole in wholes) / len(wholes)
    if len(family.models) < SIZES_FOR_A_VERDICT or any(whole.item_only for whole in wholes):
        return change, ()
    if family.real:
        # The checkpoint is the unit of a claim on size, and of its luck the items and seeds of a chain say nothing.
        return change, ()
    return change, (of_sample([whole.mean.value for whole in wholes]),) if len(wholes) > 2 else ()


def _is_traced(world: World) -> bool:
    return bool(world.groups.intermediates) and any(row.trajectory for line in world.section.lines for row in line.rows)


def _climb(world: World, models: Sequence[str], equal: str, curve: Curves) -> Climb:
    lines = {(line.model, line.training): line for line in world.section.lines}
    seeds = sorted({seed for line in lines.values() for seed in line.seeds})
    by_step = [{seed: _step(world, lines, pair, seed, equal, curve) for seed in seeds} for pair in pairwise(models)]
    steps = tuple(_mean([one for one in found.values() if isinstance(one, Matched)]) for found in by_step)
    apart = [
        f"{world.section.world}, {large} less {small}: {_first_reason(found)}"
        for (small, large), found, step in zip(pairwise(models), by_step, steps, strict=True)
        if step is None
    ]
    return Climb(world.section.world, equal, steps, _mean(_chains(by_step)), tuple(apart))


def _step(
    world: World,
    lines: Mapping[tuple[str, str], Line],
    pair: tuple[str, str],
    seed: int,
    equal: str,
    curve: Curves,
) -> Matched | str:
    """Return the larger of `pair` less the smaller in one seed, or the first reason why there is no such contrast."""
    found = []
    for task in world.groups.intermediates:
        for language in world.groups.rich:
            on = language if equal == EQUAL[0] else world.section.source or language
            arms = [lines.get((model, task)) for model in reversed(pair)]
            rows = [(None, None) if arm is None else (arm.row(seed, language), arm.row(seed, on)) for arm in arms]
            one = at_equal_accuracy(curve, rows)
            if one is None or one.reason:
                return f"{task}-{language}: {one.reason if one is not None else 'no trajectory above chance'}"
            found.append(one)
    return _combined(found, 1 / len(found)) if found else "no rich language"


def _chains(by_step: Sequence[Mapping[int, Matched | str]]) -> list[Matched]:
    """Return the sum over all steps in every seed that has them."""
    chains = []
    for seed in by_step[0]:
        found = [one for step in by_step if isinstance(one := step[seed], Matched)]
        if len(found) == len(by_step):
            chains.append(_combined(found, 1.0))
    return chains


def _combined(found: Sequence[Matched], factor: float) -> Matched:
    """Return the sum of contrasts times `factor`; replicates only where all have as many."""
    gaps = [one.differences["gap"] for one in found]
    drawn = len({len(gap) for gap in gaps}) == 1
    gap: FloatArray = factor * np.sum([each if drawn else each[:1] for each in gaps], axis=0)
    level = sum(one.level for one in found) / len(found)
    return Matched(level, {"gap": gap}, min(one.groups for one in found), math.nan)


def _mean(seeds: Sequence[Matched]) -> SeedMean | None:
    found = matched_mean(seeds, "gap")
    return None if found is None else found[0]


def _first_reason(found: Mapping[int, Matched | str]) -> str:
    return next((one for one in found.values() if isinstance(one, str)), "no seed")
