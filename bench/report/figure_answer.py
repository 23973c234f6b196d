"""Figure: the three confirmatory tests at a glance: each change with its intervals, and what would not matter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.drawing import figure_to, flags_line, heading, legend_below, style
from bench.report.figure_sizes import limits
from bench.report.sections import Line
from bench.report.settings import World
from bench.report.size_tests import Family, Outcome
from bench.statistics.confirmatory import CONTROL
from bench.statistics.t_estimate import TEstimate
from bench.statistics.verdict import SMALLEST_EFFECT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUANTITIES = {
    "Q1": "Q1: transfer to rich languages\nafter intermediate training",
    "Q2": "Q2: Q1 beyond what as many\nfurther steps on the target do",
    "Q3": "Q3: rich minus poor languages\nafter intermediate training",
}
_READING = (
    "Fitted change of the transfer of the signed gap over the whole ladder; grey: less than one point. Intervals of 95 "
    "%, uncorrected; the verdicts on the right are corrected for three tests"
)
_BOUNDED = "Errors over items are upper bounds, read off rows"
_ITEMS, _CHECKPOINTS, _WORLDS = "items and seeds", "sizes about the line", "mean, between worlds"
# Of the height between two tests: how far their marks reach.
_REACH = 0.62


@dataclass(frozen=True, slots=True)
class _Mark:
    """One estimate of a test's change; the `chief` one is what a verdict rests on where there are worlds."""

    label: str
    estimate: TEstimate
    chief: bool


def has_answer(family: Family) -> bool:
    """Whether any test of the family has a change to draw."""
    return any(one.slopes for one in family.outcomes)


def figure_name(family: Family) -> str:
    """Return the name of the family's figure without suffix: no two families of one set of rows share it."""
    section = family.worlds[0].section
    split = [] if section.split == "test" else [section.split]
    world = "real" if family.real else "artificial"
    return "-".join(["answer", family.ladder.name, *split, world, section.study[:12]])


def answer_figure(family: Family, *paths: Path) -> None:
    """Draw the changes of the family's three tests with their intervals and verdicts to `paths` (.svg or .png).

    In artificial worlds each has the change of every world, its interval over items and seeds, and the mean with its
    interval between worlds. Raises BadInput as `figure_to` does.
    """
    labels = list(dict.fromkeys(mark.label for one in family.outcomes for mark in _marks(family, one)))
    with figure_to(paths, 9.0, 2.4 + 0.22 * len(labels) * len(family.outcomes)) as figure:
        axes = figure.subplots()
        for row, one in enumerate(family.outcomes):
            _test(axes, family, one, row, labels)
        _finish(axes, family.outcomes)
        legend_below(figure, "change and interval over")
        flags = {flag for world in family.worlds for line in _read(family, world) for flag in line.flags}
        bound, caveat = _BOUNDED if family.bounded else "", limits(family.ladder)
        title = f"The three tests: {family.title}"
        heading(figure, title, _READING, bound, f"Caveat: {caveat}" if caveat else "", flags_line(flags))


def _read(family: Family, world: World) -> list[Line]:
    """Return the lines of which the tests are made."""
    tasks = {*world.groups.intermediates, CONTROL}
    plain = [line for line in world.section.lines if not line.variant]
    return [line for line in plain if line.model in family.models and line.intermediate in tasks]


def _marks(family: Family, one: Outcome) -> Iterator[_Mark]:
    for world, slope in one.slopes:
        yield _Mark(_ITEMS if family.real else f"{world}, {_ITEMS}", slope.conditional, chief=False)
        if family.real and slope.residual is not None:
            yield _Mark(_CHECKPOINTS, slope.residual, chief=False)
    if not family.real and one.over_worlds is not None:
        yield _Mark(_WORLDS, one.over_worlds, chief=True)


def _test(axes: Axes, family: Family, one: Outcome, row: int, labels: Sequence[str]) -> None:
    for mark in _marks(family, one):
        place = labels.index(mark.label)
        height = row + _REACH * ((place + 0.5) / len(labels) - 0.5)
        color, marker = style(place)
        value, (low, high) = 100 * mark.estimate.value, (100 * end for end in mark.estimate.interval())
        axes.plot(
            value, height, marker=marker, markersize=8 if mark.chief else 5, color=color, linestyle="none",
            markeredgecolor="black", markeredgewidth=0.5, label=mark.label,
        )  # fmt: skip
        if not math.isnan(low):
            axes.hlines(height, low, high, color=color, linewidth=2.5 if mark.chief else 1.2, zorder=1)
    axes.text(1.01, row, one.judged.verdict, transform=axes.get_yaxis_transform(), va="center", fontsize=9)


def _finish(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    margin = 100 * SMALLEST_EFFECT
    axes.axvspan(-margin, margin, color="0.88", zorder=0)
    axes.axvline(0, color="0.4", linewidth=0.8, zorder=0)
    for row in range(1, len(outcomes)):
        axes.axhline(row - 0.5, color="0.9", linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(outcomes)), [_QUANTITIES[one.test] for one in outcomes], fontsize=8)
    axes.set_ylim(len(outcomes) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("change (percent points)")
