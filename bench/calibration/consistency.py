"""What a binned error is under perfect calibration, with these confidences and this n (Broecker and Smith 2007)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.binning import Binning, sums_by
from bench.calibration.metric import BinnedMetric, Metric, SampleMetric
from bench.calibration.null_draws import drawn_correct, drawn_labels
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.stream import philox

# Draws held at once: few enough for 5,010 items to fit in a cache.
_CHUNK = 50
# Sums of the same numbers in another order differ by less; errors that differ at all differ by 1/n times a confidence.
_ROUNDING = 1e-12

Null: TypeAlias = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Consistency:
    """value: the error observed; floor: its mean under perfect calibration; p: (1 + draws as large) / (draws + 1).

    All are nan where the error is undefined.
    """

    value: float
    floor: float
    p: float

    @property
    def excess(self) -> float:
        """The error above its floor: 0 on average under perfect calibration, whatever n and the confidences are.

        It compares errors of different n. It does not estimate the error itself: away from 0 it is too small.
        """
        return self.value - self.floor


def has_floor(metric: Metric) -> bool:
    """Return whether `metric` is a binned error of drawn answers, of which `consistency` knows floor and p."""
    if isinstance(metric, BinnedMetric):
        return metric.binning.of != "posterior"
    return isinstance(metric, SampleMetric) and metric.redrawn is not None


def consistency(
    outcomes: Outcomes, metrics: Sequence[Metric], draws: int = 999, seed: int = 0
) -> dict[str, Consistency]:
    """Return value, floor and p of each of `metrics`, all binned errors, by drawing calibrated answers.

    Errors of the confidence draw correct ~ Bernoulli(confidence) for every item (Vaicenavicius et al. 2019); errors by
    class draw a label from the item's probabilities. Items are drawn independently of each other. Tied answers vary
    less than such draws, so with ties p is conservative. The order of items changes nothing; the names of classes
    change which numbers are drawn for errors by class. Raises BadInput for no draws and for other metrics.
    """
    if draws < 1:
        raise BadInput(f"Got draws={draws}, but a floor needs at least 1, better 999.")
    unknown = [metric.name for metric in metrics if not has_floor(metric)]
    if unknown:
        raise BadInput(f"Got {', '.join(unknown)}, which have no floor; only binned errors of drawn answers have one.")
    # The null depends only on which predictions there are: in order of size, no order of items can change the draws.
    ordered = outcomes.take(np.lexsort((*outcomes.probabilities.T, outcomes.confidence)))
    null = _null_of_confidence(ordered, metrics, draws, seed) | _null_of_classes(ordered, metrics, draws, seed)
    return {metric.name: _compare(metric.value(ordered), null[metric.name]) for metric in metrics}


def _null_of_confidence(outcomes: Outcomes, metrics: Sequence[Metric], draws: int, seed: int) -> Null:
    binned = [m for m in metrics if isinstance(m, BinnedMetric) and m.binning.of == "confidence"]
    swept = [m for m in metrics if isinstance(m, SampleMetric)]
    if not binned and not swept:
        return {}
    tables = {binning: _table(binning, outcomes) for binning in {m.binning for m in binned}}
    correct: dict[Binning, list[FloatArray]] = {binning: [] for binning in tables}
    values: dict[str, list[FloatArray]] = {metric.name: [] for metric in swept}
    stream = philox("consistency", seed)
    for chunk in _chunks(draws):
        hits = drawn_correct(outcomes.confidence, stream, chunk)
        for binning, table in tables.items():
            correct[binning].append(table.sums_of_hits(hits))
        for metric in swept:
            assert metric.redrawn is not None, f"{metric.name} has no floor"
            values[metric.name].append(metric.redrawn(outcomes.confidence, hits))
    return {name: np.concatenate(parts) for name, parts in values.items()} | _null_values(outcomes, binned, correct)


def _null_of_classes(outcomes: Outcomes, metrics: Sequence[Metric], draws: int, seed: int) -> Null:
    binned = [m for m in metrics if isinstance(m, BinnedMetric) and m.binning.of != "confidence"]
    tables = {binning: _table(binning, outcomes) for binning in {m.binning for m in binned}}
    correct: dict[Binning, list[FloatArray]] = {binning: [] for binning in tables}
    stream = philox("consistency of classes", seed)
    for chunk in _chunks(draws if tables else 0):
        labels = drawn_labels(outcomes.probabilities, stream, chunk)
        for binning, table in tables.items():
            correct[binning].append(table.sums_of_labels(labels))
    return _null_values(outcomes, binned, correct)


def _null_values(
    outcomes: Outcomes, metrics: Sequence[BinnedMetric], correct: Mapping[Binning, Sequence[FloatArray]]
) -> Null:
    sums = {binning: replace(binning.sums(outcomes), correct=np.concatenate(each)) for binning, each in correct.items()}
    return {metric.name: metric.formula(sums[metric.binning]) for metric in metrics}


@dataclass(frozen=True, slots=True)
class _Table:
    """Which cell a hit of item i on class k falls into, and how much it counts there, (n, K); one class if by item."""

    cell: IntArray
    share: FloatArray
    shape: tuple[int, ...]

    def sums_of_labels(self, labels: IntArray) -> FloatArray:
        """Return the (draws, *shape) correct answers when item i has labels[:, i]."""
        items = np.arange(labels.shape[1])
        return self._sums(self.cell[items, labels], self.share[items, labels])

    def sums_of_hits(self, hits: FloatArray) -> FloatArray:
        """Return the (draws, *shape) correct answers when item i is counted hits[:, i] times."""
        return self._sums(self.cell[:, 0], self.share[:, 0] * hits)

    def _sums(self, cell: IntArray, counted: FloatArray) -> FloatArray:
        draws = len(counted)
        # The last cell takes what is in none.
        size = int(np.prod(self.shape)) + 1
        place = cell + size * np.arange(draws)[:, None]
        found = sums_by(place.reshape(-1), draws * size, counted.reshape(-1)).reshape(draws, size)
        return found[:, :-1].reshape(draws, *self.shape)


def _table(binning: Binning, outcomes: Outcomes) -> _Table:
    cells = binning.cells(outcomes)
    columns = cells.shape[0] if len(cells.shape) > 1 else 1
    cell = np.full((len(outcomes), columns), cells.size)
    share = np.zeros((len(outcomes), columns))
    of_class = cells.index // binning.bins
    cell[cells.item, of_class] = cells.index
    share[cells.item, of_class] = cells.weight
    return _Table(cell, share, cells.shape)


def _chunks(draws: int) -> Iterator[int]:
    for start in range(0, draws, _CHUNK):
        yield min(_CHUNK, draws - start)


def _compare(observed: float, null: FloatArray) -> Consistency:
    if not np.isfinite(observed):
        return Consistency(float("nan"), float("nan"), float("nan"))
    exceeding = int((null >= observed - _ROUNDING).sum())
    return Consistency(observed, floor=float(null.mean()), p=(1 + exceeding) / (len(null) + 1))
