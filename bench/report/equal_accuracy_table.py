"""The tables of contrasts at equal accuracy, or how to get them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.report.answer_tables import estimate_cell, form_of, p_cell
from bench.report.cells import points
from bench.report.equal_accuracy import Comparison, Curves, comparisons, curves
from bench.report.sections import Section
from bench.report.tables import MISSING, escaped, markdown_table
from bench.statistics.matched import Matched, matched_mean
from bench.statistics.multiplicity import benjamini_hochberg

_TITLE = "## At equal accuracy"
_NONE = (
    "No contrast at equal accuracy: no two arms above chance have a trajectory. A run with `--trajectory 5` reads each "
    "fine-tuning at five steps (it trains once more what is trained already)."
)
_READING = (
    "Exploratory. The first arm less the second at the highest accuracy that both reach on their way, the "
    "better one taken back to where it was as accurate; metrics are interpolated between steps. *Equal in* says in "
    "which language accuracy is made equal; *each*: in the language and in the source, each in its own run. *snli less "
    "none: sw less en* is a difference in differences, two trainings in each language. Where accuracy is equal in the "
    "contrasted language, gap and confidence differ alike. Gap and confidence in percent points, L2² in squared "
    "ones, NLL in nats; 95 % intervals over items and seeds, of the replicates in which the arms of all seeds meet. p "
    "is that of the gap, Benjamini-Hochberg's within each table, where two seeds or more meet."
)
_VALUES = (
    "Values without intervals come from rows alone; `crosscal report --store DIR` resamples the stored predictions."
)
_SHOWN = ("gap", "confidence", "l2sq15", "nll")
_HEADERS = ("language", "contrast", "equal in", "at", "gap", "p (BH)", "confidence", "L2²", "NLL", "meet")


def equal_accuracy(found: Sequence[Section], curve: Curves | None) -> list[str]:
    """Return title, reading and one table a section and model as Markdown; without trajectories one sentence."""
    made = curve or curves(None)
    parts = [part for section in found for part in _section(section, comparisons(section, made))]
    if not parts:
        return [_TITLE, _NONE]
    return [_TITLE, _READING if curve is not None else f"{_READING} {_VALUES}", *parts]


def _section(section: Section, found: Sequence[Comparison]) -> list[str]:
    tables = []
    for model in section.models:
        shown = [one for one in found if one.model == model]
        adjusted = benjamini_hochberg([_p(one.runs) for one in shown])
        rows = [_row(one, float(p)) for one, p in zip(shown, adjusted, strict=True)]
        if rows:
            tables += [f"### {escaped(section.title)}: {escaped(model)}", markdown_table(_HEADERS, rows, left=3)]
    return tables


def _row(one: Comparison, p: float) -> list[str]:
    levels = [run.level for run in one.runs if not run.reason]
    level = points(statistics.fmean(levels)) if levels else MISSING
    gap, *others = (_cell(one.runs, name) for name in _SHOWN)
    return [one.language, one.title, one.equal, level, gap, p_cell(p), *others, _meet(one.runs)]


def _p(runs: Sequence[Matched]) -> float:
    found = matched_mean(runs, "gap")
    return math.nan if found is None or found[0].item_only else found[0].estimate.p


def _cell(runs: Sequence[Matched], metric: str) -> str:
    found = matched_mean(runs, metric)
    if found is None or math.isnan(found[0].mean.value):
        return MISSING
    return estimate_cell(found[0].estimate, found[0].item_only, form_of(metric))


def _meet(runs: Sequence[Matched]) -> str:
    """Return how many seeds meet, in what share of the replicates, and why one does not."""
    apart = [run.reason for run in runs if run.reason]
    seeds = f"{len(runs) - len(apart)} of {len(runs)} seeds"
    found = matched_mean(runs, "gap")
    share = "" if found is None or math.isnan(found[1]) else f", {points(found[1])} % of replicates"
    return f"{seeds}{share}" + (f"; {apart[0]}" if apart else "")
