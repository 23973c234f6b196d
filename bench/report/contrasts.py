"""The page of all contrasts: for every model and language what transfer, intermediate training and both together do."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.analysis import Analysis
from bench.report.answer_tables import BOUND, estimate_cell, p_cell
from bench.report.equal_accuracy import Curves
from bench.report.equal_accuracy_table import equal_accuracy
from bench.report.language_contrasts import LanguageContrasts, group_contrasts, language_contrasts
from bench.report.settings import Setting, World, tasks_sentence
from bench.report.tables import MISSING, escaped, markdown_table
from bench.statistics.seed_means import SeedMean

_READING = (
    "Exploratory. Percent points of the signed gap with 95 % intervals over items and seeds, means over the genuine "
    "intermediate tasks. *Transfer* is language minus source, without an intermediate task and after one; the *effect* "
    "is that of the intermediate task on the gap in the language itself; the *difference in differences* (DiD) is what "
    "it does to transfer, against no intermediate task and against `more`, as many further steps on the target's data. "
    "The DiD of the gap is that of confidence less that of accuracy: an identity. p is that of the DiD of the gap, "
    "Benjamini-Hochberg's over the languages of a table, where there are two seeds or more (`items`: one seed, items "
    "alone); averages stand outside of that. Net ECE is ECE-15 less that of a calibrated model with the same "
    "confidences. A dash: a cell is missing or at chance, or there is no such number."
)
_HEADERS = (
    "language", "group", "n", "transfer, none", "transfer", "effect", "DiD confidence", "DiD accuracy", "DiD gap",
    "p (BH)", "DiD against more", "net ECE",
)  # fmt: skip
_UNMATCHED = "Numbers of items differ between languages: net ECE does not compare between these, debiased L2 would."


def contrasts(analysis: Analysis, curve: Curves | None = None) -> str:
    """Return the page as Markdown.

    `curve` gives intervals at equal accuracy (bench.report.equal_accuracy); without, there are values alone.
    """
    usable, found = analysis.sections, analysis.settings
    parts = [part for setting in found for world in setting.worlds for part in _world(world)]
    reading = f"{_READING} {BOUND}" if any(map(_is_bounded, found)) else _READING
    shown = [reading, *parts] if parts else ["No contrast has data."]
    shown += equal_accuracy(usable, curve) if usable else []
    return "\n\n".join(["# Contrasts by language", *shown]) + "\n"


def _is_bounded(setting: Setting) -> bool:
    """Whether the item part of any error is an upper bound."""
    measured = [cell.metrics.get("gap") for world in setting.worlds for cell in world.panel.cells.values()]
    return any(each is not None and each.replicates is None for each in measured)


def _world(world: World) -> list[str]:
    tables = [_table(world, model, language_contrasts(world, model)) for model in world.section.models]
    shown = [part for table in tables for part in table]
    return [f"## {escaped(world.section.title)}", tasks_sentence([world]), *shown] if shown else []


def _table(world: World, model: str, found: Sequence[LanguageContrasts]) -> list[str]:
    if not found:
        return []
    counts = {one.languages: _items(world, model, one.languages) for one in found}
    unmatched = [_UNMATCHED] if len(set(counts.values())) > 1 else []
    groups = group_contrasts(world, model).items()
    rows = [_row(name, _items(world, model, one.languages), one) for name, one in groups]
    rows += [_row(_group(world, one), counts[one.languages], one) for one in found]
    return [f"### {escaped(model)}", *unmatched, markdown_table(_HEADERS, rows, left=2)]


def _items(world: World, model: str, languages: Sequence[str]) -> str:
    lines = [line for line in world.section.lines if line.model == model]
    counts = {row.n for line in lines for row in line.rows if row.condition.language in languages}
    return "/".join(str(count) for count in sorted(counts))


def _name(one: LanguageContrasts) -> str:
    return one.languages[0] if len(one.languages) == 1 else f"mean of {len(one.languages)}"


def _group(world: World, one: LanguageContrasts) -> str:
    info = next(info for info in world.section.languages if info.token == one.languages[0])
    return f"{info.group}, scarce" if info.scarce else info.group


def _row(group: str, items: str, one: LanguageContrasts) -> list[str]:
    first = [_cell(each) for each in (one.without, one.transfer, one.effect, one.confidence, one.accuracy, one.gap)]
    return [_name(one), group, items, *first, p_cell(one.p), _cell(one.control), _cell(one.net_ece)]


def _cell(contrast: SeedMean | None) -> str:
    return MISSING if contrast is None else estimate_cell(contrast.estimate, contrast.item_only)
