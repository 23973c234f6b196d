"""The columns of the leaderboard: each measures one line of a section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.catalog.language_info import TARGET_GROUPS
from bench.report.averaged_tasks import averaged_tasks, genuine_tasks
from bench.report.averages import Quantity, Spread, average, floor, mean_of, metric, task_score, transfer, worst
from bench.report.cells import Format, nats, points, signed_points, spread_cell, square_points
from bench.report.flags import is_uninformative
from bench.report.sections import Line, Section
from bench.report.tables import MISSING

_NAMED = 3

Measure = Callable[[Section, Line], Spread | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, how a line is measured, how the number is written, and whether with its range over seeds.

    An `optional` column is left out where no line of the section has a number in it.
    """

    title: str
    measure: Measure
    form: Format
    ranged: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A line of a leaderboard table: a trained line, or the mean over the genuine intermediates of one model."""

    model: str
    training: str
    line: Line | None
    spreads: tuple[Spread | None, ...]
    rank: int | None


def targets(section: Section) -> tuple[str, ...]:
    """The members of the mean over target languages: those that were selected, without source and controls."""
    return tuple(token for token in section.group(*TARGET_GROUPS) if token in section.selected)


def _over_targets(quantity: Quantity, recalibration: str = "none") -> Measure:
    return lambda section, line: average(line, targets(section), quantity, recalibration)


def _after(quantity: Quantity) -> Measure:
    return lambda section, line: average(line, targets(section), quantity, section.after)


def _score_over_targets(section: Section, line: Line) -> Spread | None:
    return average(line, targets(section), task_score(section.score)) if section.score else None


def _source_score(section: Section, line: Line) -> Spread | None:
    source = [section.source] if section.source else []
    return average(line, source, task_score(section.score)) if section.score else None


def _over_group(group: str, quantity: Quantity) -> Measure:
    return lambda section, line: average(line, section.plentiful(group), quantity)


def _source(quantity: Quantity) -> Measure:
    return lambda section, line: average(line, [section.source] if section.source else [], quantity)


NLL = Column("NLL", _over_targets(metric("nll")), nats, ranged=True)
L2 = Column("L2² pp²", _over_targets(metric("l2sq15")), square_points)
SOURCE_ACCURACY = Column("source acc", _source(metric("accuracy")), points)
SOURCE_SCORE = Column("source score", _source_score, points, optional=True)
SCORE = Column("score", _score_over_targets, points, optional=True)
ACCURACY = Column("acc", _over_targets(metric("accuracy")), points)
CONFIDENCE = Column("conf", _over_targets(metric("confidence")), points)
GAP = Column("gap", _over_targets(metric("gap")), signed_points, ranged=True)
ECE = Column("ECE-15", _over_targets(metric("ece15")), points)
FLOOR = Column("floor", _over_targets(floor("ece15")), points)
TRUE_ECE = Column("true ECE", _over_targets(metric("true_ece15")), points, optional=True)
GAP_AFTER = Column("gap ts", _after(metric("gap")), signed_points)
# Trained on the target's own data; with logits that no probability stands behind before a temperature.
_UNRANKED = frozenset({"contaminated", "arbitrary_scale"})
SCORES = (SOURCE_SCORE, SCORE, NLL, L2, SOURCE_ACCURACY, ACCURACY, CONFIDENCE, GAP, ECE, FLOOR, TRUE_ECE, GAP_AFTER)

TRANSFER = Column("mean", _over_targets(transfer("gap")), signed_points, ranged=True)
TRANSFER_RICH = Column("rich", _over_group("rich", transfer("gap")), signed_points)
TRANSFER_POOR = Column("poor", _over_group("poor", transfer("gap")), signed_points)
TRANSFER_AFTER = Column("mean ts", _after(transfer("gap")), signed_points)
TRANSFERS = (TRANSFER, TRANSFER_RICH, TRANSFER_POOR, TRANSFER_AFTER)


def ranked(section: Section, columns: Sequence[Column]) -> list[Scored]:
    """Return the section's lines by NLL, lowest first and without one last; means of genuine intermediates below.

    A line with the target's own data in its intermediate, with confidence on no scale or at chance in all target
    languages stands in its place but has no rank.
    """
    nll = {line: NLL.measure(section, line) for line in section.lines}
    order = sorted(section.lines, key=lambda line: (nll[line] is None, _value(nll[line])))
    scored, rank = [], 0
    for line in order:
        counts = nll[line] is not None and not _UNRANKED & line.flags and not _all_at_chance(section, line)
        rank += counts
        spreads = tuple(column.measure(section, line) for column in columns)
        scored.append(Scored(line.model, line.training, line, spreads, rank if counts else None))
    return scored + _genuine_means(section, scored)


def _all_at_chance(section: Section, line: Line) -> bool:
    rows = [row for row in line.rows if row.condition.language in targets(section)]
    return bool(rows) and all(map(is_uninformative, rows))


def kept(columns: Sequence[Column], section: Section) -> tuple[Column, ...]:
    """Return the columns without the optional ones in which the section has no number."""
    return tuple(c for c in columns if not c.optional or any(c.measure(section, line) for line in section.lines))


def cells(scored: Scored, columns: Sequence[Column]) -> list[str]:
    """Return the cells of a line, measured with the same columns."""
    return [spread_cell(s, column.form, column.ranged) for s, column in zip(scored.spreads, columns, strict=True)]


def worst_cell(section: Section, line: Line | None) -> str:
    """Return the worst target language and its transfer of the gap; a dash for a mean of lines, which has no such."""
    token = None if line is None else worst(line, targets(section))
    if line is None or token is None:
        return MISSING
    return f"{token} {spread_cell(average(line, (token,), transfer('gap')), signed_points)}"


def _value(spread: Spread | None) -> float:
    return 0.0 if spread is None else spread.value


def genuine_sentence(section: Section) -> str:
    """Name the genuine intermediate tasks where the row of their mean does not."""
    names, averaged = genuine_tasks(section), averaged_tasks(section)
    if len(names) <= _NAMED:
        return ""
    others = "" if averaged == names else f"; means are over {', '.join(averaged)}: after others a model is at chance"
    return f" Genuine intermediate tasks: {', '.join(names)}{others}."


def _genuine_means(section: Section, scored: Sequence[Scored]) -> list[Scored]:
    averaged = averaged_tasks(section)
    genuine = [one for one in scored if one.line is not None and one.line.genuine and one.line.intermediate in averaged]
    trainings = sorted({one.training for one in genuine})
    if len(trainings) < 2:
        return []
    return [_genuine_mean(model, trainings, genuine) for model in sorted({one.model for one in genuine})]


def _genuine_mean(model: str, trainings: Sequence[str], genuine: Sequence[Scored]) -> Scored:
    own = {one.training: one.spreads for one in genuine if one.model == model}
    columns = range(len(genuine[0].spreads))
    spreads = tuple(mean_of(own[name][i] if name in own else None for name in trainings) for i in columns)
    # A list of nine names would be wider than the rest of the table; the section says which they are.
    named = ", ".join(trainings) if len(trainings) <= _NAMED else f"{len(trainings)} genuine ones"
    return Scored(model, f"mean of {named}", None, spreads, None)
