"""What recalibrations make of each line, where others than temperature scaling on the source were asked for."""

from __future__ import annotations

from bench.report.averages import average, metric, transfer
from bench.report.cells import nats, points, signed_points, spread_cell, square_points
from bench.report.flags import TARGET_LABELS, Footnotes
from bench.report.parts import Table
from bench.report.scores import targets
from bench.report.sections import Line, Section

# Columns of the other tables already show these.
_SHOWN = frozenset({"none", "ts_en", "ts_pivot"})
_COLUMNS = (
    ("NLL", metric("nll"), nats),
    ("L2² pp²", metric("l2sq15"), square_points),
    ("acc", metric("accuracy"), points),
    ("gap", metric("gap"), signed_points),
    ("gap minus source", transfer("gap"), signed_points),
)


def recalibrations(section: Section, footnotes: Footnotes) -> Table | None:
    """Return the table, None where there is nothing that the other tables do not show."""
    found = {row.recalibration for line in section.lines for row in line.rows}
    if found <= _SHOWN:
        return None
    names = ["none", *sorted(found - {"none"})]
    rows = [_cells(section, line, name, footnotes) for line in section.lines for name in names]
    headers = ["model", "intermediate", "recalibration", *(title for title, _, _ in _COLUMNS), "notes"]
    return Table(headers, rows, left=3)


def _cells(section: Section, line: Line, name: str, footnotes: Footnotes) -> list[str]:
    values = [
        spread_cell(average(line, targets(section), quantity, name), form, False) for _, quantity, form in _COLUMNS
    ]
    labelled = any(TARGET_LABELS in row.flags for row in line.rows if row.recalibration == name)
    return [line.model, line.training, name, *values, footnotes.marks([TARGET_LABELS] if labelled else [])]
