"""Sums per group, all that a replicate needs: resampling multiplies them and never touches the items again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import Binning, BinSums, cell_sums, sums_by
from bench.calibration.metric import BinnedMetric, MeanMetric, Metric, SampleMetric
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one binning, and the shape of its cells: counts, then confidences, then correct answers."""

    columns: slice
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Per group, in sorted order of the group ids, the sums that the metrics are functions of.

    columns: (groups, c) float64: the items, the sum of every one of `means`, and a block for every distinct binning of
    `binned`; `whole` are the metrics that need the items themselves.
    """

    outcomes: Outcomes
    columns: FloatArray
    means: tuple[MeanMetric, ...]
    binned: tuple[BinnedMetric, ...]
    blocks: Mapping[Binning, Block]
    whole: tuple[SampleMetric, ...]


def summable(outcomes: Outcomes) -> list[str]:
    """Return the names of the metrics that are functions of sums and that `outcomes` carry enough for."""
    return [
        name
        for name, metric in METRICS.items()
        if isinstance(metric, (MeanMetric, BinnedMetric)) and metric.defined_for(outcomes)
    ]


def resamplable(name: str) -> Metric:
    """Return the metric `name`; raises BadInput where there is none, or it has no replicates."""
    if name not in METRICS:
        raise BadInput(f"Got metric {name!r}, but there are: {', '.join(METRICS)}.")
    metric = METRICS[name]
    if isinstance(metric, SampleMetric) and "weights" not in metric.holds:
        raise BadInput(f"Got metric {name!r}, which takes no weights and so has no replicates; leave it out.")
    return metric


def group_sums(outcomes: Outcomes, metrics: Sequence[str] | None = None) -> GroupSums:
    """Return the sums per group for the metrics named, by default for all `summable` ones.

    Bins are those of the full sample, and stay so in every replicate. A metric that is no function of sums is taken
    only when named: its replicates are computed from the items, thousands of times slower. Raises BadInput as
    `resamplable` does.
    """
    chosen = [resamplable(name) for name in (summable(outcomes) if metrics is None else metrics)]
    means = tuple(metric for metric in chosen if isinstance(metric, MeanMetric))
    binned = tuple(metric for metric in chosen if isinstance(metric, BinnedMetric))
    parts = [_mean_columns(outcomes, means)]
    blocks: dict[Binning, Block] = {}
    for binning in dict.fromkeys(metric.binning for metric in binned):
        columns, shape = _bin_columns(outcomes, binning)
        start = sum(part.shape[1] for part in parts)
        blocks[binning] = Block(slice(start, start + columns.shape[1]), shape)
        parts.append(columns)
    whole = tuple(metric for metric in chosen if isinstance(metric, SampleMetric))
    return GroupSums(outcomes, np.concatenate(parts, axis=1), means, binned, blocks, whole)


def replicate_values(sums: GroupSums, multiplicities: FloatArray) -> dict[str, FloatArray]:
    """Return the (B,) values of each metric when group g is taken multiplicities[b, g] times; nan where undefined."""
    # A label that had probability 0 costs inf, and inf taken 0 times is nan.
    with np.errstate(invalid="ignore"):
        totals = multiplicities @ sums.columns
    return values_of(sums, totals) | _whole_values(sums, multiplicities)


def weighted_values(outcomes: Outcomes, weights: FloatArray, metrics: Sequence[str]) -> dict[str, float]:
    """Return `metrics` with item i taken weights[i] times; bins are those of the items each taken once.

    For a single replicate, this is cheaper than group sums.
    """
    binned = [metric for metric in (METRICS[name] for name in metrics) if isinstance(metric, BinnedMetric)]
    cells = {binning: binning.cells(outcomes) for binning in {metric.binning for metric in binned}}
    sums = {
        binning: cell_sums(replace(each, weight=each.weight * weights[each.item])) for binning, each in cells.items()
    }
    return {name: _weighted_value(METRICS[name], outcomes, weights, sums) for name in metrics}


def jackknife_values(sums: GroupSums) -> dict[str, FloatArray]:
    """Return the (groups,) values of each metric with one group left out; bins are those of the full sample.

    nan where there is no other group.
    """
    if len(sums.columns) == 1:
        return {metric.name: np.full(1, np.nan) for metric in (*sums.means, *sums.binned, *sums.whole)}
    with np.errstate(invalid="ignore"):
        totals = sums.columns.sum(axis=0) - sums.columns
    return values_of(sums, totals) | (_whole_values(sums, 1 - np.eye(len(totals))) if sums.whole else {})


def values_of(sums: GroupSums, totals: FloatArray) -> dict[str, FloatArray]:
    """Return the (B,) values of the metrics that are functions of sums, for totals (B, c) of the columns of `sums`."""
    values = {metric.name: totals[:, 1 + place] / totals[:, 0] for place, metric in enumerate(sums.means)}
    per_cell = {binning: _bin_sums(totals, block) for binning, block in sums.blocks.items()}
    return values | {metric.name: metric.formula(per_cell[metric.binning]) for metric in sums.binned}


def _weighted_value(metric: Metric, outcomes: Outcomes, weights: FloatArray, sums: Mapping[Binning, BinSums]) -> float:
    if isinstance(metric, BinnedMetric):
        return float(metric.formula(sums[metric.binning]))
    return metric.value(outcomes, weights)


def _mean_columns(outcomes: Outcomes, means: Sequence[MeanMetric]) -> FloatArray:
    groups, index = outcomes.groups
    items = [np.ones(len(outcomes)), *(metric.items(outcomes) for metric in means)]
    return np.stack([sums_by(index, len(groups), each) for each in items], axis=1)


def _bin_columns(outcomes: Outcomes, binning: Binning) -> tuple[FloatArray, tuple[int, ...]]:
    groups, index = outcomes.groups
    cells = binning.cells(outcomes)
    place = index[cells.item] * cells.size + cells.index
    summed = (cells.weight, cells.weight * cells.score, cells.weight * cells.hit)
    columns = [sums_by(place, len(groups) * cells.size, each).reshape(len(groups), cells.size) for each in summed]
    return np.concatenate(columns, axis=1), cells.shape


def _bin_sums(totals: FloatArray, block: Block) -> BinSums:
    count, confidence, correct = np.split(totals[:, block.columns], 3, axis=1)
    shape = (len(totals), *block.shape)
    return BinSums(count.reshape(shape), confidence.reshape(shape), correct.reshape(shape))


def _whole_values(sums: GroupSums, multiplicities: FloatArray) -> dict[str, FloatArray]:
    _, index = sums.outcomes.groups
    return {
        metric.name: np.array([metric.value(sums.outcomes, row[index]) for row in multiplicities])
        for metric in sums.whole
    }
