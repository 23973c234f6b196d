"""Figure: what size does to the transfer of the gap, in rich and in poor languages, for every arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalog.ladders import SIZES_FOR_A_VERDICT, Ladder, ladders
from bench.catalog.models import ModelSpec
from bench.report.arms import arm_mean, arms
from bench.report.cells import parameters
from bench.report.claim_settings import transferred
from bench.report.drawing import figure_to, flags_line, heading, legend_below, quiet, style
from bench.report.effects import Effect, Interval, slope
from bench.report.sections import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = ("rich", "poor", "rich − poor")
_INTERVALS = (
    "Intervals of 95 % over items and seeds, of one seed over items only; conditional on these checkpoints. "
    "Below: slopes for a doubling of the parameters"
)
# Points of one size stand this far apart, as factors of it.
_APART = 0.06


def size_ladders(section: Section) -> list[Ladder]:
    """Return the ladders of a section of which this figure can be drawn; retrieval has no transfer."""
    return ladders(section.models) if section.source else []


def size_figure(section: Section, ladder: Ladder, *paths: Path) -> None:
    """Draw the mean transfer of the gap over the rich and the poor languages, and their difference, against size.

    `paths` end in .svg or .png. An arm is drawn where every language of the group has a row, at the sizes that have
    it; its slope is for a doubling of the parameters outside the embeddings. Raises BadInput as `figure_to` does.
    """
    names = list(dict.fromkeys(name for spec in ladder.models for name in arms(section, spec.token)))
    with figure_to(paths, 10.0, 4.6) as figure:
        for axes, group in zip(figure.subplots(1, 3, sharey=True), _PANELS, strict=True):
            _panel(axes, section, ladder, group, names)
        figure.axes[0].set_ylabel("transfer of the gap (percent points)")
        legend_below(figure, "intermediate")
        flags = {flag for line in section.lines for flag in line.flags if line.model in ladder.tokens}
        heading(
            figure, f"Size and transfer of the gap: {section.title}", _INTERVALS, caveats(ladder), flags_line(flags)
        )


def caveats(ladder: Ladder) -> str:
    """Name the ladder and what a reader of a slope over it must know."""
    return "; ".join(filter(None, [f"Ladder {ladder.name}", limits(ladder)]))


def limits(ladder: Ladder) -> str:
    """Return what a reader of a slope over the ladder must know, "" where it is enough sizes of one kind."""
    kinds = {"depth": "depth of one encoder, never model size", "generations": "models of several generations"}
    few = len(ladder.models) < SIZES_FOR_A_VERDICT
    known = [
        kinds.get(ladder.kind, ""),
        f"fewer than {SIZES_FOR_A_VERDICT} sizes: no verdict on a slope" if few else "",
    ]
    return "; ".join(filter(None, known))


def _panel(axes: Axes, section: Section, ladder: Ladder, group: str, names: Sequence[str]) -> None:
    quiet(axes)
    said = [text for place, name in enumerate(names) if (text := _arm(axes, section, ladder, group, place, names))]
    axes.set_title(group, loc="left", fontsize=9)
    axes.set_xscale("log")
    sizes = [spec.body_parameters for spec in ladder.models]
    axes.set_xticks(sizes, _labels(ladder.models), fontsize=8)
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(sizes) / 1.4, max(sizes) * 1.4)
    axes.set_xlabel(
        "\n".join(["parameters outside the embeddings", *(["for a doubling:", *said] if said else [])]), fontsize=8
    )


def _labels(specs: Sequence[ModelSpec]) -> list[str]:
    """Return the tokens without the word that names the family, over the number of parameters."""
    return [f"{spec.token.partition('_')[2] or spec.token}\n{parameters(spec.body_parameters)}" for spec in specs]


def _arm(axes: Axes, section: Section, ladder: Ladder, group: str, place: int, names: Sequence[str]) -> str:
    """Draw an arm and return what is said of its slope, "" where it has none."""
    name = names[place]
    found = [(spec.body_parameters, _effect(section, spec.token, group, name)) for spec in ladder.models]
    drawn = [(size, effect) for size, effect in found if effect is not None]
    if not drawn:
        return ""
    color, marker = style(place)
    shift = 1 + _APART * (place - (len(names) - 1) / 2)
    sizes, intervals = [shift * size for size, _ in drawn], [effect.interval() for _, effect in drawn]
    axes.plot(
        sizes, [100 * each.value for each in intervals], marker=marker, markersize=5, color=color, linewidth=1,
        markeredgecolor="black", markeredgewidth=0.5, label=name,
    )  # fmt: skip
    axes.vlines(sizes, [100 * i.low for i in intervals], [100 * i.high for i in intervals], color=color, linewidth=1.5)
    trend = doubling([size for size, _ in drawn], [effect for _, effect in drawn])
    return "" if trend is None else f"{name}: {_signed(trend)}"


def _signed(trend: Interval) -> str:
    return f"{100 * trend.value:+.1f} ({100 * trend.low:+.1f} to {100 * trend.high:+.1f})"


def _effect(section: Section, model: str, group: str, name: str) -> Effect | None:
    lines, read = arms(section, model).get(name, []), transferred("gap")
    if group != _PANELS[2]:
        return arm_mean(lines, section.plentiful(group), read, section.source)
    rich, poor = (arm_mean(lines, section.plentiful(one), read, section.source) for one in _PANELS[:2])
    difference = None if rich is None or poor is None else rich.minus(poor)
    return difference if difference is not None and difference.seeds else None


def doubling(sizes: Sequence[int], effects: Sequence[Effect]) -> Interval | None:
    """Return the slope for a doubling of size, None where no seed has two sizes or more that differ."""
    if len(set(sizes)) < 2:
        return None
    found = slope([math.log2(size) for size in sizes], effects)
    return found.interval() if found.seeds else None
