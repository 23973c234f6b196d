"""The trajectory in a row: what the model said at some steps of its fine-tuning, scored as the row itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions
from bench.rows import POINT_METRICS


def scored_points(points: Sequence[tuple[str, Predictions]]) -> list[dict[str, Any]]:
    """Return the row's `trajectory` as JSON values, from key and predictions of each point in order of steps.

    `step`: optimiser steps taken; `examples`: seen by then, a repeated one counted again; `predictions`: the key;
    metrics of the task's first view in their own units, None where one is undefined. Raises BadInput for unusable
    predictions.
    """
    return [_scored(key, predictions) for key, predictions in points]


def _scored(key: str, predictions: Predictions) -> dict[str, Any]:
    outcomes = Outcomes.from_predictions(predictions)
    values = {name: float(METRICS[name].value(outcomes)) for name in POINT_METRICS}
    return {
        "step": int(predictions.metadata["step"]),
        "examples": int(predictions.metadata["examples"]),
        "predictions": key,
        **{name: value if math.isfinite(value) else None for name, value in values.items()},
    }
