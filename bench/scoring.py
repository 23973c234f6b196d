"""From stored predictions to the scores of a row: pure, and the same on every machine."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from bench.calibration.consistency import Consistency, consistency
from bench.calibration.metrics import METRICS, BinnedMetric, Metric
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration, recalibrate
from bench.errors import BadInput
from bench.predictions import Predictions
from bench.statistics.bootstrap import Estimate
from bench.statistics.contrasts import Resampled, difference, estimates, resample

RECALIBRATIONS = ("none", "ts_en")
REPLICATES = 2000
NULL_DRAWS = 999


def score(
    test: Predictions,
    *,
    source: Predictions | None = None,
    calibrate: Predictions | None = None,
    recalibration: Literal["none", "ts_en"] = "none",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the scored part of a row: n, groups, metrics, transfer, calibrator, as JSON values.

    test: what is scored; source: the same items in the source language and by the same checkpoint, None when `test` is
    the source language itself (transfer is then None); calibrate: the calibration half of the source language's dev
    set, needed by "ts_en", which fits its temperature there and nowhere else. Raises BadInput for unusable predictions,
    for a source with other items, and for a calibration set that shares a group with a scored one.
    """
    fitted = _recalibration(calibrate, recalibration)
    scored = resample(Outcomes.from_predictions(test), replicates, seed, fitted)
    return {
        "n": len(scored.outcomes),
        "groups": len(np.unique(scored.outcomes.group_ids)),
        "metrics": _metrics(scored, seed),
        "transfer": None if source is None else _transfer(scored, source, replicates, seed, fitted),
        "calibrator": None if fitted is None or calibrate is None else _calibrator(fitted, calibrate),
    }


def _recalibration(calibrate: Predictions | None, recalibration: str) -> Recalibration | None:
    if recalibration not in RECALIBRATIONS:
        raise BadInput(f"Got recalibration={recalibration!r}, but there are: {', '.join(RECALIBRATIONS)}.")
    if recalibration == "none":
        return None
    if calibrate is None:
        raise BadInput("Got recalibration='ts_en' without calibrate, but it is fitted there; pass it or use 'none'.")
    return recalibrate(Outcomes.from_predictions(calibrate))


def _metrics(scored: Resampled, seed: int) -> dict[str, dict[str, float | int | None]]:
    binned = [metric for metric in METRICS.values() if isinstance(metric, BinnedMetric)]
    floors = consistency(scored.outcomes, binned, NULL_DRAWS, seed)
    found = estimates(scored)
    return {
        name: {**_interval(found.get(name)), "version": metric.version, **_null(metric, floors.get(name))}
        for name, metric in METRICS.items()
    }


def _transfer(
    scored: Resampled, source: Predictions, replicates: int, seed: int, fitted: Recalibration | None
) -> dict[str, dict[str, float | None]]:
    reference = resample(Outcomes.from_predictions(source), replicates, seed, fitted)
    return {name: _interval(found) for name, found in difference(scored, reference).items()}


def _calibrator(fitted: Recalibration, calibrate: Predictions) -> dict[str, Any]:
    return {
        "temperature": fitted.temperature.value,
        "at_bound": fitted.temperature.at_bound,
        "fitted_on": f"{calibrate.metadata.get('language', 'unnamed')} calibrate",
        "n": len(calibrate),
    }


def _interval(found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {"value": None, "low": None, "high": None}
    return {"value": _finite(found.value), "low": _finite(found.low), "high": _finite(found.high)}


def _null(metric: Metric, null: Consistency | None) -> dict[str, float | None]:
    if null is None:
        return {"floor": None, "p": None}
    # The floor of a debiased error is 0 by construction; a sampled one would only show its noise.
    return {"floor": _finite(null.floor) if metric.interval == "basic" else None, "p": _finite(null.p)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
