"""The table of further views: the same predictions with another unit, or another rule for what is right."""

from __future__ import annotations

from dataclasses import replace

from bench.report.averages import Quantity, average, floor, metric, transfer
from bench.report.cells import Format, points, signed_points, spread_cell
from bench.report.parts import Table
from bench.report.scores import targets
from bench.report.sections import Line, Section

_COLUMNS: tuple[tuple[str, Quantity, Format], ...] = (
    ("right", metric("accuracy"), points),
    ("conf", metric("confidence"), points),
    ("gap", metric("gap"), signed_points),
    ("ECE-15", metric("ece15"), points),
    ("floor", floor("ece15"), points),
    ("gap minus source", transfer("gap"), signed_points),
)


def further_views(section: Section) -> Table | None:
    """Return the table, None where the task has but one view."""
    names = sorted({name for line in section.lines for row in line.rows for name in row.views})
    if not names:
        return None
    rows = [_cells(section, _seen(line, name), name) for line in section.lines for name in names]
    headers = ["model", "intermediate", "view", "source gap", *(title for title, _, _ in _COLUMNS)]
    return Table(headers, rows, left=3)


def _seen(line: Line, name: str) -> Line:
    seen = (row.view(name) for row in line.rows if row.recalibration == "none")
    return replace(line, rows=tuple(row for row in seen if row is not None))


def _cells(section: Section, line: Line, name: str) -> list[str]:
    source = average(line, [section.source] if section.source else [], metric("gap"))
    values = [spread_cell(average(line, targets(section), quantity), form, False) for _, quantity, form in _COLUMNS]
    return [line.model, line.training, name, spread_cell(source, signed_points, False), *values]
