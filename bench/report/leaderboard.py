"""The leaderboard: evidence and coverage first, then one part for each set of rows that may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.catalog.language_info import TARGET_GROUPS, LanguageInfo
from bench.report.averages import mean_rate
from bench.report.by_language import by_language
from bench.report.cells import cell, rate
from bench.report.coverage import coverage, mark_earlier
from bench.report.evidence import evidence
from bench.report.flags import Footnotes
from bench.report.frame import FRAME_READING, frames
from bench.report.ledger import Ledger
from bench.report.parts import Part, Table, markdown_part, tabled
from bench.report.prediction_sets import prediction_sets
from bench.report.recalibrations import recalibrations
from bench.report.scores import (
    SCORES,
    TRANSFERS,
    Scored,
    cells,
    genuine_sentence,
    kept,
    ranked,
    targets,
    worst_cell,
)
from bench.report.sections import Line, Section, sections
from bench.report.tables import MISSING, escaped, markdown_table
from bench.report.views import further_views
from bench.rows import Row

TITLE = "Calibration of zero-shot cross-lingual transfer"
RATES = {
    "train ex/s": "train_examples_per_s",
    "train tokens/s": "train_tokens_per_s",
    "predict ex/s": "predict_examples_per_s",
    "predict tokens/s": "predict_tokens_per_s",
}
_SETS = (
    "The gap is 90 % minus the coverage, so plus is too little; the worst is over target languages. Sizes are numbers "
    "of classes."
)
_VIEWS = (
    "The same predictions with another unit, or another rule for what is right: words predicted "
    "as part of an entity, whole entities, answers with half of the right words, all sentences as candidates."
)
SCORES_PART = ""
LANGUAGES_PART = "By language"
NOTES_PART = "Notes"
READING = (
    "Errors, accuracies and gaps are in percent points; the gap is mean confidence minus accuracy, so plus is "
    "over-confident. Numbers are means over languages, then seeds; in parentheses the range over seeds. `floor` is the "
    "ECE of a calibrated model of the same size, `true ECE` (artificial worlds) the error that ECE estimates, from the "
    "known chance of being right, `ts` is after temperature scaling on source-language data (retrieval: on the pivot "
    "pair). What is calibrated depends on the task: a sentence, a word, an answer, a query, a mined pair "
    "(docs/metrics.md); `score` is what the task itself is judged by. Errors of two tasks are never comparable. "
    "L2² is debiased and may be negative. The 95 % intervals by language are over items and seeds: two or three seeds "
    "make them wide, one seed leaves items only. A dash means that a number, or a member of its average, is missing."
)


@dataclass(frozen=True)
class Contents:
    """What Markdown and HTML show alike, computed once; `sections` holds each section with its parts.

    `counts` is the number of cases of every status.
    """

    evidence: str
    coverage: Part
    counts: Mapping[str, int]
    frames: tuple[Table, ...]
    sections: tuple[tuple[Section, tuple[Part, ...]], ...]


def contents(rows: Iterable[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo]) -> Contents:
    """Return all parts of the leaderboard; `languages` maps the tokens of conditions to their facts."""
    marked = mark_earlier(rows, ledger)
    tables = tuple(Table(headers, table, 1, title) for title, headers, table in frames(marked, ledger))
    found = sections(marked, ledger, languages)
    return Contents(
        evidence(marked),
        coverage(ledger),
        ledger.counts(),
        tables,
        tuple((section, section_parts(section)) for section in found),
    )


def leaderboard(rows: Iterable[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo]) -> str:
    """Return the whole leaderboard as Markdown; `languages` maps the tokens of conditions to their facts."""
    return markdown(contents(rows, ledger, languages))


def markdown(found: Contents) -> str:
    """Return the contents as Markdown."""
    blocks = [f"# {TITLE}", escaped(found.evidence), *markdown_part(found.coverage, 2), *_frames(found.frames)]
    if found.sections:
        blocks += ["## How to read the tables", READING]
    for section, parts in found.sections:
        blocks += [f"## {escaped(section.title)}", introduction(section)]
        blocks += [block for part in parts for block in markdown_part(part, 3)]
    return "\n\n".join(blocks) + "\n"


def _frames(tables: Sequence[Table]) -> list[str]:
    blocks = ["### Intermediate and target tasks", FRAME_READING] if tables else []
    for table in tables:
        blocks += [f"{escaped(table.caption)}.", markdown_table(table.headers, table.rows, table.left)]
    return blocks


def footnotes_of(section: Section) -> Footnotes:
    """Return the footnotes for all flags in a section."""
    of_rows = {flag for line in section.lines for row in line.rows for flag in row.flags}
    return Footnotes.of(of_rows | {flag for line in section.lines for flag in line.flags})


def members_sentence(section: Section) -> str:
    """Say over which languages the means are taken: all there are, or the ones that were selected."""
    chosen, everything = targets(section), section.group(*TARGET_GROUPS)
    if not chosen:
        return "No target language has a row, so there are no means."
    if len(chosen) == len(everything):
        return f"Means are over all {len(chosen)} target languages."
    return (
        f"Means are over the {len(chosen)} of {len(everything)} target languages that were selected "
        f"({', '.join(chosen)}): not comparable with means over all."
    )


def score_sentence(section: Section) -> str:
    """Say what the task is judged by, and what an answer that looks at nothing gets in it."""
    if not section.score:
        return ""
    found = [row for line in section.lines for row in line.rows if row.baseline is not None]
    if section.source:
        found = [row for row in found if row.condition.language == section.source] or found
    values = [100 * row.baseline[1] for row in found if row.baseline is not None]
    where = "in the source" if section.source else "over languages"
    spread = f"{min(values):.1f}" if max(values) - min(values) < 0.05 else f"{min(values):.1f} to {max(values):.1f}"
    return f" The score is {section.score}; its baseline {where} is {spread}."


def _transfer_part(section: Section) -> Part:
    title = "Transfer of the gap: language minus source, same checkpoint"
    if section.source is None:
        return Part(title, "There is no source language, and so no transfer.")
    return Part(title, _groups_sentence(section), (_transfers(section),))


def trained_cells(scored: Scored) -> list[str]:
    """Return model, intermediate and number of seeds."""
    return [scored.model, scored.training, MISSING if scored.line is None else str(len(scored.line.seeds))]


def introduction(section: Section) -> str:
    """Return the words above the first table of a section: the ranking, and what the means are over."""
    return (
        f"Ranked by NLL, lower first. {members_sentence(section)}{score_sentence(section)}{genuine_sentence(section)}"
    )


def section_parts(section: Section) -> tuple[Part, ...]:
    """Return the parts of a section, the scores first and without a title of their own."""
    footnotes = footnotes_of(section)
    return (
        Part(SCORES_PART, tables=(_scores(section, footnotes),)),
        _transfer_part(section),
        tabled("Further views", further_views(section), _VIEWS),
        tabled("After recalibration", recalibrations(section, footnotes)),
        tabled("Prediction sets for 90 %, calibrated in the source language", prediction_sets(section), _SETS),
        _throughput(section),
        Part(LANGUAGES_PART, tables=by_language(section, footnotes)),
        Part(NOTES_PART, items=tuple(footnotes.texts())),
    )


def _scores(section: Section, footnotes: Footnotes) -> Table:
    columns = kept(SCORES, section)
    headers = ["#", "model", "intermediate", "seeds", *(column.title for column in columns), "notes"]
    rows = [
        [_rank(one), *trained_cells(one), *cells(one, columns), marks(one.line, footnotes)]
        for one in ranked(section, columns)
    ]
    return Table(headers, rows, left=3)


def marks(line: Line | None, footnotes: Footnotes) -> str:
    """Return the marks of a line's flags; a mean of lines has none of its own."""
    return "" if line is None else footnotes.marks(line.flags)


def _rank(scored: Scored) -> str:
    return MISSING if scored.rank is None else str(scored.rank)


def _transfers(section: Section) -> Table:
    headers = ["model", "intermediate", "seeds", *(column.title for column in TRANSFERS), "worst language"]
    rows = [
        [*trained_cells(one), *cells(one, TRANSFERS), worst_cell(section, one.line)]
        for one in ranked(section, TRANSFERS)
    ]
    return Table(headers, rows, left=2)


def _groups_sentence(section: Section) -> str:
    rich, poor = (", ".join(section.plentiful(name)) or "none" for name in ("rich", "poor"))
    return f"Source: {section.source or 'none'}. Rich: {rich}. Poor: {poor}. Worst is where the gap is largest in size."


def _throughput(section: Section) -> Part:
    rows = [_rates(line) for line in section.lines]
    timed = any(value != MISSING for row in rows for value in row[2:])
    reasons = sorted({row.throughput_note for line in section.lines for row in line.rows if row.throughput_note})
    table = Table(["model", "intermediate", *RATES], rows, left=2)
    return Part("Throughput", "" if timed else "No work was timed.", (table,) if timed else (), tuple(reasons))


def _rates(line: Line) -> list[str]:
    return [line.model, line.training, *(cell(mean_rate(line, name), rate) for name in RATES.values())]
