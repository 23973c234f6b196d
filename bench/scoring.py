"""From stored predictions to the scores of a row: pure, and the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from bench.calibration.conformal import ConformalThreshold, Method, evaluate, fit_conformal
from bench.calibration.consistency import Consistency, consistency, has_floor
from bench.calibration.cross_fit import CrossFit, cross_fit
from bench.calibration.fit_set import fit_languages, fit_set
from bench.calibration.metric import Metric
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes, outcomes_of
from bench.calibration.recalibration import Recalibration, recalibrate
from bench.calibration.recalibration_name import RecalibrationName
from bench.calibration.views import views
from bench.errors import BadInput
from bench.predictions import Predictions
from bench.scores.soft import soft_f1
from bench.scores.tally import task_scores
from bench.statistics.contrasts import Resampled, estimates, resample
from bench.statistics.intervals import Estimate
from bench.statistics.pairing import Pairing, comparable, pairing, transfer_estimates
from bench.statistics.sufficient import summable

REPLICATES = 2000
# Miscoverage of prediction sets.
ALPHA = 0.1
NULL_DRAWS = 999
# What is said of every view but the one asked for.
VIEW_METRICS = ("gap", "accuracy", "confidence", "ece15", "l2sq15", "nll", "brier")
# No English condition exists of these.
_NO_SOURCE = ("retrieval", "mining")
# Their classes are a fixed set, of which a prediction set can be a part.
_WITH_SETS = ("sentence_pair", "multiple_choice", "tagging")


def score(
    test: Predictions,
    *,
    source: Predictions | None = None,
    halves: Mapping[str, Predictions] | None = None,
    recalibration: str = "none",
    replicates: int = REPLICATES,
    seed: int = 0,
    view: str = "",
) -> dict[str, Any]:
    """Return the scored part of a row as JSON values: of one view n, groups, metrics, transfer, pairing, calibrator and
    prediction_sets; of the others `views`; of the task itself `task_scores`, and `soft_f1` for spans.

    test: what is scored; source: the source language by the same checkpoint, None when `test` is the source language
    itself (transfer is then None, as it is for retrieval and mining, which have no source); halves: calibration halves
    by language, needed by any `recalibration` (see `RecalibrationName`), which is fitted there and nowhere else; for
    "pivot" the test predictions of the pivot pair alone. For transfer the source is recalibrated likewise: with
    "target" and "few<k>" on its own half. Prediction sets are calibrated on the source's half; they are None without
    it, after recalibration, and where there are no classes to choose from. view: see bench.calibration.views, by
    default the first; of the others only `VIEW_METRICS`, and None for one of which nothing is there (no entity was
    predicted). `pairing` says how the items of source and target were compared (bench.statistics.pairing). Raises
    BadInput for unusable predictions, for a source with other items where the data are parallel, and for a fit set that
    is missing or shares a group or an item with a scored one.
    """
    name, halves = RecalibrationName.parse(recalibration), halves or {}
    task = _Task(test, None if test.kind in _NO_SOURCE else source, halves, name, replicates, seed)
    chosen = view or views(test)[0]
    part = _scored(task, chosen)
    return {
        **(_nothing() if part is None else _whole(part, task)),
        "prediction_sets": None if name or part is None else _prediction_sets(task, part.outcomes),
        "views": {other: _brief(_scored(task, other, VIEW_METRICS), seed) for other in views(test) if other != chosen},
        "task_scores": {key: _interval(each.estimate(replicates, seed)) for key, each in task_scores(test).items()},
        "soft_f1": soft_f1(test) if test.kind == "span" else None,
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    test: Predictions
    source: Predictions | None
    halves: Mapping[str, Predictions]
    name: RecalibrationName | None
    replicates: int
    seed: int

    @property
    def language(self) -> str:
        return _language(self.test)

    @property
    def origin(self) -> str:
        return _language(self.test if self.source is None else self.source)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One view: its outcomes as they are scored, their resampled metrics, and those of the source, if there is one."""

    outcomes: Outcomes
    scored: Resampled
    fitted: Recalibration | CrossFit | None
    reference: Resampled | None
    pairing: Pairing | None


def _scored(task: _Task, view: str, metrics: Sequence[str] | None = None) -> _Part | None:
    """Return the scores of a view, None where nothing is of it, in the fit set or in what is scored."""
    outcomes = _outcomes(task.test, view)
    fitted = None if outcomes is None or task.name is None else _fitted(task, view, outcomes, task.language)
    if outcomes is None or (task.name is not None and fitted is None):
        return None
    chosen = tuple(metrics) if metrics is not None else _resampled(outcomes, task.name)
    shown, scored = _recalibrated(outcomes, fitted), _resample(task, outcomes, fitted, chosen)
    reference = None if task.source is None else _outcomes(task.source, view)
    if reference is None:
        return _Part(shown, scored, fitted, None, None)
    how = pairing(outcomes, reference, by_group=task.test.kind == "tagging")
    reference = comparable(outcomes, reference, how)
    apart = task.name is not None and task.name.where not in ("en", "pool")
    base = _fitted(task, view, reference, task.origin) if apart else fitted
    return _Part(shown, scored, fitted, _resample(task, reference, base, chosen), how)


def _recalibrated(outcomes: Outcomes, fitted: Recalibration | CrossFit | None) -> Outcomes:
    if isinstance(fitted, CrossFit):
        return fitted.outcomes
    return outcomes if fitted is None else fitted.apply(outcomes)


def _resample(
    task: _Task, outcomes: Outcomes, fitted: Recalibration | CrossFit | None, metrics: tuple[str, ...]
) -> Resampled:
    if isinstance(fitted, CrossFit):
        return _resampled_once(fitted.outcomes, task.replicates, task.seed, None, metrics)
    return _resampled_once(outcomes, task.replicates, task.seed, fitted, metrics)


# Every language is compared with one source: what is said of it is found once. Keys are the objects themselves, so
# nothing is shared but by who reads the source once (bench.engine.read_entry).
_outcomes = lru_cache(maxsize=8)(outcomes_of)
_resampled_once = lru_cache(maxsize=8)(resample)


def _language(predictions: Predictions) -> str:
    return str(predictions.metadata.get("language", "unnamed"))


def _fitted(task: _Task, view: str, outcomes: Outcomes, target: str) -> Recalibration | CrossFit | None:
    assert task.name is not None, "only a recalibration is fitted"
    fit_sets = _fit_sets(task, task.name, view, target)
    if fit_sets is None:
        return None
    if task.name.where == "pivot":
        return cross_fit(outcomes, next(iter(fit_sets.values())))
    if task.name.token == "spline" and (outcomes.event or not outcomes.top.any(axis=1).all()):
        raise BadInput(
            f"Got recalibration={str(task.name)!r} for {task.test.kind} predictions, but a spline moves the most "
            "probable class, which is not the answer to each of them; use ts."
        )
    scored = task.origin if task.name.where == "en" else target
    return _recalibration(task.name, tuple(fit_sets.items()), task.origin, scored)


@lru_cache(maxsize=8)
def _recalibration(
    name: RecalibrationName, fit_sets: tuple[tuple[str, Outcomes], ...], origin: str, target: str
) -> Recalibration:
    return recalibrate(fit_set(name.where, dict(fit_sets), origin, target), name.token, name.where)


def _fit_sets(task: _Task, name: RecalibrationName, view: str, target: str) -> dict[str, Outcomes] | None:
    """Return the outcomes of the halves that are read, None where nothing in one of them is of the view."""
    read = fit_languages(name.where, task.origin, target, sorted(task.halves))
    missing = [language for language in read if language not in task.halves]
    if missing or not read:
        raise BadInput(
            f"Got recalibration={str(name)!r} without the calibration half of {', '.join(missing) or 'any language'}, "
            "but it is fitted there; pass it in halves or use 'none'."
        )
    if name.where == "pivot" and len(read) > 1:
        raise BadInput(f"Got halves of {', '.join(read)} for {str(name)!r}, but there is one pivot; pass it alone.")
    found = {language: _outcomes(task.halves[language], view) for language in read}
    present = {language: each for language, each in found.items() if each is not None}
    return present if len(present) == len(found) else None


def _resampled(outcomes: Outcomes, name: RecalibrationName | None) -> tuple[str, ...]:
    """Return the metrics that get intervals: only the contrasted ones where each replicate fits its own map."""
    every = name is None or name.token == "ts"
    return tuple(each for each in summable(outcomes) if every or METRICS[each].contrast)


def _whole(part: _Part, task: _Task) -> dict[str, Any]:
    # A score does not depend on the order in which predictions were stored.
    names = [name for name, metric in METRICS.items() if "order" in metric.holds]
    return {
        **_counts(part),
        "metrics": _metrics(part, names, task.seed),
        "transfer": _transfer(part),
        "pairing": part.pairing,
        "calibrator": None if task.name is None else _calibrator(part, task, task.name),
    }


def _brief(part: _Part | None, seed: int) -> dict[str, Any] | None:
    if part is None:
        return None
    metrics = _metrics(part, VIEW_METRICS, seed)
    return {**_counts(part), "metrics": metrics, "transfer": _transfer(part), "pairing": part.pairing}


def _nothing() -> dict[str, Any]:
    """Return what is said of a view without items: a model may mine no pair at all."""
    missing = {"value": None, "low": None, "high": None, "floor": None, "p": None}
    metrics = {name: {**missing, "version": each.version} for name, each in METRICS.items() if "order" in each.holds}
    return {"n": 0, "groups": 0, "metrics": metrics, "transfer": None, "pairing": None, "calibrator": None}


def _counts(part: _Part) -> dict[str, int]:
    return {"n": len(part.outcomes), "groups": len(part.outcomes.groups[0])}


def _metrics(part: _Part, names: Sequence[str], seed: int) -> dict[str, dict[str, float | int | None]]:
    metrics = {name: METRICS[name] for name in names}
    binned = [each for each in metrics.values() if has_floor(each) and each.defined_for(part.outcomes)]
    floors = consistency(part.outcomes, binned, NULL_DRAWS, seed)
    found = estimates(part.scored)
    return {
        name: {
            **(_interval(found[name]) if name in found else _value(metric, part.outcomes)),
            "version": metric.version,
            **_null(metric, floors.get(name)),
        }
        for name, metric in metrics.items()
    }


def _transfer(part: _Part) -> dict[str, dict[str, float | None]] | None:
    if part.reference is None or part.pairing is None:
        return None
    found = transfer_estimates(part.scored, part.reference, part.pairing)
    return {name: _interval(each) for name, each in found.items()}


def _calibrator(part: _Part, task: _Task, name: RecalibrationName) -> dict[str, Any]:
    common = {
        "token": name.token,
        "where": name.where,
        "scored": task.language,
        "replicates": min(len(values) for values in part.scored.replicates.values()),
    }
    if isinstance(part.fitted, CrossFit):
        # The temperatures are held fixed in the intervals.
        temperatures = list(part.fitted.temperatures)
        return {**common, "n": part.fitted.items, "parameters": {"temperatures": temperatures}, "held_fixed": True}
    assert part.fitted is not None, "a recalibrated row has a map"
    return {**common, "n": len(part.fitted.fitted_on), "parameters": part.fitted.map.parameters()}


def _prediction_sets(task: _Task, outcomes: Outcomes) -> dict[str, dict[str, Any]] | None:
    if task.origin not in task.halves or task.test.kind not in _WITH_SETS or outcomes.event:
        return None
    fitted_on = Outcomes.from_predictions(task.halves[task.origin])
    return {method: _sets(outcomes, fit_conformal(fitted_on, method, ALPHA)) for method in get_args(Method)}


def _sets(outcomes: Outcomes, threshold: ConformalThreshold) -> dict[str, Any]:
    found = evaluate(threshold.sets(outcomes), outcomes, ALPHA)
    return {
        "alpha": ALPHA,
        "coverage": found.coverage,
        "gap": found.gap,
        "mean_size": found.mean_size,
        "empty": found.empty,
        "worst": _finite(found.worst),
        "by_size": {str(size): {"n": each.n, "coverage": each.coverage} for size, each in found.by_size.items()},
    }


def _value(metric: Metric, outcomes: Outcomes) -> dict[str, float | None]:
    """Return the value of a metric that is no function of sums: its replicates would take minutes a row."""
    value = metric.value(outcomes) if metric.defined_for(outcomes) else math.nan
    return {"value": _finite(value), "low": None, "high": None}


def _interval(found: Estimate) -> dict[str, float | None]:
    return {"value": _finite(found.value), "low": _finite(found.low), "high": _finite(found.high)}


def _null(metric: Metric, null: Consistency | None) -> dict[str, float | None]:
    if null is None:
        return {"floor": None, "p": None}
    # The floor of a debiased error is 0 by construction; a sampled one would only show its noise.
    return {"floor": _finite(null.floor) if metric.interval == "basic" else None, "p": _finite(null.p)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
