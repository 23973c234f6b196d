"""Figure: mean confidence against accuracy: what stands above the diagonal is over-confident."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.catalog.language_info import LanguageInfo
from bench.report.arms import arms
from bench.report.by_language import language_rows, over_seeds
from bench.report.drawing import figure_to, flags_line, heading, legend_below, style
from bench.report.line_kinds import LineKind, line_kinds
from bench.report.sections import Line, Section
from bench.rows import Estimate, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLUMNS = 3
_PANEL_INCHES = 3.4
# Of more, with a mark for each language, none can be found.
_MOST_TRAININGS = 6
# In points: names of languages closer than this would cover each other.
_NEAR = 0.6

_NAMES: Mapping[str, Any] = MappingProxyType(
    {"fontsize": 7, "color": "0.25", "ha": "left", "va": "bottom", "rotation_mode": "anchor"}
)

_Point = tuple[float, float]
_Named = tuple[LanguageInfo, _Point]


def confidence_figure(section: Section, variant: str, *paths: Path) -> None:
    """Draw mean confidence against accuracy for every language to `paths`, which end in .svg or .png.

    There is a panel for each model, of a variant two: the plain training and the variant. Values are means over seeds.
    Languages are named at the first training of a panel, the one without intermediate task where there is one. Of more
    than six trainings the genuine tasks are drawn as their mean. Raises BadInput as `figure_to` does.
    """
    kinds = line_kinds(section, variant)
    columns = 2 if len(kinds) == 4 else min(len(kinds), _MOST_COLUMNS)
    rows = math.ceil(len(kinds) / columns)
    with figure_to(paths, max(6.0, _PANEL_INCHES * columns), 1.6 + _PANEL_INCHES * rows) as figure:
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        for axes, kind in zip_longest(panels, kinds):
            _panel(axes, section, kind) if kind else axes.set_axis_off()
            axes.set_xlabel("accuracy (%)")
        figure.supylabel("mean confidence (%)", fontsize=9)
        legend_below(figure, "intermediate")
        flags = {flag for kind in kinds for line in kind.lines(section) for flag in line.flags}
        heading(figure, f"Confidence and accuracy by language: {section.title}", flags_line(flags))


def _panel(axes: Axes, section: Section, kind: LineKind) -> None:
    axes.axline((50, 50), slope=1, color="0.5", linewidth=0.8, zorder=0)
    axes.grid(color="0.93", linewidth=0.6)
    axes.set_axisbelow(True)
    # Room for the names.
    axes.margins(0.08, 0.15)
    axes.set_title(kind.title, loc="left", fontsize=9)
    for text, place, where in (("over-confident", (0.02, 0.98), "top"), ("under-confident", (0.98, 0.02), "bottom")):
        side = "left" if where == "top" else "right"
        axes.text(*place, text, transform=axes.transAxes, ha=side, va=where, fontsize=7, color="0.5")
    named: list[_Named] = []
    for number, (name, lines) in enumerate(_shown(section, kind).items()):
        points = [(info, point) for info in section.languages if (point := _mean_place(lines, info)) is not None]
        look = style(section.intermediates.index(name) if name in section.intermediates else number)
        _points(axes, name, [point for _, point in points], look)
        named = named or points
    _name(axes, named)


def _shown(section: Section, kind: LineKind) -> Mapping[str, Sequence[Line]]:
    lines = kind.lines(section)
    if len(lines) > _MOST_TRAININGS and not kind.variant:
        return arms(section, kind.model)
    return {line.intermediate: [line] for line in lines}


def _mean_place(lines: Sequence[Line], info: LanguageInfo) -> _Point | None:
    places = [place for line in lines if (place := place_of(line, info)) is not None]
    if not places or len(places) < len(lines):
        return None
    accuracies, confidences = zip(*places, strict=True)
    return statistics.fmean(accuracies), statistics.fmean(confidences)


def place_of(line: Line, info: LanguageInfo) -> _Point | None:
    """Return accuracy and mean confidence in percent, means over seeds; None where either is missing."""
    rows = language_rows(line, info.token)
    accuracy, confidence = (_mean(rows, name) for name in ("accuracy", "confidence"))
    return None if accuracy is None or confidence is None else (100 * accuracy.value, 100 * confidence.value)


def _mean(rows: Sequence[Row], name: str) -> Estimate | None:
    return over_seeds(rows, lambda row: row.metric(name))


def _points(axes: Axes, intermediate: str, points: Sequence[_Point], look: tuple[str, str]) -> None:
    color, marker = look
    axes.plot(
        [x for x, _ in points], [y for _, y in points], linestyle="none", marker=marker, markersize=5, color=color,
        markeredgecolor="black", markeredgewidth=0.5, label=intermediate,
    )  # fmt: skip


def _name(axes: Axes, points: Sequence[_Named]) -> None:
    for names, place in _together(points):
        axes.annotate(", ".join(names), place, xytext=(0, 4), textcoords="offset points", rotation=55, **_NAMES)


def _together(points: Sequence[_Named]) -> list[tuple[list[str], _Point]]:
    """Return names and places, those too near to each other to be read apart in one."""
    found: list[tuple[list[str], _Point]] = []
    for info, (x, y) in points:
        # The world is in the title.
        name = info.token.partition("_")[2] or info.token
        near = [names for names, (a, b) in found if abs(a - x) < _NEAR and abs(b - y) < _NEAR]
        if near:
            near[0].append(name)
        else:
            found.append(([name], (x, y)))
    return found
