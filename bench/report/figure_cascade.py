"""Figure: a small model answers where it is sure enough, and the largest is asked about the rest (Lu et al. 2024)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.calibration.arrays import IntArray
from bench.catalog.ladders import Ladder
from bench.report.drawing import figure_to, heading, legend_below, style
from bench.report.richness import by_richness
from bench.report.sections import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.calibration.outcomes import Outcomes

_COLUMNS = 5
_INCHES = 2.2
_POINTS = 120
_READING = (
    "Cost of an item in parameters outside the embeddings, the largest model being 1. A mark at the start of a line is "
    "the small model alone, the star the largest alone; the open mark is the least cost at its accuracy"
)


def cascade_figure(
    section: Section, ladder: Ladder, training: str, seed: int, found: Mapping[tuple[str, str], Outcomes], *paths: Path
) -> None:
    """Draw accuracy against cost of every cascade into the largest model, a panel for each language, to `paths`.

    `found` maps (model, language) to outcomes. `paths` end in .svg or .png. Raises BadInput as `figure_to` does.
    """
    *_, large = ladder.models
    infos = [info for info in by_richness(section.languages) if (large.token, info.token) in found]
    rows, columns = math.ceil(len(infos) / _COLUMNS), min(len(infos), _COLUMNS)
    with figure_to(paths, max(7.0, _INCHES * columns), 1.8 + _INCHES * rows) as figure:
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, info in zip(panels, infos, strict=False):
            draw_cascades(axes, ladder, {model: each for (model, token), each in found.items() if token == info.token})
            axes.set_title(f"{info.token}, {info.group}{', scarce' if info.scarce else ''}", loc="left", fontsize=8)
        for axes in panels[len(infos) :]:
            axes.set_axis_off()
        figure.supylabel("accuracy (%)", fontsize=9)
        legend_below(figure, f"cascade into {large.token}")
        heading(figure, f"Cascades, intermediate {training}, seed {seed}: {section.title}", _READING)


def draw_cascades(axes: Axes, ladder: Ladder, found: Mapping[str, Outcomes]) -> None:
    """Draw the curves of one language to `axes`: from each smaller model of `found`, by token, into the largest."""
    from bench.calibration.cascade import cascade_curve

    *small, large = ladder.models
    asked = found[large.token]
    for place, spec in enumerate(spec for spec in small if spec.token in found):
        share = spec.body_parameters / large.body_parameters
        curve = cascade_curve(found[spec.token], asked, share, 1.0)
        color, marker = style(place)
        shown = _places(len(curve.cost))
        axes.plot(
            curve.cost[shown], 100 * curve.accuracy[shown], color=color, linewidth=1.2, marker=marker, markersize=5,
            markevery=[0], label=f"from {spec.token}",
        )  # fmt: skip
        match = share + curve.share_to_match
        axes.plot([match], [100 * curve.accuracy[-1]], marker=marker, markersize=5, color=color, markerfacecolor="none")
    axes.plot([1], [100 * asked.correct.mean()], marker="*", markersize=9, color="black", linestyle="none")
    axes.grid(color="0.93", linewidth=0.6)
    axes.set_xlim(0, 1.05 + max(spec.body_parameters for spec in small) / large.body_parameters)
    axes.set_xlabel("cost", fontsize=8)
    axes.tick_params(labelsize=7)


def _places(count: int) -> IntArray:
    # A panel is as many points wide: more places of a curve make the file larger and no line finer.
    return np.unique(np.linspace(0, count - 1, _POINTS).round().astype(np.int64))
