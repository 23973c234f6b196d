"""Figures: the signed gap of every language, so that degradation can be seen before it is averaged."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalog.language_info import LanguageInfo
from bench.report.by_language import language_rows
from bench.report.drawing import figure_to, flags_line, heading, legend_below, quiet, style
from bench.report.line_kinds import LineKind, line_kinds
from bench.report.richness import by_richness
from bench.report.sections import Line, Section
from bench.rows import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_INCHES = 2.3
_WIDTH_INCHES = 9.0
_WHISKERS = "Whiskers: range over seeds; with one seed the 95 % interval over items"


def degradation_figure(section: Section, variant: str, *paths: Path) -> None:
    """Draw the signed gap by language to `paths`, which end in .svg or .png.

    There is a panel for each model, of a variant two: the plain training and the variant. In each group the
    morphologically richest language comes first. Whiskers are the range over seeds, with one seed the 95 % interval
    over items. Raises BadInput as `figure_to` does.
    """
    kinds, languages = line_kinds(section, variant), by_richness(section.languages)
    with figure_to(paths, _WIDTH_INCHES, 1.5 + _PANEL_INCHES * len(kinds)) as figure:
        panels = figure.subplots(len(kinds), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, kind in zip(panels, kinds, strict=True):
            _panel(axes, section, languages, kind)
        _label_groups(panels[0], languages)
        legend_below(figure, "intermediate")
        flags = flags_line(flag for kind in kinds for line in kind.lines(section) for flag in line.flags)
        heading(figure, f"Signed gap by language: {section.title}", _WHISKERS, flags)
        figure.supylabel("signed gap (percent points)", fontsize=9)


def _panel(axes: Axes, section: Section, languages: Sequence[LanguageInfo], kind: LineKind) -> None:
    intermediates = section.intermediates
    for line in kind.lines(section):
        place = intermediates.index(line.intermediate)
        offset = 0.6 * ((place + 0.5) / len(intermediates) - 0.5)
        _points(axes, languages, line, offset, style(place))
    quiet(axes)
    axes.set_title(kind.title, loc="left", fontsize=9)
    axes.set_xticks(range(len(languages)), [info.token for info in languages])
    axes.set_xlim(-0.6, len(languages) - 0.4)
    axes.tick_params(axis="x", rotation=0 if section.world == "real" else 30)


def _points(axes: Axes, languages: Sequence[LanguageInfo], line: Line, offset: float, look: tuple[str, str]) -> None:
    color, marker = look
    gaps = [_gaps(line, info.token) for info in languages]
    drawn = [(place + offset, *whisker(found)) for place, found in enumerate(gaps) if found]
    axes.plot(
        [x for x, *_ in drawn],
        [100 * value for _, value, *_ in drawn],
        linestyle="none",
        marker=marker,
        markersize=5,
        color=color,
        markeredgecolor="black",
        markeredgewidth=0.5,
        label=line.intermediate,
    )
    lows, highs = [100 * low for *_, low, _ in drawn], [100 * high for *_, high in drawn]
    axes.vlines([x for x, *_ in drawn], lows, highs, color=color, linewidth=1.5)


def _gaps(line: Line, token: str) -> list[Estimate]:
    return [gap for row in language_rows(line, token) if (gap := row.metric("gap")) is not None]


def whisker(gaps: Sequence[Estimate]) -> tuple[float, float, float]:
    """Return the mean over seeds with the seeds' range, or one seed's value with its interval over items.

    An interval over two or three seeds is the table's business: its t quantile would dwarf every difference drawn.
    """
    value = statistics.fmean(gap.value for gap in gaps)
    if len(gaps) > 1:
        return value, min(gap.value for gap in gaps), max(gap.value for gap in gaps)
    (gap,) = gaps
    return (value, value, value) if gap.low is None or gap.high is None else (value, gap.low, gap.high)


def _label_groups(axes: Axes, languages: Sequence[LanguageInfo]) -> None:
    # Room for the groups between the title and the panel.
    axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=9, pad=16)
    start = 0
    for group, members in groupby(languages, key=lambda info: info.group):
        size = len(list(members))
        axes.annotate(
            group, (start + (size - 1) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=8, color="0.3",
        )  # fmt: skip
        for panel in axes.figure.axes if start else []:
            panel.axvline(start - 0.5, color="0.6", linewidth=0.8, linestyle=":")
        start += size
