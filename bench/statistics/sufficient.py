"""Sums per group, all that a replicate needs: resampling multiplies them and never touches the items again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.binning import BinSums, sums_by
from bench.calibration.metrics import METRICS, BinnedMetric, MeanMetric, Metric
from bench.calibration.outcomes import Outcomes

_BIN_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Per group, in sorted order of the group ids, the sums that the metrics are functions of.

    columns: (groups, c) float64, the item count first; parts: the columns of each metric.
    """

    columns: FloatArray
    parts: Mapping[str, slice]


def group_sums(outcomes: Outcomes) -> GroupSums:
    """Return the sums per group for every metric defined for `outcomes`; bins are those of the full sample."""
    groups, index = np.unique(outcomes.group_ids, return_inverse=True)
    blocks, parts, start = [sums_by(index, len(groups), np.ones(len(outcomes)))[:, None]], {}, 1
    for metric in defined(outcomes):
        block = _metric_block(metric, outcomes, index, len(groups))
        blocks.append(block)
        parts[metric.name] = slice(start, start + block.shape[1])
        start += block.shape[1]
    return GroupSums(np.concatenate(blocks, axis=1), parts)


def replicate_values(sums: GroupSums, multiplicities: FloatArray) -> dict[str, FloatArray]:
    """Return the (B,) values of each metric when group g is taken multiplicities[b, g] times."""
    totals = multiplicities @ sums.columns
    return {name: _value(METRICS[name], totals[:, 0], totals[:, part]) for name, part in sums.parts.items()}


def defined(outcomes: Outcomes) -> list[Metric]:
    """Return the metrics that `outcomes` carry enough for."""
    return [metric for metric in METRICS.values() if metric.defined_for(outcomes)]


def _metric_block(metric: Metric, outcomes: Outcomes, index: IntArray, groups: int) -> FloatArray:
    if isinstance(metric, MeanMetric):
        return sums_by(index, groups, metric.items(outcomes))[:, None]
    return _bin_block(metric, outcomes, index, groups)


def _bin_block(metric: BinnedMetric, outcomes: Outcomes, index: IntArray, groups: int) -> FloatArray:
    cell = index * metric.bins + metric.index(outcomes)
    summed = [np.ones(len(outcomes)), outcomes.confidence, outcomes.correct]
    return np.concatenate([sums_by(cell, groups * metric.bins, each).reshape(groups, -1) for each in summed], axis=1)


def _value(metric: Metric, count: FloatArray, totals: FloatArray) -> FloatArray:
    if isinstance(metric, MeanMetric):
        mean: FloatArray = totals[:, 0] / count
        return mean
    per_bin = totals.reshape(len(totals), _BIN_COLUMNS, metric.bins)
    return metric.formula(BinSums(per_bin[:, 0], per_bin[:, 1], per_bin[:, 2]))
