"""Intervals after recalibration: each replicate fits its own map on resampled calibration groups.

Scored groups and calibration groups are two sets, drawn independently of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import sums_by
from bench.calibration.calibrators.calibration_map import CalibrationMap, finite_logs
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.calibrators.temperature import HIGHEST, LOWEST, Temperature, apply, slopes
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration
from bench.statistics.bootstrap import draws
from bench.statistics.sufficient import group_sums, replicate_values, summable, weighted_values

# A map that is no temperature is fitted once a replicate: no more of them than this.
REFITS = 200
# Where the calibration slopes are computed; a replicate's temperature is interpolated between neighbours.
_SLOPE_NODES = np.linspace(np.log(LOWEST), np.log(HIGHEST), 201)
# Where the scored items are recalibrated; a replicate's metrics are interpolated between neighbours.
_SCORE_NODES = 17


def refitted_values(
    outcomes: Outcomes, recalibration: Recalibration, replicates: int, seed: int, metrics: Sequence[str] | None = None
) -> dict[str, FloatArray]:
    """Return the metrics of replicates of `outcomes`, each recalibrated by a map fitted on its own calibration draw.

    A temperature costs little and has (replicates,) values. Every other map has (min(replicates, 200),): the first of
    as many, from the same draw.
    """
    if isinstance(recalibration.map, Temperature):
        log_temperatures = refit_log_temperatures(recalibration.fitted_on, replicates, seed)
        return recalibrated_values(outcomes, log_temperatures, draws(outcomes.groups[0], replicates, seed), metrics)
    number = min(replicates, REFITS)
    maps = refit_maps(recalibration, number, seed)
    return mapped_values(outcomes, maps, draws(outcomes.groups[0], number, seed), metrics)


# A map fitted on the source serves the scored language and the source it is compared with.
@lru_cache(maxsize=1)
def refit_maps(recalibration: Recalibration, replicates: int, seed: int) -> tuple[CalibrationMap, ...]:
    """Return the maps fitted on resampled groups of the fit set, the times a group is drawn being its weight."""
    fitted_on = recalibration.fitted_on
    fit = CALIBRATORS[recalibration.name.token].fit
    _, index = fitted_on.groups
    return tuple(fit(fitted_on, row[index]) for row in draws(fitted_on.groups[0], replicates, seed))


def mapped_values(
    outcomes: Outcomes, maps: Sequence[CalibrationMap], multiplicities: FloatArray, metrics: Sequence[str] | None = None
) -> dict[str, FloatArray]:
    """Return the (B,) metric values of replicates of `outcomes`, replicate b changed by maps[b].

    Bins are those of all items as that map leaves them.
    """
    names = summable(outcomes) if metrics is None else metrics
    _, index = outcomes.groups
    values = [
        weighted_values(each.apply(outcomes), row[index], names) for each, row in zip(maps, multiplicities, strict=True)
    ]
    return {name: np.array([each[name] for each in values]) for name in names}


# As above: languages share the fit set.
@lru_cache(maxsize=2)
def refit_log_temperatures(calibrate: Outcomes, replicates: int, seed: int) -> FloatArray:
    """Return the (replicates,) log temperatures fitted on resampled groups of `calibrate`, read-only.

    The slope of the NLL is a sum over groups at any temperature, so one matrix product gives every replicate's slope
    at every node, and the temperature is where it changes sign.
    """
    groups, index = calibrate.groups
    logits = finite_logs(calibrate.log_probabilities)
    columns = [sums_by(index, len(groups), slopes(logits, calibrate.labels, float(node))) for node in _SLOPE_NODES]
    slope = draws(calibrate.groups[0], replicates, seed) @ np.stack(columns, axis=1)
    found = _sign_change(slope)
    found.flags.writeable = False
    return found


def recalibrated_values(
    outcomes: Outcomes,
    log_temperatures: FloatArray,
    multiplicities: FloatArray,
    metrics: Sequence[str] | None = None,
) -> dict[str, FloatArray]:
    """Return the (B,) metric values of replicates of `outcomes`, replicate b divided by its own temperature.

    Items are recalibrated at 17 quantiles of the replicates' temperatures, and the metrics interpolated between them.
    Means are smooth in the temperature; a binned error jumps where an item changes its bin, by less than it varies
    between replicates.
    """
    # Quantiles, since one separable replicate lies far from all others.
    nodes = np.unique(np.quantile(log_temperatures, np.linspace(0, 1, _SCORE_NODES)))
    nodes = nodes if len(nodes) > 1 else np.repeat(nodes, 2)
    upper = np.clip(np.searchsorted(nodes, log_temperatures), 1, len(nodes) - 1)
    width = nodes[upper] - nodes[upper - 1]
    share = np.where(width > 0, (log_temperatures - nodes[upper - 1]) / np.where(width > 0, width, 1.0), 0.0)
    values: dict[str, FloatArray] = {}
    for node in range(len(nodes)):
        weight = np.where(upper == node, share, np.where(upper - 1 == node, 1 - share, 0.0))
        used = np.flatnonzero(weight)
        if len(used):
            sums = group_sums(apply(outcomes, float(np.exp(nodes[node]))), metrics)
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
