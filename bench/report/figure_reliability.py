"""Figure: reliability diagrams of every model and language, from stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.catalog.language_info import LanguageInfo
from bench.report.drawing import figure_to, heading
from bench.report.richness import by_richness
from bench.report.sections import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.calibration.outcomes import Outcomes

_INCHES = 1.5
_READING = (
    "Line: accuracy in bins of confidence. Bars: where nine in ten calibrated models would lie. Grey: share of items"
)
# Shares are drawn at this size, so that they stay below the line.
_HISTOGRAM = 0.35
_BAR = 1 / 18


def reliability_figure(
    section: Section, training: str, seed: int, found: Mapping[tuple[str, str], Outcomes], *paths: Path
) -> None:
    """Draw a diagram for every model and language of `found`, which maps (model, language) to outcomes, to `paths`.

    Models go down and languages, in their order of richness, to the right. `paths` end in .svg or .png.
    Raises BadInput as `figure_to` does.
    """
    models = [model for model in section.models if any(model == one for one, _ in found)]
    languages = [i for i in by_richness(section.languages) if any(i.token == one for _, one in found)]
    width, height = max(6.0, 0.8 + _INCHES * len(languages)), 1.2 + _INCHES * len(models)
    with figure_to(paths, width, height) as figure:
        grid = figure.subplots(len(models), len(languages), sharex=True, sharey=True, squeeze=False)
        for row, model in zip(grid, models, strict=True):
            _row(row, model, languages, found)
        for axes, info in zip(grid[0], languages, strict=True):
            axes.set_title(f"{info.token}\n{info.group}{', scarce' if info.scarce else ''}", fontsize=8)
        figure.supxlabel("confidence", fontsize=9)
        figure.supylabel("accuracy", fontsize=9)
        heading(figure, f"Reliability, intermediate {training}, seed {seed}: {section.title}", _READING)


def _row(
    row: Sequence[Axes], model: str, languages: Sequence[LanguageInfo], found: Mapping[tuple[str, str], Outcomes]
) -> None:
    row[0].set_ylabel(model, fontsize=8)
    for axes, info in zip(row, languages, strict=True):
        outcomes = found.get((model, info.token))
        if outcomes is None:
            axes.text(0.5, 0.5, "not stored", ha="center", va="center", fontsize=7, color="0.4")
        else:
            draw_diagram(axes, outcomes)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"], fontsize=7)
        axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"], fontsize=7)


def draw_diagram(axes: Axes, outcomes: Outcomes) -> None:
    """Draw one diagram to `axes`, whose limits the caller sets."""
    from bench.calibration.reliability import reliability

    found = reliability(outcomes)
    axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8)
    _bars(axes, found.confidence, _HISTOGRAM * found.share / found.share.max())
    _vertical_lines(axes, found.confidence, found.low, found.high)
    axes.plot(found.confidence, found.accuracy, color="#0072B2", marker="o", markersize=2.5, linewidth=1)


# One path for all bars of a diagram and one for all lines: a file with hundreds of diagrams is a third as large.
def _bars(axes: Axes, at: FloatArray, heights: FloatArray) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    left, right, zero = at - _BAR / 2, at + _BAR / 2, np.zeros_like(at)
    corners = np.stack([left, zero, left, heights, right, heights, right, zero], axis=-1).reshape(-1, 4, 2)
    axes.add_patch(PathPatch(Outline.make_compound_path_from_polys(corners), facecolor="0.85", edgecolor="none"))


def _vertical_lines(axes: Axes, at: FloatArray, low: FloatArray, high: FloatArray) -> None:
    gap = np.full_like(at, np.nan)
    ends = np.stack([low, high, gap], axis=-1).ravel()
    axes.plot(np.repeat(at, 3), ends, color="#E69F00", linewidth=3, solid_capstyle="butt")
