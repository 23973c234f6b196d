"""`fidelity.md`: what others published beside what the rows have, for tables of which a source was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from bench.catalog import tasks
from bench.catalog.published import (
    AVERAGE,
    BEST,
    PRINTED_ECE,
    TABLES,
    PublishedBin,
    PublishedScore,
    PublishedTable,
    published_bins,
    published_scores,
)
from bench.report.cells import points, signed_points
from bench.report.claim_settings import Cell, Setting, nine, scored, settings
from bench.report.effects import Effect, best_on_other_seeds
from bench.report.evidence import evidence
from bench.report.sections import REAL
from bench.report.tables import MISSING, escaped, markdown_table
from bench.rows import Row

TITLE = "Fidelity: published values and ours"
AGREES = "agrees"
_READING = (
    "All values are in points. *agrees*: the published value, give or take its rounding, is in our 95 % interval over "
    "items and seeds; else the difference is named. The published interval is not known, so a small difference may be "
    "theirs. One seed, a part of the data or weights that stand in for others give no verdict. An average is taken "
    "over all languages or not at all."
)
_BINS = (
    "The published bins hold every item, so our estimator must give on them what is printed above the diagrams: this "
    "holds the instrument to the paper and needs no run. Our own bins: not run here (needs predictions of xlmr_large "
    "under protocol ahuja2022)."
)
# Published values have one decimal, those of Ahuja et al. two: half of the last one, as fractions of one.
_ROUNDING = {"ahuja": 0.00005}
_TENTH = 0.0005
# A printed error has two decimals.
_PRINTED = 0.006
# What makes of a row something else than the published run of that encoder.
_OTHER = frozenset({"capped", "subset", "stand_in", "local_model", "random_weights", "substitute_train", "quantised"})


def fidelity_page(rows: Iterable[Row]) -> str:
    """Return the page as Markdown: one part for each published table, and one for the published bins."""
    rows = list(rows)
    real = [setting for setting in settings(rows) if setting.world == REAL]
    blocks = [f"# {TITLE}", escaped(evidence(rows)), _READING]
    for table in TABLES:
        blocks += [f"## {table.title}", *(escaped(text) for text in (table.source, table.differs) if text)]
        blocks += _compared(table, real)
    blocks += ["## The estimator on published bins", _BINS, _estimator(), _bins()]
    return "\n\n".join(blocks) + "\n"


def _compared(table: PublishedTable, real: Sequence[Setting]) -> list[str]:
    scores = [score for score in published_scores() if score.table == table.token]
    return [
        block
        for (model, training), members in groupby(scores, key=lambda score: (score.model, score.training))
        for block in _of_training(table, model, training, list(members), real)
    ]


def _of_training(
    table: PublishedTable, model: str, training: str, scores: Sequence[PublishedScore], real: Sequence[Setting]
) -> list[str]:
    own = [one for one in real if one.model == model and table.protocol in ("", one.protocol)]
    found = [(one, [_ours(one, score) for score in scores]) for one in own]
    ran = [(one, ours) for one, ours in found if any(effect is not None for effect in ours)]
    name = f"{model}, {_named(training)}"
    if not ran:
        return [f"### {name}: not run here", f"Needs {escaped(_needs(table, model, training))}.", _values(scores)]
    blocks = []
    for setting, ours in ran:
        lines = [_line(setting, score, effect) for score, effect in zip(scores, ours, strict=True)]
        headers = ["target", "language", "score", "verdict", "published", "ours", "95 % interval"]
        blocks += [f"### {name}, protocol {escaped(setting.protocol)}, study {setting.study[:12]}"]
        blocks += [markdown_table(headers, lines, left=4)]
    return blocks


def _named(training: str) -> str:
    return {"none": "no intermediate task", BEST: "the best intermediate task for each target"}[training]


def _needs(table: PublishedTable, model: str, training: str) -> str:
    tasks_needed = "none" if training == "none" else "none, each of the nine and multi"
    return f"{model} with {tasks_needed}" + (f", protocol {table.protocol}" if table.protocol else "")


def _values(scores: Sequence[PublishedScore]) -> str:
    """Return the published values alone, each in a column of its own."""
    several = len({score.target for score in scores}) > 1
    headers = ["", *(score.target if several else f"{score.language} {_unit(score)}".strip() for score in scores)]
    return markdown_table(headers, [["published", *(score.printed for score in scores)]], left=1)


def _unit(score: PublishedScore) -> str:
    return score.score if score.table == "ahuja" else ""


def _ours(setting: Setting, score: PublishedScore) -> Effect | None:
    """Return our value; of the best intermediate tasks only where all of them have two seeds or more."""
    languages = tasks.target(score.target).languages if score.language == AVERAGE else (score.language,)
    names = _candidates() if score.training == BEST else (score.training,)
    found = [setting.mean_over(languages, Cell(name, score.target), scored([score.score])) for name in names]
    known = [effect for effect in found if effect is not None]
    if len(known) < len(found):
        return None
    if score.training != BEST:
        return known[0]
    several = len(set.intersection(*(set(effect.by_seed) for effect in known))) > 1
    return best_on_other_seeds(known) if several else None


def _candidates() -> tuple[str, ...]:
    return (*nine(), "multi")


def _line(setting: Setting, score: PublishedScore, ours: Effect | None) -> list[str]:
    head = [score.target, score.language, score.score]
    if ours is None:
        return [*head, f"not run here (needs {_missing(score)})", score.printed, MISSING, MISSING]
    found = ours.interval()
    interval = f"{points(found.low)} to {points(found.high)}"
    return [*head, _verdict(setting, score, ours), score.printed, points(found.value), interval]


def _missing(score: PublishedScore) -> str:
    language = "all languages" if score.language == AVERAGE else score.language
    return f"{language}, 2 seeds of each of the nine and multi" if score.training == BEST else language


def _verdict(setting: Setting, score: PublishedScore, ours: Effect) -> str:
    names = ("none", *_candidates()) if score.training == BEST else (score.training,)
    rows = [row for name in names for row in setting.rows_of(Cell(name, score.target))]
    other = sorted({flag for row in rows for flag in row.flags} & _OTHER)
    if other:
        return f"cannot be judged ({', '.join(other)})"
    if len(ours.seeds) < 2:
        return "cannot be judged (needs at least 2 seeds)"
    found, rounding = ours.interval(), _ROUNDING.get(score.table, _TENTH)
    if found.low - rounding <= score.value <= found.high + rounding:
        return AGREES
    return f"differs by {signed_points(found.value - score.value)}"


def _estimator() -> str:
    headers = ["language", "verdict", "printed ECE (10 bins)", "our estimator on the bins"]
    rows = [_reproduced(language, list(members)) for language, members in _by_language()]
    return markdown_table(headers, rows, left=2)


def _reproduced(language: str, bins: Sequence[PublishedBin]) -> list[str]:
    ours = 100 * published_error(bins)
    verdict = "reproduced" if abs(ours - PRINTED_ECE[language]) < _PRINTED else "not reproduced"
    return [language, verdict, f"{PRINTED_ECE[language]:.2f}", f"{ours:.2f}"]


def published_error(bins: Sequence[PublishedBin]) -> float:
    """Return the expected calibration error of ten bins on items spelled out of published bins, a fraction of one."""
    import numpy as np

    from bench.calibration.binned import expected_calibration_error

    confidence = np.repeat([one.confidence for one in bins], [one.count for one in bins])
    correct = np.concatenate([np.arange(one.count) < one.correct for one in bins]).astype(np.float64)
    return float(expected_calibration_error(confidence, correct, bins=10))


def _by_language() -> list[tuple[str, list[PublishedBin]]]:
    return [(name, list(members)) for name, members in groupby(published_bins(), key=lambda one: one.language)]


def _bins() -> str:
    headers = ["language", "bin", "items", "accuracy", "mean confidence"]
    rows = [
        [
            one.language,
            f"{one.low:.1f} to {one.high:.1f}",
            str(one.count),
            points(one.correct / one.count),
            points(one.confidence),
        ]
        for one in published_bins()
    ]
    return markdown_table(headers, rows, left=2)
