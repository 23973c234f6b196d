"""Figures: the signed gap of every language, so that degradation can be seen before it is averaged."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.by_language import language_rows
from bench.report.sections import Line, Section
from bench.report.tables import visible
from bench.rows import Estimate
from bench.small_files import replace_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, whose order here alternates dark and light; the markers tell the lines apart in grey.
_STYLES = (
    ("#000000", "o"),
    ("#E69F00", "s"),
    ("#0072B2", "^"),
    ("#CC79A7", "D"),
    ("#009E73", "v"),
    ("#D55E00", "P"),
    ("#56B4E9", "X"),
)
_PANEL_INCHES = 2.3
_WIDTH_INCHES = 9.0
_TITLE_CHARACTERS = 105
_WHISKERS = "Whiskers: range over seeds; with one seed the 95 % interval over items"


def degradation_figure(section: Section, path: Path) -> None:
    """Draw the signed gap by language, a panel for each model, to `path` (.svg or .png by its suffix).

    Whiskers are the range over seeds, with one seed the 95 % interval over items. Equal sections give equal SVG bytes
    with one version of matplotlib. Raises BadInput for another suffix or a path that cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if path.suffix not in (".svg", ".png"):
        raise BadInput(f"Got path={str(path)!r}, but a figure ends in .svg or .png.")
    models = section.models
    with rc_context({"svg.hashsalt": "crosscal", "svg.fonttype": "none", "font.size": 9, "text.parse_math": False}):
        figure = Figure(figsize=(_WIDTH_INCHES, 1.5 + _PANEL_INCHES * len(models)), layout="constrained")
        panels = figure.subplots(len(models), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, model in zip(panels, models, strict=True):
            _panel(axes, section, model)
        _label_groups(panels[0], section)
        handles = {
            label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), title="intermediate", loc="outside lower center", ncols=6)
        figure.suptitle(_title(section), fontsize=10)
        figure.supylabel("mean confidence − accuracy (percent points)", fontsize=9)
        _save(figure, path)


def _panel(axes: Axes, section: Section, model: str) -> None:
    trainings = list(dict.fromkeys(line.training for line in section.lines))
    lines = [line for line in section.lines if line.model == model]
    for line in lines:
        place = trainings.index(line.training)
        offset = 0.6 * ((place + 0.5) / len(trainings) - 0.5)
        _points(axes, section, line, offset, style(place))
    axes.axhline(0, color="0.5", linewidth=0.8, zorder=0)
    axes.set_title(model, loc="left", fontsize=9)
    axes.set_xticks(range(len(section.languages)), [info.token for info in section.languages])
    axes.set_xlim(-0.6, len(section.languages) - 0.4)
    axes.tick_params(axis="x", rotation=0 if section.world == "real" else 30)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def _points(axes: Axes, section: Section, line: Line, offset: float, style: tuple[str, str]) -> None:
    color, marker = style
    gaps = [_gaps(line, info.token) for info in section.languages]
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
        label=line.training,
    )
    lows, highs = [100 * low for *_, low, _ in drawn], [100 * high for *_, high in drawn]
    axes.vlines([x for x, *_ in drawn], lows, highs, color=color, linewidth=1.5)


def style(place: int) -> tuple[str, str]:
    """Return colour and marker of line `place`: no two of the first 49 are alike."""
    count = len(_STYLES)
    return _STYLES[place % count][0], _STYLES[(place + place // count) % count][1]


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


def _label_groups(axes: Axes, section: Section) -> None:
    # Room for the groups between the title and the panel.
    axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=9, pad=16)
    start = 0
    for group, members in groupby(section.languages, key=lambda info: info.group):
        size = len(list(members))
        axes.annotate(
            group, (start + (size - 1) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=8, color="0.3",
        )  # fmt: skip
        for panel in axes.figure.axes if start else []:
            panel.axvline(start - 0.5, color="0.6", linewidth=0.8, linestyle=":")
        start += size


def _title(section: Section) -> str:
    flags = sorted({flag for line in section.lines for flag in line.flags})
    notes = f"\nFlags of at least one line: {visible(', '.join(flags))}" if flags else ""
    heading = f"Signed gap by language: {visible(section.title)}\n{_WHISKERS}{notes}"
    return "\n".join(wrapped for part in heading.split("\n") for wrapped in textwrap.wrap(part, _TITLE_CHARACTERS))


def _save(figure: Figure, path: Path) -> None:
    # The date would make equal figures differ.
    metadata = {"Date": None} if path.suffix == ".svg" else {}
    image = BytesIO()
    figure.savefig(image, format=path.suffix[1:], metadata=metadata, dpi=150)
    replace_bytes(path, image.getvalue())
