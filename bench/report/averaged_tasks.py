"""Which genuine intermediate tasks averages are over: those after which no model is at chance, in any seed."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.flags import is_uninformative
from bench.report.sections import Line, Section


def genuine_tasks(section: Section, models: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the genuine intermediate tasks that any of `models` (default: all of the section's) has, sorted."""
    return tuple(sorted({line.intermediate for line in _genuine(section, models)}))


def averaged_tasks(section: Section, models: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the genuine tasks without those that leave one of `models` at chance, all of them where each does.

    A model is at chance after a task if it is in any seed and any language that the tests read: the source and the
    plentiful rich and poor ones. Of such a cell the gap is only the confidence, and no part of a mean.
    """
    at_chance = {line.intermediate for line in _genuine(section, models) if not _is_informative(section, line)}
    genuine = genuine_tasks(section, models)
    return tuple(task for task in genuine if task not in at_chance) or genuine


def _genuine(section: Section, models: Sequence[str] | None) -> list[Line]:
    return [line for line in section.lines if line.genuine and (models is None or line.model in models)]


def _is_informative(section: Section, line: Line) -> bool:
    read = {section.source, *section.plentiful("rich"), *section.plentiful("poor")}
    rows = [row for row in line.rows if row.recalibration == "none" and row.condition.language in read]
    return not any(map(is_uninformative, rows))
