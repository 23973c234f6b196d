"""The confirmatory tests as far as rows bear them: per ladder of real encoders, and over the artificial worlds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.catalog.ladders import SIZES_FOR_A_VERDICT, Ladder, ladders
from bench.report.settings import Setting, World
from bench.statistics.confirmatory import TESTS, terms_of
from bench.statistics.ladder_slope import (
    WORLDS_FOR_A_VERDICT,
    LadderSlope,
    Size,
    between_worlds,
    ladder_slope,
)
from bench.statistics.panel import Term
from bench.statistics.t_estimate import TEstimate
from bench.statistics.verdict import Judged, judge

_NUMBERS = {2: "two", 3: "three", 4: "four"}
_NO_VERDICT = {
    "prior_supervision": "pretrained with supervision close to the target",
    "quantised": "quantised weights",
}

Rung: TypeAlias = Literal["size", "depth", "artificial"]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One test: its slope in each world that has one, the estimates its verdict rests on, and what it lacks.

    estimates: empty where there is no verdict; lacks: what is missing for one, empty where there is one.
    """

    test: str
    slopes: tuple[tuple[str, LadderSlope], ...]
    estimates: tuple[TEstimate, ...]
    lacks: tuple[str, ...]
    judged: Judged

    @property
    def change(self) -> float:
        """The fitted change over the ladder, over worlds its mean; nan without a slope."""
        changes = [slope.conditional.value for _, slope in self.slopes]
        return sum(changes) / len(changes) if changes else math.nan

    @property
    def over_worlds(self) -> TEstimate | None:
        """The mean change over worlds with the world as unit; None for fewer than two."""
        return between_worlds([slope for _, slope in self.slopes])

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval that holds those of all estimates: each has to exclude what is excluded."""
        ends = [each.interval() for each in self.estimates]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def ends(self) -> tuple[float, float]:
        """The fitted quantity at the smallest and the largest size, over worlds its mean; nan without a slope."""
        pairs = [slope.ends for _, slope in self.slopes]
        if not pairs:
            return math.nan, math.nan
        return sum(low for low, _ in pairs) / len(pairs), sum(high for _, high in pairs) / len(pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """The tests that Holm's correction is over: one ladder, in the real world or in one study's artificial ones."""

    ladder: Ladder
    rung: Rung
    setting: Setting
    worlds: tuple[World, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def real(self) -> bool:
        """Whether the data are real."""
        return self.rung != "artificial"

    @property
    def bounded(self) -> bool:
        """Whether the item part of any error is an upper bound."""
        return any(slope.bounded for one in self.outcomes for _, slope in one.slopes)

    @property
    def models(self) -> tuple[str, ...]:
        """The tokens of the ladder's models, the smallest first."""
        return self.ladder.tokens

    @property
    def name(self) -> str:
        """The ladder's name, and what sets it apart from sizes that were pretrained alike."""
        return self.ladder.title

    @property
    def title(self) -> str:
        """The heading: the ladder, and everything that is held fixed."""
        return f"Ladder {self.name}, {self.setting.title}"


def left_out(family: Family) -> list[str]:
    """Name the sizes and seeds that a test goes without because a cell of theirs is at chance, with those cells."""
    found = [
        f"{world.section.world} {token} seed {seed} ({_listed(chance)})"
        for world in family.worlds
        for test in TESTS
        if (terms := terms_of(test, world.groups))
        for token in family.models
        for seed in sorted({key[3] for key in world.panel.cells if key[0] == token})
        if (chance := world.panel.lacking(token, terms, seed)[1])
    ]
    return list(dict.fromkeys(found))


def families(found: Iterable[Setting]) -> list[Family]:
    """Return the families of tests, the strongest evidence first; a model alone is in none."""
    made = [_family(ladder, setting) for setting in found for ladder in ladders(setting.models)]
    return sorted(made, key=_strength)


def _strength(family: Family) -> tuple[int, bool, int]:
    """Order by rung, then those with a verdict, then those with more sizes."""
    verdict = any(one.estimates for one in family.outcomes)
    sizes = max((len(slope.sizes) for one in family.outcomes for _, slope in one.slopes), default=0)
    return ("size", "depth", "artificial").index(family.rung), not verdict, -sizes


def _family(ladder: Ladder, setting: Setting) -> Family:
    worlds = setting.of_models(ladder.tokens)
    rung: Rung = "artificial" if not setting.real else "depth" if ladder.kind == "depth" else "size"
    drafts = [_draft(test, ladder, rung, worlds) for test in TESTS]
    judged = judge([estimates for _, estimates, _ in drafts])
    outcomes = tuple(Outcome(test, *draft, one) for test, draft, one in zip(TESTS, drafts, judged, strict=True))
    return Family(ladder, rung, setting, worlds, outcomes)


Draft: TypeAlias = tuple[tuple[tuple[str, LadderSlope], ...], tuple[TEstimate, ...], tuple[str, ...]]


def _draft(test: str, ladder: Ladder, rung: Rung, worlds: Sequence[World]) -> Draft:
    """Return slopes, the estimates of a verdict, and what is lacking for one."""
    slopes = [(world, slope) for world in worlds if (slope := _slope(test, ladder, world)) is not None]
    lacks = [*_no_verdict(ladder, worlds), *_lacking(test, ladder, worlds, [slope for _, slope in slopes])]
    if rung == "artificial":
        full = [each for each in slopes if len(each[1].sizes) >= SIZES_FOR_A_VERDICT]
        if len(full) < WORLDS_FOR_A_VERDICT:
            lacks.append(_needs(WORLDS_FOR_A_VERDICT, "worlds with four sizes", len(full)))
        slopes = full or slopes
    estimates = () if lacks else change_estimates(rung, [slope for _, slope in slopes])
    return tuple((world.section.world, slope) for world, slope in slopes), estimates, tuple(dict.fromkeys(lacks))


def _slope(test: str, ladder: Ladder, world: World) -> LadderSlope | None:
    terms = terms_of(test, world.groups)
    return ladder_slope(world.panel, sizes_of(ladder), terms) if terms else None


def sizes_of(ladder: Ladder, total: bool = False) -> list[Size]:
    """Return the sizes on the axis of non-embedding parameters, or of all of them."""
    return [Size(spec.token, spec.parameters if total else spec.body_parameters) for spec in ladder.models]


def change_estimates(
    rung: Rung, slopes: Sequence[LadderSlope], least: int = SIZES_FOR_A_VERDICT
) -> tuple[TEstimate, ...]:
    """Return the estimates that a test of a change has to reject with: over checkpoints and items, or over worlds.

    Empty for fewer than `least` sizes or too few worlds, and where nothing is known of seeds. An error over items that
    nobody knows, of a metric without replicates, is left out.
    """
    full = [slope for slope in slopes if len(slope.sizes) >= least and slope.seeds > 1]
    if rung == "artificial":
        estimate = between_worlds(full) if len(full) >= WORLDS_FOR_A_VERDICT else None
        return () if estimate is None else (estimate,)
    found = [each for slope in full for each in (slope.residual, slope.conditional) if each is not None]
    return tuple(each for each in found if not math.isnan(each.error))


def _lacking(test: str, ladder: Ladder, worlds: Sequence[World], slopes: Sequence[LadderSlope]) -> list[str]:
    groups = worlds[0].groups
    if not groups.intermediates:
        return ["needs a genuine intermediate task at every size, has none"]
    lacks = []
    sizes = max((len(slope.sizes) for slope in slopes), default=0)
    if sizes < SIZES_FOR_A_VERDICT:
        has = sizes or sum(_any_cell(token, worlds) for token in ladder.tokens)
        lacks += [_needs(SIZES_FOR_A_VERDICT, "sizes", has)] if has < SIZES_FOR_A_VERDICT else []
        lacks += _cells(test, ladder, worlds)
    if any(slope.seeds == 1 for slope in slopes):
        lacks.append(_needs(2, "seeds at every size", 1))
    if not slopes and not lacks:
        lacks.append("needs the source's rows, or transfer in the others")
    return lacks


def _any_cell(token: str, worlds: Sequence[World]) -> bool:
    return any(key[0] == token for world in worlds for key in world.panel.cells)


def _cells(test: str, ladder: Ladder, worlds: Sequence[World]) -> list[str]:
    """Name the cells for want of which a size is left out: of the first world and size that lack any."""
    for world in worlds:
        terms = terms_of(test, world.groups)
        if not terms:
            return [f"needs rich and poor languages, {world.section.world} lacks one of them"]
        for token in ladder.tokens:
            if _any_cell(token, [world]) and not world.panel.seeds(token, terms):
                return [_cells_of(token, world, terms)]
    return []


def _cells_of(token: str, world: World, terms: Sequence[Term]) -> str:
    seeds = sorted({key[3] for key in world.panel.cells if key[0] == token})
    lacking, chance = world.panel.lacking(token, terms, seeds[0])
    if chance:
        return f"needs cells above chance, {token} is at chance in {_listed(chance)}"
    return f"needs all languages and arms, {token} lacks {_listed(lacking)}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _no_verdict(ladder: Ladder, worlds: Sequence[World]) -> list[str]:
    lines = [line for world in worlds for line in world.section.lines if line.model in ladder.tokens]
    flags = {flag for line in lines for flag in line.flags}
    return [f"bears no verdict ({reason})" for flag, reason in _NO_VERDICT.items() if flag in flags]


def _needs(number: int, what: str, has: int) -> str:
    return f"needs {_NUMBERS[number]} {what}, has {has}"
