"""Replicates of rows from stored predictions: one draw of groups for all languages, arms, sizes and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.calibration.arrays import FloatArray
from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions
from bench.report.panels import Replicates
from bench.rows import Row
from bench.statistics.contrasts import resample

# A standard deviation out of so many is right to 2 %, and thousands of rows have to fit into memory.
DRAWS = 1000
# What the answer contrasts; NLL and the accuracy gap stand beside the signed gap.
METRICS = ("gap", "accuracy", "confidence", "nll")


def joint_draws(read: Callable[[str], Predictions | None], draws: int = DRAWS) -> Replicates:
    """Return a function from a row to the (draws,) replicates of `METRICS`; None where its predictions are not there.

    `read` returns the predictions with a key, None where there are none. Rows with the same groups share the draw
    (bench.statistics.bootstrap.draws). A recalibrated row has none: its map would have to be fitted again.
    """
    known: dict[str, Mapping[str, FloatArray] | None] = {}

    def replicates(row: Row) -> Mapping[str, FloatArray] | None:
        key = str(row.data["digests"]["predictions"])
        if row.recalibration != "none":
            return None
        if key not in known:
            known[key] = _resampled(read(key), draws)
        return known[key]

    return replicates


def _resampled(predictions: Predictions | None, draws: int) -> Mapping[str, FloatArray] | None:
    if predictions is None:
        return None
    return resample(Outcomes.from_predictions(predictions), draws, 0, None, METRICS).replicates
