"""The trainings that a figure can show apart: without intermediate, the control, and the genuine intermediate tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.averaged_tasks import averaged_tasks, genuine_tasks
from bench.report.claim_settings import Reader
from bench.report.effects import Effect, mean_effect
from bench.report.flags import is_uninformative
from bench.report.sections import Line, Section

# More lines than these cannot be told apart in one panel.
_APART = 3


def arms(section: Section, model: str) -> Mapping[str, Sequence[Line]]:
    """Return the arms of a model by name: `none`, `more`, and the genuine tasks, one by one or as their mean."""
    plain = [line for line in section.lines if line.model == model and not line.variant]
    genuine = [line for line in plain if line.genuine]
    averaged = averaged_tasks(section)
    single = {line.intermediate: [line] for line in plain if line.intermediate in ("none", "more")}
    # A mean over other tasks in one model than in another would be no arm, and one of cells at chance of nothing.
    if len(genuine_tasks(section)) > _APART:
        meant = [line for line in genuine if line.intermediate in averaged]
        return {**single, f"mean of {len(averaged)} tasks": meant} if len(meant) == len(averaged) else single
    return {**single, **{line.training: [line] for line in genuine}}


def arm_mean(lines: Sequence[Line], languages: Sequence[str], read: Reader, source: str | None = None) -> Effect | None:
    """Return the mean over an arm's lines and over `languages`, at every seed that has all; None without one.

    A cell at chance is none, nor is one that is compared with a `source` at chance.
    """
    effects = [_cell(line, language, read, source) for line in lines for language in languages]
    mean = mean_effect(effects, same_items=True) if effects else None
    return mean if mean is not None and mean.seeds else None


def _cell(line: Line, language: str, read: Reader, source: str | None) -> Effect:
    known = {}
    for seed in line.seeds:
        row, reference = line.row(seed, language), None if source is None else line.row(seed, source)
        if row is not None and not any(is_uninformative(each) for each in (row, reference) if each is not None):
            known[seed] = read(row)
    return Effect({seed: value for seed, value in known.items() if value is not None})
