"""The part of the leaderboard that averages nothing but seeds: every language of every line."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from bench.catalog.language_info import LanguageInfo
from bench.report.cells import Format, cell, interval_cell, points, signed_points
from bench.report.flags import Footnotes
from bench.report.parts import Table
from bench.report.sections import Line, Section
from bench.report.seeds import combine_seeds
from bench.report.tables import MISSING
from bench.rows import Estimate, Row

_HEADERS = ("intermediate", "language", "group", "seeds", "n")
_CALIBRATION = ("acc", "gap", "ECE-15", "floor")
_TRANSFER = "gap minus source (95 %)"


def by_language(section: Section, footnotes: Footnotes) -> tuple[Table, ...]:
    """Return one table a model, its lines in order, each with its languages in the order of the section."""
    return tuple(_table(section, model, footnotes) for model in section.models)


def language_rows(line: Line, token: str, recalibration: str = "none") -> list[Row]:
    """Return the line's rows of one language, one for each seed that has it."""
    cells = (line.row(seed, token, recalibration) for seed in line.seeds)
    return [row for row in cells if row is not None]


def over_seeds(rows: Iterable[Row], read: Callable[[Row], Estimate | None]) -> Estimate | None:
    """Return one estimate over the rows' seeds, None if any seed has none."""
    estimates = [read(row) for row in rows]
    present = [estimate for estimate in estimates if estimate is not None]
    return combine_seeds(present) if present and len(present) == len(estimates) else None


def _table(section: Section, model: str, footnotes: Footnotes) -> Table:
    lines = [line for line in section.lines if line.model == model]
    with_truth = any(row.metric("true_ece15") for line in lines for row in line.rows)
    judged = [f"{section.score} (95 %)", "baseline"] if section.score else []
    truth = ["true ECE"] if with_truth else []
    headers = [*_HEADERS, *judged, *_CALIBRATION, *truth, _TRANSFER, f"gap {section.after}", "notes"]
    rows = [_cells(section, line, info, with_truth, footnotes) for line in lines for info in section.languages]
    return Table(headers, [row for row in rows if row], left=3, caption=model)


def _cells(section: Section, line: Line, info: LanguageInfo, with_truth: bool, footnotes: Footnotes) -> list[str]:
    rows = language_rows(line, info.token)
    if not rows:
        return []
    ece = over_seeds(rows, lambda row: row.metric("ece15"))
    truth = [_metric(rows, "true_ece15", points)] if with_truth else []
    return [
        line.training,
        info.token if info.name == info.token else f"{info.token} {info.name}",
        f"{info.group}, scarce" if info.scarce else info.group,
        str(len(rows)),
        "/".join(str(n) for n in sorted({row.n for row in rows})),
        *(_judged(rows, section.score) if section.score else []),
        _metric(rows, "accuracy", points),
        _metric(rows, "gap", signed_points),
        cell(None if ece is None else ece.value, points),
        cell(None if ece is None else ece.floor, points),
        *truth,
        interval_cell(over_seeds(rows, lambda row: row.transfer("gap")), signed_points),
        _metric(language_rows(line, info.token, section.after), "gap", signed_points),
        footnotes.marks(flag for row in rows for flag in row.flags),
    ]


def _judged(rows: Sequence[Row], score: str) -> list[str]:
    baselines = [row.baseline[1] for row in rows if row.baseline is not None]
    return [
        interval_cell(over_seeds(rows, lambda row: row.task_score(score)), points),
        cell(statistics.fmean(baselines) if baselines else None, points),
    ]


def _metric(rows: Sequence[Row], name: str, form: Format) -> str:
    estimate = over_seeds(rows, lambda row: row.metric(name))
    return MISSING if estimate is None else form(estimate.value)
