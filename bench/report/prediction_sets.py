"""The table of prediction sets: what sets calibrated in the source language are worth in others."""

from __future__ import annotations

from bench.report.averages import Quantity, average
from bench.report.cells import signed_points, sizes, spread_cell
from bench.report.parts import Table
from bench.report.scores import targets
from bench.report.sections import Line, Section
from bench.rows import Row

_METHODS = ("lac", "aps", "raps")


def prediction_sets(section: Section) -> Table | None:
    """Return the table, None where no row has prediction sets."""
    if not any(_of(row, "lac", "gap") is not None for line in section.lines for row in line.rows):
        return None
    rows = [_cells(section, line, method) for line in section.lines for method in _METHODS]
    headers = ["model", "intermediate", "sets", "source gap", "gap", "worst gap", "source size", "size"]
    return Table(headers, rows, left=3)


def _cells(section: Section, line: Line, method: str) -> list[str]:
    gap, size = _quantity(method, "gap"), _quantity(method, "mean_size")
    source = [section.source] if section.source else []
    gaps = [average(line, [language], gap) for language in targets(section)]
    present = [spread for spread in gaps if spread is not None]
    worst = max(present, key=lambda spread: spread.value) if present and len(present) == len(gaps) else None
    return [
        line.model,
        line.training,
        method,
        spread_cell(average(line, source, gap), signed_points, False),
        spread_cell(average(line, targets(section), gap), signed_points, False),
        spread_cell(worst, signed_points, False),
        spread_cell(average(line, source, size), sizes, False),
        spread_cell(average(line, targets(section), size), sizes, False),
    ]


def _quantity(method: str, name: str) -> Quantity:
    return lambda row: _of(row, method, name)


def _of(row: Row, method: str, name: str) -> float | None:
    sets = row.data.get("prediction_sets")
    return None if sets is None else float(sets[method][name])
