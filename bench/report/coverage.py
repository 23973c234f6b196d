"""Coverage: what became of the selected cases, before any score is shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from bench.condition import Condition
from bench.report.ledger import SCORED, STATUSES, Ledger, LedgerEntry
from bench.report.parts import Part, Table
from bench.rows import Row

NO_LEDGER = "Coverage is unknown: there is no ledger of the selected cases."


def coverage_line(ledger: Ledger) -> str:
    """Return the counts of all statuses in one sentence."""
    if not ledger.entries:
        return NO_LEDGER
    counts = ledger.counts()
    done = sum(counts[status] for status in SCORED)
    listed = ", ".join(f"{status} {count}" for status, count in counts.items())
    return f"{done} of {len(ledger.entries)} selected cases are scored: {listed}."


def reasons(ledger: Ledger) -> list[tuple[str, str, int, str]]:
    """Return (status, reason, cases, models) for whatever was not scored, most cases first within a status."""
    groups: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in ledger.entries:
        if entry.status not in SCORED:
            groups[entry.status, entry.reason].append(entry)
    order = sorted(groups, key=lambda key: (STATUSES.index(key[0]), -len(groups[key]), key[1]))
    return [(*key, len(groups[key]), ", ".join(sorted({_model(entry) for entry in groups[key]}))) for key in order]


def coverage(ledger: Ledger) -> Part:
    """Return the part of a report on coverage: the counts, by study and model, and the reasons."""
    tables = []
    if ledger.entries:
        tables.append(Table(["study", "model", "selected", *STATUSES], _by_model(ledger.entries), left=2))
    missing = [[status, reason, models, str(count)] for status, reason, count, models in reasons(ledger)]
    if missing:
        tables.append(Table(["status", "reason", "models", "cases"], missing, left=3))
    return Part("Coverage", coverage_line(ledger), tuple(tables))


def mark_earlier(rows: Iterable[Row], ledger: Ledger) -> list[Row]:
    """Return the rows, with the flag `earlier_run` on those whose case was not scored when it was last selected."""
    unscored = {entry.key for entry in ledger.entries if entry.status not in SCORED}
    return [_flagged(row) if (row.study, row.id) in unscored else row for row in rows]


def _flagged(row: Row) -> Row:
    return Row({**row.data, "flags": [*row.flags, "earlier_run"]})


def _by_model(entries: Sequence[LedgerEntry]) -> list[list[str]]:
    groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for entry in entries:
        groups[entry.study[:12], _model(entry)][entry.status] += 1
    return [
        [*key, str(groups[key].total()), *(str(groups[key][status]) for status in STATUSES)] for key in sorted(groups)
    ]


def _model(entry: LedgerEntry) -> str:
    return Condition.from_id(entry.id).model
