"""The report for a terminal: coverage, and a compact leaderboard that fits the width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from bench.catalog.language_info import LanguageInfo
from bench.report.coverage import coverage_line, mark_earlier, reasons
from bench.report.evidence import evidence
from bench.report.flags import Footnotes
from bench.report.frame import frames
from bench.report.leaderboard import marks, members_sentence, trained_cells
from bench.report.ledger import Ledger
from bench.report.scores import (
    ACCURACY,
    ECE,
    GAP,
    GAP_AFTER,
    NLL,
    SCORE,
    SOURCE_ACCURACY,
    TRANSFER,
    TRANSFER_POOR,
    TRANSFER_RICH,
    Column,
    cells,
    kept,
    ranked,
    worst_cell,
)
from bench.report.sections import Section, sections
from bench.report.tables import terminal_table, visible
from bench.rows import Row

_COLUMNS = {
    "score": SCORE,
    "NLL": NLL,
    "source": SOURCE_ACCURACY,
    "acc": ACCURACY,
    "gap": GAP,
    "ts": GAP_AFTER,
    "ECE": ECE,
    "Δgap": TRANSFER,
    "Δrich": TRANSFER_RICH,
    "Δpoor": TRANSFER_POOR,
}
# Left out one after the other, until the table fits.
_EXPENDABLE = ("ECE", "ts", "Δpoor", "Δrich", "source")


def terminal_summary(
    rows: Iterable[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo], width: int
) -> list[str]:
    """Return lines for a terminal `width` columns wide; a table loses columns before it gets wider than that."""
    marked = mark_earlier(rows, ledger)
    lines = textwrap.wrap(coverage_line(ledger), width)
    for status, reason, count, models in reasons(ledger):
        lines += textwrap.wrap(f"- {status} {count}: {visible(reason)} ({models})", width, subsequent_indent="  ")
    for title, headers, table in frames(marked, ledger):
        lines += ["", *textwrap.wrap(visible(title), width), *terminal_table(headers, table, left=1)]
    lines += textwrap.wrap(evidence(marked), width)
    for section in sections(marked, ledger, languages):
        lines += ["", *_section(section, width)]
    return lines


def _section(section: Section, width: int) -> list[str]:
    head = (
        f"{visible(section.title)}. Percent points (NLL in nats), best NLL first; source: accuracy there; gap: "
        "confidence minus accuracy; Δgap: gap minus that of the source; worst: the language with the largest."
    )
    footnotes = _footnotes(section)
    notes = "; ".join(visible(text.partition(":")[0]) for text in footnotes.texts())
    return [
        *textwrap.wrap(f"{head} {members_sentence(section)}", width),
        *_fitting_table(section, width),
        *(textwrap.wrap(f"Notes: {notes}", width) if notes else []),
    ]


def _fitting_table(section: Section, width: int) -> list[str]:
    headers, rows = _whole_table(section)
    table: list[str] = []
    for dropped in range(len(_EXPENDABLE) + 1):
        places = [place for place, title in enumerate(headers) if title not in _EXPENDABLE[:dropped]]
        table = terminal_table([headers[i] for i in places], [[row[i] for i in places] for row in rows], left=2)
        if max(map(len, table)) <= width:
            break
    return table


def _chosen(section: Section) -> list[str]:
    """Return the columns that have a number in some line; a task without a source has no transfer."""
    used = kept(tuple(_COLUMNS.values()), section)
    without_source = {"source", "Δgap", "Δrich", "Δpoor"} if section.source is None else set()
    return [title for title, column in _COLUMNS.items() if column in used and title not in without_source]


def _whole_table(section: Section) -> tuple[list[str], list[list[str]]]:
    titles, footnotes = _chosen(section), _footnotes(section)
    columns: list[Column] = [_plain(_COLUMNS[title]) for title in titles]
    rows = [
        [*trained_cells(one), *cells(one, columns), worst_cell(section, one.line), marks(one.line, footnotes)]
        for one in ranked(section, columns)
    ]
    return ["model", "intermediate", "seeds", *titles, "worst", "notes"], rows


def _footnotes(section: Section) -> Footnotes:
    # Of the lines alone: the flags of recalibrations are for tables that show these.
    return Footnotes.of(flag for line in section.lines for flag in line.flags)


def _plain(column: Column) -> Column:
    return Column(column.title, column.measure, column.form)
