"""Contrasts at equal accuracy: two fine-tuning runs, or languages of one, compared where both are equally accurate.

A change of the signed gap is a change of confidence less one of accuracy, so an arm that is more accurate improves
trivially. Here the better arm is taken back to the step at which it was as accurate as the other one at its best.

Between two snapshots the *metrics* are interpolated, linearly in accuracy, not the logits. A mean of two snapshots'
logits is an ensemble that nobody trained: it is more accurate and less sure than the model between them would be
(Lakshminarayanan et al. 2017; Rahaman and Thiery 2021), which is a bias in the very quantity. Its accuracy is no
monotone function of the mixture either, so that equal accuracy need not be attained. A line in the plane of accuracy
and metric has the level by construction, and keeps the identity of gap, confidence and accuracy. It is rough where a
metric bends between two snapshots; more snapshots mend that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput
from bench.statistics.contrasts import Resampled, check_same_draw, info
from bench.statistics.intervals import Estimate, estimate
from bench.statistics.seed_means import Measured, SeedMean, seed_mean

METRICS = ("gap", "confidence", "accuracy", "l2sq15", "nll")


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A run at P steps, ascending: row 0 is what was measured, rows 1 to B are its replicates, of one draw of groups.

    level: (1 + B, P), the accuracy that is made equal; metrics: by name, (1 + B, P) each, in their own units; groups:
    how many were drawn; sample: what was drawn from, None without replicates.
    """

    level: FloatArray
    metrics: Mapping[str, FloatArray]
    groups: int
    sample: Resampled | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """The first arm minus the second at equal accuracy.

    level: the accuracy at which they meet, nan where they do not; differences: by metric (1 + B,), the measured one and
    the replicates, nan where the arms of a replicate do not meet; overlap: the share of replicates that meet, nan
    without any; reason: why there is no contrast, empty where there is one.
    """

    level: float
    differences: Mapping[str, FloatArray]
    groups: int
    overlap: float
    reason: str = ""

    @property
    def estimates(self) -> dict[str, Estimate] | None:
        """Each difference with its 95 % bootstrap interval over the replicates that meet; None without a contrast."""
        if self.reason:
            return None
        return {name: _estimate(name, values) for name, values in self.differences.items()}


def curve_of(points: Sequence[Resampled], on: Sequence[Resampled] | None = None) -> Curve:
    """Return the curve of a run from its resampled points, matched on the accuracy of `on` (None: its own).

    `on` is the same run in another language, such as the source. Raises BadInput for no points, for another number of
    them in `on`, and unless all are of one draw of the same items.
    """
    matched_on = points if on is None else on
    if not points or len(matched_on) != len(points):
        raise BadInput(
            f"Got {len(points)} points matched on {len(matched_on)}, but a trajectory has at least 1, and each is "
            "matched on one; read both at the same steps."
        )
    for each in (*points[1:], *matched_on):
        check_same_draw(points[0], each)
    names = [name for name in METRICS if name in points[0].values]
    metrics = {name: _columns(points, name) for name in names}
    return Curve(_columns(matched_on, "accuracy"), metrics, points[0].groups, points[0])


def curve_of_values(level: Sequence[float], metrics: Mapping[str, Sequence[float]], groups: int) -> Curve:
    """Return the curve of a run of which nothing is known but values (P,): it has no replicates."""
    rows = {name: np.array([values], dtype=np.float64) for name, values in metrics.items()}
    return Curve(np.array([level], dtype=np.float64), rows, groups)


def matched(first: Curve, second: Curve) -> Matched:
    """Return `first` minus `second` at the highest accuracy that both reach, in each replicate anew.

    Where an arm passes that accuracy more than once, the latest time counts. Raises BadInput unless both have
    replicates of one draw of the same items, or none.
    """
    if first.sample is not None and second.sample is not None:
        check_same_draw(first.sample, second.sample)
    if len(first.level) != len(second.level):
        raise BadInput(
            f"Got {len(first.level) - 1} and {len(second.level) - 1} replicates of two arms; resample both alike."
        )
    level = np.minimum(first.level.max(axis=1), second.level.max(axis=1))
    places = [_place(each.level, level) for each in (first, second)]
    names = [name for name in first.metrics if name in second.metrics]
    differences = {name: _at(first.metrics[name], places[0]) - _at(second.metrics[name], places[1]) for name in names}
    met = ~np.isnan(places[0] + places[1])
    overlap = _share(met[1:])
    groups = min(first.groups, second.groups)
    if not met[0]:
        return Matched(math.nan, differences, groups, overlap, _reason(first, second))
    return Matched(float(level[0]), differences, groups, overlap)


def difference_at_equal_accuracy(first: Matched, second: Matched) -> Matched:
    """Return what two arms differ by in one language less what they differ by in another, each at its own level.

    A difference in differences at equal accuracy: `level` is the first's, and where a contrast is missing, so is this
    one, with its reason. Both are of one draw of the same items; where only one has replicates, none are left.
    """
    drawn = len({len(each) for one in (first, second) for each in one.differences.values()}) == 1
    names = [name for name in first.differences if name in second.differences]
    taken = [{name: one.differences[name][: None if drawn else 1] for name in names} for one in (first, second)]
    differences = {name: taken[0][name] - taken[1][name] for name in names}
    reason = first.reason or second.reason
    level, groups = math.nan if reason else first.level, min(first.groups, second.groups)
    return Matched(level, differences, groups, _share(np.isfinite(differences["gap"][1:])), reason)


def matched_mean(runs: Sequence[Matched], metric: str) -> tuple[SeedMean, float] | None:
    """Return the mean of a difference over `runs`, one a seed, and the share of replicates in which all of them meet.

    Runs without a contrast are left out; None where none is left. The variance is that of the replicates that meet, in
    all seeds at once, and that of the seeds (bench.statistics.seed_means); the share is nan without replicates.
    """
    present = [each.differences[metric] for each in runs if not each.reason and metric in each.differences]
    if not present:
        return None
    if len({len(values) for values in present}) > 1:
        # The predictions of a seed may be gone: then nothing is drawn for all of them at once.
        present = [values[:1] for values in present]
    groups = min(each.groups for each in runs)
    finite = np.isfinite(np.sum([values[1:] for values in present], axis=0))
    measured = [Measured(float(values[0]), math.nan, groups) for values in present]
    if finite.sum() > 1:
        measured = [
            replace(each, replicates=values[1:][finite]) for each, values in zip(measured, present, strict=True)
        ]
    return seed_mean(measured), _share(finite)


def _share(met: npt.NDArray[np.bool_]) -> float:
    """Return the share of replicates (B,) that meet, nan without any."""
    return float(met.mean()) if len(met) else math.nan


def _columns(points: Sequence[Resampled], name: str) -> FloatArray:
    return np.stack([np.concatenate([[each.values[name]], each.replicates[name]]) for each in points], axis=1)


def _place(accuracy: FloatArray, level: FloatArray) -> FloatArray:
    """Return where each row of `accuracy` (B, P) passes its `level` (B,) last, as a place among its points, or nan."""
    # A point before the first one, equal to it, gives a run of a single point a stretch too.
    start, end = np.concatenate([accuracy[:, :1], accuracy[:, :-1]], axis=1), accuracy
    passes = (np.minimum(start, end) <= level[:, None]) & (level[:, None] <= np.maximum(start, end))
    last = passes.shape[1] - 1 - passes[:, ::-1].argmax(axis=1)
    rows = np.arange(len(accuracy))
    low, high = start[rows, last], end[rows, last]
    share = np.divide(level - low, high - low, out=np.ones_like(level), where=high != low)
    place: FloatArray = np.where(passes.any(axis=1), np.maximum(last - 1 + share, 0.0), np.nan)
    return place


def _at(values: FloatArray, place: FloatArray) -> FloatArray:
    """Return each row of `values` (B, P) at its `place` (B,) among the points, between two of them on a line."""
    met = ~np.isnan(place)
    before: npt.NDArray[np.int64] = np.floor(np.where(met, place, 0.0)).astype(np.int64)
    after = np.minimum(before + 1, values.shape[1] - 1)
    rows = np.arange(len(values))
    share = place - before
    between: FloatArray = (1 - share) * values[rows, before] + share * values[rows, after]
    return between


def _reason(first: Curve, second: Curve) -> str:
    ranges = [f"{each.level[0].min():.3f} to {each.level[0].max():.3f}" for each in (first, second)]
    return f"accuracies of {ranges[0]} and of {ranges[1]} do not meet"


def _estimate(name: str, values: FloatArray) -> Estimate:
    drawn = values[1:][np.isfinite(values[1:])]
    if len(drawn) < 2:
        return Estimate(float(values[0]), math.nan, math.nan)
    return estimate(info(name), float(values[0]), drawn, difference=True)
