"""What all figures share: colours and markers, type, titles that fit, and equal bytes for equal data."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.tables import visible
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
_SUFFIXES = (".svg", ".png")
_CHARACTERS_AN_INCH = 11.6
# Of a legend: the sign before a label and the room after it count as so many characters.
_LEGEND_COLUMNS, _LEGEND_KEY_CHARACTERS, _LEGEND_LINE_INCHES = 6, 7, 0.2
_SIZE = 9
_BETWEEN = re.compile(r">\s+<")
_PLACES = re.compile(r'(?<= )(d|x|y|transform)="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")


def style(place: int) -> tuple[str, str]:
    """Return colour and marker of line `place`: no two of the first 49 are alike."""
    count = len(_STYLES)
    return _STYLES[place % count][0], _STYLES[(place + place // count) % count][1]


@contextmanager
def figure_to(paths: Sequence[Path], width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure of `width` by `height` inches, and write what was drawn to `paths` (.svg or .png each).

    Equal drawings give equal bytes with one version of matplotlib. Raises BadInput for another suffix, before anything
    is drawn, or a path that cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    for path in paths:
        if path.suffix not in _SUFFIXES:
            raise BadInput(f"Got path={str(path)!r}, but a figure ends in .svg or .png.")
    one_font = rc_context({"font.sans-serif": ["DejaVu Sans"], "font.size": _SIZE})
    with one_font, rc_context({"svg.hashsalt": "crosscal", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        for path in paths:
            _save(figure, path)


def heading(figure: Figure, *lines: str) -> None:
    """Set the title, each line broken where the figure's width asks for it."""
    characters = int(figure.get_figwidth() * _CHARACTERS_AN_INCH)
    broken = [part for line in lines if line for part in textwrap.wrap(visible(line), characters)]
    figure.suptitle("\n".join(broken), fontsize=10)


def flags_line(flags: Iterable[str]) -> str:
    """Return the line of a title that names the flags, "" without any."""
    named = sorted(set(flags))
    return f"Flags of at least one line: {', '.join(named)}" if named else ""


def quiet(axes: Axes) -> None:
    """Draw a zero line and pale horizontal lines behind the data."""
    axes.axhline(0, color="0.5", linewidth=0.8, zorder=0)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def legend_below(figure: Figure, title: str) -> None:
    """Draw one legend for all panels below them, each label once; the figure grows by the lines after the first."""
    found = [
        (label, handle) for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    ]
    handles = dict(found)
    columns = _legend_columns(figure, handles)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE_INCHES * (math.ceil(len(handles) / columns) - 1))
    figure.legend(handles.values(), handles.keys(), title=title, loc="outside lower center", ncols=columns)


def _legend_columns(figure: Figure, labels: Iterable[str]) -> int:
    widest = max(map(len, labels), default=0) + _LEGEND_KEY_CHARACTERS
    return max(1, min(_LEGEND_COLUMNS, int(figure.get_figwidth() * _CHARACTERS_AN_INCH) // widest))


def _save(figure: Figure, path: Path) -> None:
    # The date would make equal figures differ.
    metadata = {"Date": None} if path.suffix == ".svg" else {}
    image = BytesIO()
    figure.savefig(image, format=path.suffix[1:], metadata=metadata, dpi=150)
    replace_bytes(path, _short(image.getvalue()) if path.suffix == ".svg" else image.getvalue())


def _short(svg: bytes) -> bytes:
    # A page holds a hundred of these: hundredths of a point are fine enough, and nobody reads the indentation.
    text = _BETWEEN.sub("><", svg.decode("utf-8"))
    return _PLACES.sub(lambda found: _DIGITS.sub(r"\1", found[0]), text).encode("utf-8")
