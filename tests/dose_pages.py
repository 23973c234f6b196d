"""The pages of doses as numbers: what `python -m bench.pretraining.arms` wrote for each world."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.generated_parts import with_part

BEGIN, END = "<!-- doses: python -m tests.dose_pages -->\n", "<!-- end of doses -->\n"
# Worlds that `python -m bench.pretraining.arms` was run on.
WORLDS = (0, 1, 2)
DOSES = ("dose 0", "dose .1", "dose .5")
RICH = ("agg", "fus", "int")
_CELL = re.compile(r"([\d.]+) \(([-+][\d.]+)\)")
_DOCS = Path(__file__).parents[1] / "docs"


def readings(world: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Return accuracy and gap in percent points by arm and language, which is named without its world."""
    lines = [
        line
        for line in (_DOCS / "worlds" / f"arms-w{world}.md").read_text(encoding="utf-8").splitlines()
        if "|" in line
    ]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    found = {}
    for token, _, *cells in rows:
        for arm, cell in zip(head[2:], cells, strict=True):
            accuracy, gap = map(float, _CELL.fullmatch(cell).groups())
            found[arm, token.partition("_")[2]] = accuracy, gap
    return found


def mean_gap(found: dict[tuple[str, str], tuple[float, float]], arm: str, languages: tuple[str, ...]) -> float:
    """Return the mean gap of an arm over languages."""
    return sum(found[arm, language][1] for language in languages) / len(languages)


def transfer_to_rich(world: int, arm: str) -> float:
    """Return the gap in plentiful rich languages less that in the source."""
    found = readings(world)
    return mean_gap(found, arm, RICH) - found[arm, "src"][1]


def rich_less_poor(world: int, arm: str) -> float:
    """Return the gap in plentiful rich languages less that in the plentiful poor one."""
    found = readings(world)
    return mean_gap(found, arm, RICH) - found[arm, "iso"][1]


def scarce_less_plentiful(world: int, arm: str) -> float:
    """Return the gap in scarce languages less that in their plentiful twins."""
    found = readings(world)
    twins = ("agg", "fus", "iso")
    return mean_gap(found, arm, tuple(f"{twin}_lo" for twin in twins)) - mean_gap(found, arm, twins)


QUANTITIES: Mapping[str, Callable[[int, str], float]] = {
    "rich minus source": transfer_to_rich,
    "rich minus poor": rich_less_poor,
    "scarce minus plentiful": scarce_less_plentiful,
}


def table() -> str:
    """Return the Markdown table: a line a quantity and world, a column a dose, percent points of the gap."""
    lines = ["| gap | world | " + " | ".join(DOSES) + " |", "|---|---|" + "---:|" * len(DOSES)]
    for name, quantity in QUANTITIES.items():
        for world in WORLDS:
            lines.append(f"| {name} | {world} | " + " | ".join(f"{quantity(world, arm):+.1f}" for arm in DOSES) + " |")
    return "".join(f"{line}\n" for line in lines)


def with_doses(page: str) -> str:
    """Return `page` with the table between its marks."""
    return with_part(page, BEGIN, END, table())


if __name__ == "__main__":
    path = _DOCS / "worlds.md"
    path.write_text(with_doses(path.read_text(encoding="utf-8")), encoding="utf-8")
