"""From stored predictions to the scores of a row: pure, and the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from bench.calibration.conformal import ConformalThreshold, Method, evaluate, fit_conformal
from bench.calibration.consistency import Consistency, consistency, has_floor
from bench.calibration.fit_set import fit_languages, fit_set
from bench.calibration.metric import Metric
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration, recalibrate
from bench.calibration.recalibration_name import RecalibrationName
from bench.errors import BadInput
from bench.predictions import Predictions
from bench.statistics.contrasts import Resampled, difference, estimates, resample
from bench.statistics.intervals import Estimate
from bench.statistics.sufficient import summable

REPLICATES = 2000
# Miscoverage of prediction sets.
ALPHA = 0.1
NULL_DRAWS = 999


def score(
    test: Predictions,
    *,
    source: Predictions | None = None,
    halves: Mapping[str, Predictions] | None = None,
    recalibration: str = "none",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the scored part of a row: n, groups, metrics, transfer, calibrator, prediction_sets, as JSON values.

    test: what is scored; source: the same items in the source language and by the same checkpoint, None when `test` is
    the source language itself (transfer is then None); halves: calibration halves by language, needed by any
    `recalibration` (see `RecalibrationName`), which is fitted there and nowhere else. For transfer the source is
    recalibrated likewise: with "target" and "few<k>" on its own half. Prediction sets are calibrated on the source's
    half; they are None without it, and after recalibration. Raises BadInput for unusable predictions, for a source with
    other items, and for a fit set that is missing or shares a group or an item with a scored one.
    """
    name, halves = RecalibrationName.parse(recalibration), halves or {}
    own, origin = _language(test), _language(test if source is None else source)
    fitted = None if name is None else _fitted(name, halves, origin, own)
    outcomes = Outcomes.from_predictions(test)
    resampled = _resampled(outcomes, name)
    scored = resample(outcomes, replicates, seed, fitted, resampled)
    transfer = None
    if source is not None:
        apart = name is not None and name.where not in ("en", "pool")
        base = _fitted(name, halves, origin, origin) if apart and name is not None else fitted
        reference = resample(Outcomes.from_predictions(source), replicates, seed, base, resampled)
        transfer = _transfer(scored, reference)
    return {
        "n": len(scored.outcomes),
        "groups": len(scored.outcomes.groups[0]),
        "metrics": _metrics(scored, seed),
        "transfer": transfer,
        "calibrator": None if fitted is None else _calibrator(fitted, own, scored),
        "prediction_sets": None if name or origin not in halves else _prediction_sets(outcomes, halves[origin]),
    }


def _language(predictions: Predictions) -> str:
    return str(predictions.metadata.get("language", "unnamed"))


def _fitted(name: RecalibrationName, halves: Mapping[str, Predictions], source: str, target: str) -> Recalibration:
    read = fit_languages(name.where, source, target, sorted(halves))
    missing = [language for language in read if language not in halves]
    if missing or not read:
        raise BadInput(
            f"Got recalibration={str(name)!r} without the calibration half of {', '.join(missing) or 'any language'}, "
            "but it is fitted there; pass it in halves or use 'none'."
        )
    outcomes = {language: Outcomes.from_predictions(halves[language]) for language in read}
    return recalibrate(fit_set(name.where, outcomes, source, target), name.token, name.where)


def _resampled(outcomes: Outcomes, name: RecalibrationName | None) -> list[str]:
    """Return the metrics that get intervals: only the contrasted ones where each replicate fits its own map."""
    names = summable(outcomes)
    return names if name is None or name.token == "ts" else [each for each in names if METRICS[each].contrast]


def _metrics(scored: Resampled, seed: int) -> dict[str, dict[str, float | int | None]]:
    binned = [metric for metric in METRICS.values() if has_floor(metric)]
    floors = consistency(scored.outcomes, binned, NULL_DRAWS, seed)
    found = estimates(scored)
    return {
        name: {
            **(_interval(found[name]) if name in found else _value(metric, scored.outcomes)),
            "version": metric.version,
            **_null(metric, floors.get(name)),
        }
        for name, metric in METRICS.items()
        # A score does not depend on the order in which predictions were stored.
        if "order" in metric.holds
    }


def _transfer(scored: Resampled, reference: Resampled) -> dict[str, dict[str, float | None]]:
    return {name: _interval(found) for name, found in difference(scored, reference).items()}


def _calibrator(fitted: Recalibration, language: str, scored: Resampled) -> dict[str, Any]:
    return {
        "token": fitted.name.token,
        "where": fitted.name.where,
        "scored": language,
        "n": len(fitted.fitted_on),
        "replicates": min(len(values) for values in scored.replicates.values()),
        "parameters": fitted.map.parameters(),
    }


def _prediction_sets(outcomes: Outcomes, half: Predictions) -> dict[str, dict[str, Any]]:
    fitted_on = Outcomes.from_predictions(half)
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
