"""Contrasts at equal accuracy, from the trajectories of rows: of arms, of languages, of neighbouring sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from bench.calibration.outcomes import Outcomes
from bench.catalog.models import MODELS
from bench.predictions import Predictions
from bench.report.flags import is_uninformative
from bench.report.sections import Line, Section
from bench.rows import Row
from bench.statistics.contrasts import Resampled, resample
from bench.statistics.matched import (
    METRICS,
    Curve,
    Matched,
    curve_of,
    curve_of_values,
    difference_at_equal_accuracy,
    matched,
)
from bench.statistics.sufficient import summable

# As for the other contrasts of a report (bench.report.joint_draws).
DRAWS = 1000

Reader = Callable[[str], Predictions | None]
# The curve of a row, matched on the accuracy of another row of the same training; None where there is none.
Curves = Callable[[Row, Row], Curve | None]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two arms in one language: `title` says which, `equal` whose accuracy is made equal; one run for each seed."""

    model: str
    language: str
    title: str
    equal: str
    runs: tuple[Matched, ...]


def curves(read: Reader | None, draws: int = DRAWS) -> Curves:
    """Return what makes curves of rows: with replicates where `read` has the predictions of all points."""

    @cache
    def point(key: str) -> Resampled | None:
        predictions = None if read is None else read(key)
        if predictions is None:
            return None
        outcomes = Outcomes.from_predictions(predictions)
        known = summable(outcomes)
        return resample(outcomes, draws, 0, None, [name for name in METRICS if name in known])

    def points(row: Row) -> list[Resampled]:
        found = [point(str(each["predictions"])) for each in row.trajectory]
        return [each for each in found if each is not None]

    def curve(row: Row, on: Row) -> Curve | None:
        steps = [each["step"] for each in row.trajectory]
        if not steps or steps != [each["step"] for each in on.trajectory]:
            return None
        own, other = points(row), points(on)
        if len(own) == len(other) == len(steps):
            return curve_of(own, other)
        metrics = {name: [_number(each.get(name)) for each in row.trajectory] for name in METRICS}
        return curve_of_values([_number(each.get("accuracy")) for each in on.trajectory], metrics, row.data["groups"])

    return curve


def comparisons(section: Section, curve: Curves) -> list[Comparison]:
    """Return what a section's trajectories let compare, by model and language; empty where no row has any."""
    if not any(row.trajectory for line in section.lines for row in line.rows):
        return []
    found = [one for model in section.models for one in _of_model(section, model, curve)]
    return [one for one in found if one.runs]


def at_equal_accuracy(curve: Curves, arms: Sequence[tuple[Row | None, Row | None]]) -> Matched | None:
    """Return the first of two arms less the second, each a row and the row whose accuracy is made equal.

    None where a row is missing, uninformative, without a trajectory, or of items of its own.
    """
    rows = [(row, on) for row, on in arms if row is not None and on is not None]
    shared = len({row.condition.language for pair in rows for row in pair}) == 1
    if len(rows) < 2 or not all(_usable(row, shared) for pair in rows for row in pair):
        return None
    found = [curve(row, on) for row, on in rows]
    first, second = found
    if first is None or second is None:
        return None
    # One side's predictions may be gone: then nothing is drawn jointly.
    return matched(*((first, second) if len(first.level) == len(second.level) else (_bare(first), _bare(second))))


def _of_model(section: Section, model: str, curve: Curves) -> Iterator[Comparison]:
    lines = {line.training: line for line in section.lines if line.model == model}
    smaller = _smaller(section, model)
    for info in section.languages:
        for training, line in lines.items():
            if training != "none" and "none" in lines:
                for on in _matched_on(section, info.token):
                    title = f"{training} less none"
                    yield _arms(info.token, title, (line, lines["none"]), on, curve)
                if section.source and info.token != section.source:
                    yield _both(info.token, section.source, (line, lines["none"]), curve)
            if section.source and info.token != section.source:
                yield _languages(section, line, info.token, curve)
            for other in (each for each in section.lines if (each.model, each.training) == (smaller, training)):
                title = f"{training}: {model} less {smaller}"
                yield _arms(info.token, title, (line, other), info.token, curve)


def _matched_on(section: Section, language: str) -> tuple[str, ...]:
    """Return the languages whose accuracy is made equal: that language, and the source where it is another."""
    return tuple(dict.fromkeys((language, section.source or language)))


def _smaller(section: Section, model: str) -> str | None:
    """Return the next smaller model of the same family and generation that the section has."""
    family = {spec.token: (spec.family, spec.generation) for spec in MODELS}
    same = [token for token in section.models if token in family and family.get(model) == family[token]]
    return next((small for small, large in pairwise(same) if large == model), None)


def _arms(language: str, title: str, lines: tuple[Line, Line], on: str, curve: Curves) -> Comparison:
    runs = [
        at_equal_accuracy(curve, [(line.row(seed, language), line.row(seed, on)) for line in lines])
        for seed in lines[0].seeds
    ]
    return _comparison(lines[0].model, language, title, on, runs)


def _languages(section: Section, line: Line, language: str, curve: Curves) -> Comparison:
    pairs = [(line.row(seed, language), line.row(seed, section.source or "")) for seed in line.seeds]
    runs = [at_equal_accuracy(curve, [(row, row), (source, source)]) for row, source in pairs]
    return _comparison(line.model, language, f"{line.training}: {language} less {section.source}", "each", runs)


def _both(language: str, source: str, lines: tuple[Line, Line], curve: Curves) -> Comparison:
    """Return the difference in differences: two trainings in a language less both in the source, where items agree."""
    runs = [
        _difference(curve, *([line.row(seed, token) for line in lines] for token in (language, source)))
        for seed in lines[0].seeds
    ]
    title = f"{lines[0].training} less {lines[1].training}: {language} less {source}"
    return _comparison(lines[0].model, language, title, "each", runs)


def _difference(curve: Curves, own: Sequence[Row | None], source: Sequence[Row | None]) -> Matched | None:
    first, second = (at_equal_accuracy(curve, [(row, row) for row in rows]) for rows in (own, source))
    if first is None or second is None or not all(row is not None and _usable(row, shared=False) for row in own):
        return None
    return difference_at_equal_accuracy(first, second)


def _comparison(model: str, language: str, title: str, equal: str, runs: Sequence[Matched | None]) -> Comparison:
    return Comparison(model, language, title, equal, tuple(run for run in runs if run is not None))


def _bare(curve: Curve) -> Curve:
    return Curve(curve.level[:1], {name: values[:1] for name, values in curve.metrics.items()}, curve.groups)


def _usable(row: Row, shared: bool) -> bool:
    """Whether a row says something of its language, on items that the other row has too."""
    parallel = shared or row.data.get("transfer") is None or row.data.get("pairing") == "items"
    return parallel and not is_uninformative(row)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
