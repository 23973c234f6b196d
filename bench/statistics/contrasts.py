"""Metrics with their replicates, and linear contrasts of conditions that were resampled with the same groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.metric import MetricInfo
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration
from bench.errors import BadInput
from bench.statistics.bootstrap import draws
from bench.statistics.intervals import Estimate, combined_estimate
from bench.statistics.items import Items, check_paired, items_of
from bench.statistics.refit import refitted_values
from bench.statistics.sufficient import group_sums, replicate_values, resamplable, summable

LOG_ODDS = MetricInfo(
    name="accuracy_log_odds",
    title="Log odds of accuracy",
    symbol="logit acc",
    better="higher",
    low=float("-inf"),
    high=float("inf"),
)


@dataclass(frozen=True, slots=True)
class Resampled:
    """The metrics of one condition, or of a linear contrast of several, and their (B,) replicates.

    members: the items of the conditions, each taken its coefficient of times; groups: the number of groups drawn, the
    least one where there are several sets; seed: of the draw; paired: False where replicates of the two sides were put
    together independently of each other. Replicates are nan where there are too few groups to resample.
    """

    members: tuple[Items, ...]
    coefficients: tuple[float, ...]
    values: Mapping[str, float]
    replicates: Mapping[str, FloatArray]
    groups: int
    seed: int
    paired: bool = True


def resample(
    outcomes: Outcomes,
    replicates: int,
    seed: int,
    recalibration: Recalibration | None = None,
    metrics: Sequence[str] | None = None,
) -> Resampled:
    """Return the metrics of `outcomes`, recalibrated where asked, with replicates of whole groups.

    After recalibration every replicate resamples the calibration groups too and fits its own map
    (bench.statistics.refit, which also says how many replicates there are then). `metrics` are by default all that
    sums suffice for; see `group_sums`, also for what raises BadInput.
    """
    names = summable(outcomes) if metrics is None else list(metrics)
    scored = outcomes if recalibration is None else recalibration.apply(outcomes)
    values = {name: resamplable(name).value(scored) for name in names}
    sets = [outcomes] if recalibration is None else [outcomes, recalibration.fitted_on]
    groups = min(len(each.groups[0]) for each in sets)
    if groups < 2:
        drawn = {name: np.full(replicates, np.nan) for name in names}
    elif recalibration is None:
        drawn = replicate_values(group_sums(outcomes, names), draws(outcomes.groups[0], replicates, seed))
    else:
        drawn = refitted_values(outcomes, recalibration, replicates, seed, names)
    return Resampled((items_of(scored),), (1.0,), values, drawn, groups, seed)


def estimates(resampled: Resampled) -> dict[str, Estimate]:
    """Return each metric with its interval."""
    return {
        name: combined_estimate(info(name), value, resampled.replicates[name], resampled.coefficients)
        for name, value in resampled.values.items()
    }


def contrast(terms: Sequence[tuple[float, Resampled]]) -> Resampled:
    """Return the sum of `terms`, each a coefficient (not 0) and what it is taken of: a condition or a contrast.

    Paired by item and clustered by group: replicate b takes the same groups of every term. Where a coefficient is
    negative there are only metrics whose differences mean something. Raises BadInput unless all terms come from
    `resample` with the same replicates, seed, items and groups.
    """
    first = terms[0][1]
    for _, other in terms[1:]:
        check_same_draw(first, other)
    coefficients = tuple(factor * each for factor, term in terms for each in term.coefficients)
    names = [
        name
        for name in first.values
        if all(name in term.values for _, term in terms) and (info(name).contrast or min(coefficients) > 0)
    ]
    return Resampled(
        members=tuple(member for _, term in terms for member in term.members),
        coefficients=coefficients,
        values={name: sum(factor * term.values[name] for factor, term in terms) for name in names},
        replicates={name: _total(factor * term.replicates[name] for factor, term in terms) for name in names},
        groups=min(term.groups for _, term in terms),
        seed=first.seed,
        paired=first.paired,
    )


def transfer(target: Resampled, source: Resampled) -> Resampled:
    """Return `target` minus `source`: the same checkpoint, the same items, two languages."""
    return contrast([(1.0, target), (-1.0, source)])


def intermediate_effect(trained: Resampled, without: Resampled) -> Resampled:
    """Return `trained`, after an intermediate task, minus `without` it (or after its control): the same language."""
    return contrast([(1.0, trained), (-1.0, without)])


def difference_in_differences(
    target: Resampled, source: Resampled, target_without: Resampled, source_without: Resampled
) -> Resampled:
    """Return what an intermediate task does to transfer: (target - source) minus (target - source) without it."""
    return contrast([(1.0, transfer(target, source)), (-1.0, transfer(target_without, source_without))])


def unpaired_difference(first: Resampled, second: Resampled) -> Resampled:
    """Return `first` minus `second` for data that are not parallel: other items, drawn independently of each other.

    What the two sides hold differs too: such a contrast is confounded with content. `paired` is False. Replicate b of
    `first` meets replicate b + 1 of `second`, so that they are independent whatever the groups are called.
    """
    if len({len(values) for each in (first, second) for values in each.replicates.values()}) > 1:
        raise BadInput("Got different numbers of replicates in one contrast; resample all with the same number.")
    rolled = {name: np.roll(values, -1) for name, values in second.replicates.items()}
    names = [name for name in first.values if name in second.values and info(name).contrast]
    return Resampled(
        members=first.members + second.members,
        coefficients=first.coefficients + tuple(-each for each in second.coefficients),
        values={name: first.values[name] - second.values[name] for name in names},
        replicates={name: _total([first.replicates[name], -rolled[name]]) for name in names},
        groups=min(first.groups, second.groups),
        seed=first.seed,
        paired=False,
    )


def difference(first: Resampled, second: Resampled) -> dict[str, Estimate]:
    """Return the estimates of `first` minus `second`, paired by item and clustered by group; see `contrast`."""
    return estimates(contrast([(1.0, first), (-1.0, second)]))


def log_odds(condition: Resampled) -> Resampled:
    """Return the log odds of the accuracy of a single condition, to be contrasted instead of the accuracy itself.

    A difference of accuracies depends on where on the scale it lies: near 1 there is little left to gain. Infinite, and
    without an interval, where everything is right or wrong, in the sample or in a replicate. Raises BadInput for a
    contrast, whose log odds are no contrast of log odds.
    """
    if len(condition.members) > 1:
        raise BadInput("Got a contrast, but log odds are taken of one condition; take them before contrasting.")
    value = float(_logit(np.array(condition.values["accuracy"])))
    return replace(
        condition,
        values={LOG_ODDS.name: value},
        replicates={LOG_ODDS.name: _logit(condition.replicates["accuracy"])},
    )


def info(name: str) -> MetricInfo:
    """Return what is known of the metric `name`, or of the log odds of accuracy."""
    return LOG_ODDS if name == LOG_ODDS.name else METRICS[name]


def check_same_draw(first: Resampled, other: Resampled) -> None:
    """Raise BadInput unless replicate b is the same draw of the same items in both."""
    sizes = {len(values) for each in (first, other) for values in each.replicates.values()}
    if len(sizes) > 1 or first.seed != other.seed:
        raise BadInput(
            f"Got {sorted(sizes)} replicates of seeds {sorted({first.seed, other.seed})} in one contrast; "
            "resample all conditions with the same number and seed (with at most 200 replicates where one has a map "
            "other than a temperature, which is fitted anew in each)."
        )
    if first.paired != other.paired or (not first.paired and len(first.members) != len(other.members)):
        raise BadInput("Got an unpaired and a paired contrast in one; contrast like with like.")
    # All members of a paired contrast hold the same items.
    compared = 1 if first.paired else len(first.members)
    for one, another in zip(first.members[:compared], other.members[:compared], strict=True):
        check_paired(one, another)


def _total(parts: Iterable[FloatArray]) -> FloatArray:
    # Infinite log odds on both sides have no difference.
    with np.errstate(invalid="ignore"):
        total: FloatArray = np.sum(list(parts), axis=0)
    return total


def _logit(share: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        odds: FloatArray = np.log(share) - np.log1p(-share)
    return odds
