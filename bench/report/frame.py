"""The frame of the experiment: which combinations of intermediate and target task ran, and which say something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.catalog import tasks
from bench.catalog.languages import world_of
from bench.report.ledger import SCORED, Ledger, LedgerEntry
from bench.report.tables import MISSING
from bench.rows import Row

# One model under one study in one world.
_Key = tuple[str, str, int]
# The study and the id of a condition.
_Entry = tuple[str, str]
_REAL = -1
AT_BASELINE = "°"
FRAME_READING = (
    "Scored conditions (languages, seeds, variants) of each combination, as scored/selected where some are missing; in "
    f"parentheses with {AT_BASELINE} those no better than an answer that looks at nothing: they ran, uninformative."
)


def frames(rows: Iterable[Row], ledger: Ledger) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return (title, headers, rows) of a table for each model that was run on more than one target task.

    A cell says how many of its conditions (languages, seeds, variants) are scored, and how many of these are no better
    than an answer that looks at nothing: they ran, and are uninformative.
    """
    uninformative = {(row.study, row.id) for row in rows if row.recalibration == "none" and "at_chance" in row.flags}
    models: dict[_Key, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger.entries:
        world = world_of(entry.condition.language)
        models[entry.condition.model, entry.study, _REAL if world is None else world].append(entry)
    return [_frame(key, models[key], uninformative) for key in sorted(models) if len(_targets(models[key])) > 1]


def _frame(
    key: _Key, entries: Sequence[LedgerEntry], uninformative: set[_Entry]
) -> tuple[str, list[str], list[list[str]]]:
    cells: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        cells[entry.condition.intermediate, entry.condition.target].append(entry)
    targets = _targets(entries)
    chosen = [task.token for task in tasks.INTERMEDIATES if any((task.token, target) in cells for target in targets)]
    table = [[name, *(_cell(cells.get((name, target), []), uninformative) for target in targets)] for name in chosen]
    return f"{_title(key)}: {_sentence(cells, uninformative)}", ["intermediate", *targets], table


def _targets(entries: Iterable[LedgerEntry]) -> list[str]:
    found = {entry.condition.target for entry in entries}
    return [task.token for task in tasks.TARGETS if task.token in found]


def _title(key: _Key) -> str:
    model, study, world = key
    return f"{model}, {'real data' if world == _REAL else f'artificial world w{world}'}, study {study[:12]}"


def _sentence(cells: dict[tuple[str, str], list[LedgerEntry]], uninformative: set[_Entry]) -> str:
    ran = [cell for cell in cells.values() if all(entry.status in SCORED for entry in cell)]
    empty = sum(all(entry.key in uninformative for entry in cell) for cell in ran)
    return f"{len(ran)} of {len(cells)} combinations ran, {empty} of them uninformative in every language"


def _cell(entries: Sequence[LedgerEntry], uninformative: set[_Entry]) -> str:
    if not entries:
        return MISSING
    scored = [entry for entry in entries if entry.status in SCORED]
    at_baseline = sum(entry.key in uninformative for entry in scored)
    counted = str(len(scored)) if len(scored) == len(entries) else f"{len(scored)}/{len(entries)}"
    return f"{counted} ({at_baseline}{AT_BASELINE})" if at_baseline else counted
