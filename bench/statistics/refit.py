"""Intervals after recalibration: each replicate fits its own temperature on resampled calibration groups."""

from __future__ import annotations

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import sums_by
from bench.calibration.outcomes import Outcomes
from bench.calibration.temperature import HIGHEST, LOWEST, apply, slopes
from bench.statistics.bootstrap import draws
from bench.statistics.sufficient import group_sums, replicate_values

# Where the calibration slopes are computed; a replicate's temperature is interpolated between neighbours.
_SLOPE_NODES = np.linspace(np.log(LOWEST), np.log(HIGHEST), 101)
# Where the scored items are recalibrated; a replicate's metrics are interpolated between neighbours.
_SCORE_NODES = 17


def refit_log_temperatures(calibrate: Outcomes, replicates: int, seed: int) -> FloatArray:
    """Return the (replicates,) log temperatures fitted on resampled groups of `calibrate`.

    The slope of the NLL is a sum over groups at any temperature, so one matrix product gives every replicate's slope
    at every node, and the temperature is where it changes sign.
    """
    groups, index = np.unique(calibrate.group_ids, return_inverse=True)
    columns = [
        sums_by(index, len(groups), slopes(calibrate.log_probabilities, calibrate.labels, float(node)))
        for node in _SLOPE_NODES
    ]
    slope = draws(calibrate.group_ids, replicates, seed) @ np.stack(columns, axis=1)
    return _sign_change(slope)


def recalibrated_values(
    outcomes: Outcomes, log_temperatures: FloatArray, multiplicities: FloatArray
) -> dict[str, FloatArray]:
    """Return the (B,) metric values of replicates of `outcomes`, replicate b divided by its own temperature.

    Items are recalibrated at 17 temperatures that span the replicates', and the metrics interpolated between them.
    Means are smooth in the temperature; a binned error jumps where an item changes its bin, by less than it varies
    between replicates.
    """
    nodes = np.linspace(log_temperatures.min(), log_temperatures.max(), _SCORE_NODES)
    upper = np.clip(np.searchsorted(nodes, log_temperatures), 1, _SCORE_NODES - 1)
    width = nodes[1] - nodes[0]
    share = (log_temperatures - nodes[upper - 1]) / width if width > 0 else np.zeros_like(log_temperatures)
    values: dict[str, FloatArray] = {}
    for node in range(_SCORE_NODES):
        weight = np.where(upper == node, share, np.where(upper - 1 == node, 1 - share, 0.0))
        used = np.flatnonzero(weight)
        if len(used):
            sums = group_sums(apply(outcomes, float(np.exp(nodes[node]))))
            for name, value in replicate_values(sums, multiplicities[used]).items():
                values.setdefault(name, np.zeros(len(log_temperatures)))[used] += weight[used] * value
    return values


def _sign_change(slope: FloatArray) -> FloatArray:
    # Slopes fall as the temperature rises: positive nodes come first.
    above = (slope > 0).sum(axis=1)
    left = np.clip(above - 1, 0, len(_SLOPE_NODES) - 2)
    rows = np.arange(len(slope))
    first, second = slope[rows, left], slope[rows, left + 1]
    steps = np.clip(first / np.where(first == second, 1.0, first - second), 0.0, 1.0)
    found: FloatArray = _SLOPE_NODES[left] + steps * (_SLOPE_NODES[1] - _SLOPE_NODES[0])
    return found
