"""Figure: morphology by pretraining data in an artificial world: transfer of the gap in every cell of the design."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.arms import arm_mean, arms
from bench.report.cells import signed_points
from bench.report.claim_settings import transferred
from bench.report.drawing import figure_to, flags_line, heading
from bench.report.heat import Heat, draw_heat, shared_limit
from bench.report.sections import REAL, Line, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DATA = ("plenty", "scarce")


def grid_figure(section: Section, *paths: Path) -> None:
    """Draw the transfer of the gap by type and data, a panel for each model and arm, to `paths` (.svg or .png).

    A cell is the mean over seeds; types go from the richest to the poorest, and the source's own is marked.
    Raises BadInput as `figure_to` does.
    """
    panels = {model: _heats(section, model) for model in section.models}
    names = list(dict.fromkeys(name for heats in panels.values() for name in heats))
    with figure_to(paths, max(7.5, 0.9 + 2.3 * len(panels)), 1.5 + 2.6 * len(names)) as figure:
        _draw(figure, panels, names)
        source = "Means over seeds. = marks the source's own type; hatched: no cell of the design, or none above chance"
        flags = {flag for line in section.lines for flag in line.flags}
        heading(figure, f"Transfer of the gap by morphology and data: {section.title}", source, flags_line(flags))


def has_grid(section: Section) -> bool:
    """Whether the section is of an artificial world, and of a target with a source language."""
    return section.world != REAL and section.source is not None


def _draw(figure: Figure, panels: dict[str, dict[str, Heat]], names: list[str]) -> None:
    grid = figure.subplots(len(names), len(panels), squeeze=False, sharex=True, sharey=True)
    limit = shared_limit([heat for heats in panels.values() for heat in heats.values()])
    image = None
    for row, name in zip(grid, names, strict=True):
        for axes, (model, heats) in zip(row, panels.items(), strict=True):
            if name in heats:
                image = draw_heat(axes, heats[name], limit)
                axes.set_title(f"{model}, {name}", loc="left", fontsize=9)
            else:
                axes.set_axis_off()
    if image is not None:
        figure.colorbar(image, ax=grid, label="transfer of the gap (percent points)", shrink=0.7)


def _heats(section: Section, model: str) -> dict[str, Heat]:
    return {name: _heat(section, lines) for name, lines in arms(section, model).items()}


def _heat(section: Section, lines: Sequence[Line]) -> Heat:
    from bench.data.artificial.languages import TYPES, describe, source_type

    tokens = {
        (facts.type, facts.data): info.token
        for info in section.languages
        if not (facts := describe(info.token)).control
    }
    types, own = list(TYPES)[::-1], source_type(int(section.world[1:]))
    values = [[_value(section, lines, tokens.get((one, data))) for data in _DATA] for one in types]
    texts = [["" if value is None else signed_points(value) for value in row] for row in values]
    return Heat([f"{one} =" if one == own else one for one in types], list(_DATA), values, texts)


def _value(section: Section, lines: Sequence[Line], token: str | None) -> float | None:
    mean = None if token is None else arm_mean(lines, [token], transferred("gap"), section.source)
    return None if mean is None else mean.value
