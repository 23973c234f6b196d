"""Metrics with their replicates, and paired differences between conditions resampled with the same groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration
from bench.errors import BadInput
from bench.statistics.bootstrap import Estimate, draws, estimate
from bench.statistics.refit import recalibrated_values, refit_log_temperatures
from bench.statistics.sufficient import defined, group_sums, replicate_values


@dataclass(frozen=True, slots=True)
class Resampled:
    """The metrics of `outcomes` and their (B,) replicates; nan where there are too few groups to resample."""

    outcomes: Outcomes
    values: Mapping[str, float]
    replicates: Mapping[str, FloatArray]


def resample(outcomes: Outcomes, replicates: int, seed: int, recalibration: Recalibration | None = None) -> Resampled:
    """Return the metrics of `outcomes`, recalibrated where asked, with replicates of whole groups.

    After recalibration every replicate resamples the calibration groups too and fits its own temperature.
    """
    scored = outcomes if recalibration is None else recalibration.apply(outcomes)
    values = {metric.name: metric.value(scored) for metric in defined(scored)}
    sets = [outcomes] if recalibration is None else [outcomes, recalibration.fitted_on]
    if any(len(np.unique(each.group_ids)) < 2 for each in sets):
        return Resampled(scored, values, {name: np.full(replicates, np.nan) for name in values})
    multiplicities = draws(outcomes.group_ids, replicates, seed)
    if recalibration is None:
        return Resampled(scored, values, replicate_values(group_sums(outcomes), multiplicities))
    temperatures = refit_log_temperatures(recalibration.fitted_on, replicates, seed)
    return Resampled(scored, values, recalibrated_values(outcomes, temperatures, multiplicities))


def estimates(resampled: Resampled) -> dict[str, Estimate]:
    """Return each metric with its interval."""
    return {
        name: estimate(METRICS[name], value, resampled.replicates[name]) for name, value in resampled.values.items()
    }


def difference(first: Resampled, second: Resampled) -> dict[str, Estimate]:
    """Return first minus second, paired by item and clustered by group, for metrics whose differences mean something.

    Both must come from `resample` with the same replicates and seed; raises BadInput when they hold other items.
    """
    check_paired(first.outcomes, second.outcomes)
    names = [name for name in first.values if name in second.values and METRICS[name].contrast]
    return {
        name: estimate(
            METRICS[name],
            first.values[name] - second.values[name],
            first.replicates[name] - second.replicates[name],
            difference=True,
        )
        for name in names
    }


def transfer(target: Outcomes, source: Outcomes, replicates: int, seed: int) -> dict[str, Estimate]:
    """Return the metrics of `target` minus those of `source`: the same checkpoint, the same items, two languages."""
    return difference(resample(target, replicates, seed), resample(source, replicates, seed))


def check_paired(first: Outcomes, second: Outcomes) -> None:
    """Raise BadInput unless both hold the same items in the same groups, in whatever order."""
    order, other = np.argsort(first.item_ids), np.argsort(second.item_ids)
    if not np.array_equal(first.item_ids[order], second.item_ids[other]):
        odd = np.setxor1d(first.item_ids, second.item_ids)
        raise BadInput(
            f"Got {len(odd)} item(s) on one side of a paired contrast only, such as {str(odd[0])!r}; "
            "score both conditions on the same items, with the same limit."
        )
    differing = first.group_ids[order] != second.group_ids[other]
    if differing.any():
        item = str(first.item_ids[order][differing.argmax()])
        raise BadInput(f"Got item {item!r} in different groups on the two sides of a contrast; groups must agree.")
