"""Named averages over languages, then seeds: with a member missing there is no average."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.report.sections import Line
from bench.rows import Row

Quantity = Callable[[Row], float | None]


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds and its range over seeds, None where there is one seed (or none of its own)."""

    value: float
    low: float | None = None
    high: float | None = None


def metric(name: str) -> Quantity:
    """Return the quantity "value of this metric"."""

    def value(row: Row) -> float | None:
        estimate = row.metric(name)
        return None if estimate is None else estimate.value

    return value


def floor(name: str) -> Quantity:
    """Return the quantity "what this metric would be for a calibrated model of the same size"."""

    def value(row: Row) -> float | None:
        estimate = row.metric(name)
        return None if estimate is None else estimate.floor

    return value


def task_score(name: str) -> Quantity:
    """Return the quantity "this score of the task itself"."""

    def value(row: Row) -> float | None:
        estimate = row.task_score(name)
        return None if estimate is None else estimate.value

    return value


def transfer(name: str) -> Quantity:
    """Return the quantity "this metric minus its value in the source language"."""

    def value(row: Row) -> float | None:
        estimate = row.transfer(name)
        return None if estimate is None else estimate.value

    return value


def average(line: Line, members: Sequence[str], quantity: Quantity, recalibration: str = "none") -> Spread | None:
    """Return the mean over `members` (languages) and over the line's seeds, None if any cell lacks it."""
    by_seed = [_over_languages(line, members, quantity, recalibration, seed) for seed in line.seeds]
    return _spread(by_seed)


def mean_of(spreads: Iterable[Spread | None]) -> Spread | None:
    """Return the mean of several lines' means, None if any is missing; a range over seeds has no meaning here."""
    values = [None if spread is None else spread.value for spread in spreads]
    mean = _mean(values)
    return None if mean is None else Spread(mean)


def worst(line: Line, members: Sequence[str]) -> str | None:
    """Return the language of `members` with the largest |gap|, None if a member is missing.

    Worse means that the gap's size grows; all members share one source, so the largest size is the largest growth.
    """
    gaps = {token: average(line, (token,), metric("gap")) for token in members}
    sizes = {token: abs(gap.value) for token, gap in gaps.items() if gap is not None}
    return max(sorted(sizes), key=lambda token: sizes[token]) if sizes and len(sizes) == len(gaps) else None


def mean_rate(line: Line, name: str) -> float | None:
    """Return the mean rate over the rows that were timed: a rate has no members, so untimed rows do not blank it."""
    timed = [rate for row in line.rows if row.recalibration == "none" and (rate := row.rate(name)) is not None]
    return statistics.fmean(timed) if timed else None


def _over_languages(
    line: Line, members: Sequence[str], quantity: Quantity, recalibration: str, seed: int
) -> float | None:
    rows = [line.row(seed, token, recalibration) for token in members]
    return _mean([None if row is None else quantity(row) for row in rows])


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.fmean(present) if present and len(present) == len(values) else None


def _spread(by_seed: Sequence[float | None]) -> Spread | None:
    mean = _mean(by_seed)
    if mean is None:
        return None
    present = [value for value in by_seed if value is not None]
    return Spread(mean, min(present), max(present)) if len(present) > 1 else Spread(mean)
