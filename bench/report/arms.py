"""The trainings that a figure can show apart: without intermediate, the control, and the genuine intermediate tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.claim_settings import Reader
from bench.report.effects import Effect, mean_effect
from bench.report.sections import Line, Section

# More lines than these cannot be told apart in one panel.
_APART = 3


def arms(section: Section, model: str) -> Mapping[str, Sequence[Line]]:
    """Return the arms of a model by name: `none`, `more`, and the genuine tasks, one by one or as their mean."""
    plain = [line for line in section.lines if line.model == model and not line.variant]
    genuine = [line for line in plain if line.genuine]
    single = {line.intermediate: [line] for line in plain if line.intermediate in ("none", "more")}
    # A mean over other tasks in one model than in another would be no arm.
    tasks = {line.training for line in section.lines if line.genuine}
    if len(tasks) > _APART:
        complete = {line.training for line in genuine} == tasks
        return {**single, f"mean of {len(tasks)} tasks": genuine} if complete else single
    return {**single, **{line.training: [line] for line in genuine}}


def arm_mean(lines: Sequence[Line], languages: Sequence[str], read: Reader) -> Effect | None:
    """Return the mean over an arm's lines and over `languages`, at every seed that has all; None without one."""
    effects = [_cell(line, language, read) for line in lines for language in languages]
    mean = mean_effect(effects, same_items=True) if effects else None
    return mean if mean is not None and mean.seeds else None


def _cell(line: Line, language: str, read: Reader) -> Effect:
    rows = {seed: line.row(seed, language) for seed in line.seeds}
    known = {seed: read(row) for seed, row in rows.items() if row is not None}
    return Effect({seed: value for seed, value in known.items() if value is not None})
