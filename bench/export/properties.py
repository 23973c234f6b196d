"""What a JUnit file says of a case beside whether it passed."""

from __future__ import annotations

from collections.abc import Sequence

from bench.stored_rows import NotedRow


def case_properties(rows: Sequence[NotedRow]) -> list[tuple[str, str]]:
    """Return names and values for the rows of one case: study, flags, number of units, and the main metrics.

    Metrics of a recalibration carry its name: `nll`, `nll.ts_en`. What is missing is left out.
    """
    if not rows:
        return []
    first = rows[0]
    flags = sorted({flag for row in rows for flag in row.flags})
    stated = [("crosscal.study", first.study), ("crosscal.n", str(first.n)), ("crosscal.flags", " ".join(flags))]
    return stated + [measured for row in rows for measured in _metrics(row)]


def _metrics(row: NotedRow) -> list[tuple[str, str]]:
    suffix = "" if row.recalibration == "none" else f".{row.recalibration}"
    return [(f"crosscal.{name}{suffix}", f"{value:.6g}") for name, value in row.metrics.items()]
