"""A table of signed numbers as colours, every cell with its number: colours of a sign look alike in grey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# Purple and orange: told apart with any common colour blindness, and both dark at their ends.
_COLOURS = "PuOr_r"
_LEAST = 0.01
_DARK = 0.7


@dataclass(frozen=True)
class Heat:
    """Rows by columns of fractions of one, None where there is nothing; `texts` is what stands in each cell.

    It stands there in bold where `strong`, which may be left out, is true.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    texts: Sequence[Sequence[str]]
    strong: Sequence[Sequence[bool]] = ()


def shared_limit(heats: Iterable[Heat]) -> float:
    """Return the largest size of any value, at least a point: what full colour stands for."""
    sizes = [abs(value) for heat in heats for row in heat.values for value in row if value is not None]
    return max([_LEAST, *sizes])


def draw_heat(axes: Axes, heat: Heat, limit: float) -> AxesImage:
    """Draw the table in percent points, full colour at `limit`; cells without a value stay white and hatched."""
    numbers = [[float("nan") if value is None else 100 * value for value in row] for row in heat.values]
    image = axes.imshow(numbers, cmap=_COLOURS, vmin=-100 * limit, vmax=100 * limit, aspect="auto")
    axes.set_xticks(range(len(heat.columns)), heat.columns, fontsize=8)
    axes.set_yticks(range(len(heat.rows)), heat.rows, fontsize=8)
    axes.tick_params(length=0)
    for y, row in enumerate(heat.texts):
        for x, text in enumerate(row):
            _cell(axes, x, y, text, heat.values[y][x], limit, bool(heat.strong) and heat.strong[y][x])
    return image


def _cell(axes: Axes, x: int, y: int, text: str, value: float | None, limit: float, strong: bool) -> None:
    if value is None:
        from matplotlib.patches import Rectangle

        patch = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch="////", edgecolor="0.85", linewidth=0)
        axes.add_patch(patch)
    dark = value is not None and abs(value) > _DARK * limit
    color, weight = "white" if dark else "black", "bold" if strong else "normal"
    axes.text(x, y, text, ha="center", va="center", fontsize=8, color=color, weight=weight)
