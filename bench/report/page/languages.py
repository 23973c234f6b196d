"""The tables by language of a section as one table, for the script of the page to show."""

from __future__ import annotations

from collections.abc import Iterable

from bench.report.parts import Table
from bench.report.tables import MISSING


def joined(tables: Iterable[Table]) -> Table | None:
    """Return tables with a model each as one with a column for the model; a column that one lacks is a dash there."""
    tables = [table for table in tables if table.rows]
    if not tables:
        return None
    # The language first, so that it stays in sight on a narrow screen.
    headers = [header for header in max((table.headers for table in tables), key=len) if header != "language"]
    rows = [
        [cells["language"], table.caption, *(cells.get(header, MISSING) for header in headers)]
        for table in tables
        for cells in (dict(zip(table.headers, row, strict=True)) for row in table.rows)
    ]
    return Table(["language", "model", *headers], rows, left=1 + tables[0].left, caption="By language")
