"""Metrics of more predictions than fit in memory: sums that are updated batch by batch, merged, and read at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, as_array, as_floats, log_of
from bench.calibration.binned import BINS, CHUNK, ece
from bench.calibration.binning import Binning, BinSums, added, bin_sums, equal_width
from bench.calibration.metric import BinnedMetric, MeanMetric, Metric
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes, answers
from bench.calibration.validation import check_distributions, check_labels, check_lengths, sum_tolerance
from bench.errors import BadInput

STREAMING: tuple[str, ...] = tuple(
    name for name, metric in METRICS.items() if "streaming" in metric.holds and metric.needs != "posterior"
)


class Accumulator:
    """The streaming metrics of `classes` classes, from batches of probabilities (n, K) and labels (n,).

    Equal to the metrics of all batches together up to rounding, in memory that does not grow with them. Raises BadInput
    for a metric that cannot stream, and for batches as `Outcomes.from_probabilities` does.
    """

    def __init__(self, classes: int, metrics: Sequence[str] = STREAMING) -> None:
        if classes < 2:
            raise BadInput(f"Got classes={classes}, but a prediction needs at least 2 classes.")
        self.classes = classes
        self.metrics = tuple(_streaming(name) for name in metrics)
        self._weight = 0.0
        self._means = {m.name: 0.0 for m in self.metrics if isinstance(m, MeanMetric)}
        self._sums: dict[Binning, BinSums] = {}

    def update(self, probabilities: Any, labels: Any, weights: Any = None) -> None:
        """Add a batch: `probabilities` (n, K), `labels` (n,), and frequencies `weights` (n,); numpy or torch.

        A batch of 0 rows adds nothing. A batch that is refused leaves all as it was.
        """
        added_here = Accumulator(self.classes, tuple(metric.name for metric in self.metrics))
        for batch, weight in _batches(probabilities, labels, weights, self.classes):
            added_here._count(batch, weight)
        self.merge(added_here)

    def _count(self, batch: Outcomes, weight: FloatArray) -> None:
        self._weight += float(weight.sum())
        for metric in self.metrics:
            if isinstance(metric, MeanMetric):
                self._means[metric.name] += metric.total(batch, weight)
        for binning in {m.binning for m in self.metrics if isinstance(m, BinnedMetric)}:
            self._add(binning, binning.sums(batch, weight))

    def merge(self, other: Accumulator) -> None:
        """Add all that `other` has seen; raises BadInput where it counts other metrics or classes."""
        mine, theirs = ((a.classes, tuple(m.name for m in a.metrics)) for a in (self, other))
        if mine != theirs:
            raise BadInput(
                f"Got an accumulator of {theirs} to merge into one of {mine}; make both with equal arguments."
            )
        self._weight += other._weight
        for name, total in other._means.items():
            self._means[name] += total
        for binning, sums in other._sums.items():
            self._add(binning, sums)

    def finalize(self) -> dict[str, float]:
        """Return the metrics of everything seen, nan where undefined. Raises BadInput when nothing was seen."""
        if self._weight == 0:
            raise BadInput("Got 0 predictions, but a score needs at least 1; update the accumulator first.")
        return {metric.name: self._value(metric) for metric in self.metrics}

    def _value(self, metric: Metric) -> float:
        if isinstance(metric, BinnedMetric):
            return float(metric.formula(self._sums[metric.binning]))
        return self._means[metric.name] / self._weight

    def _add(self, binning: Binning, sums: BinSums) -> None:
        self._sums[binning] = added(self._sums[binning], sums) if binning in self._sums else sums


def calibration_error(probabilities: Any, labels: Any, bins: int = BINS, weights: Any = None) -> float:
    """Return the ECE over `bins` bins of equal width of `probabilities` (n, K) and `labels` (n,), validated.

    One pass in constant memory; numpy or torch; `weights` are frequencies. Raises BadInput as
    `Outcomes.from_probabilities` does.
    """
    shape = tuple(probabilities.shape) if hasattr(probabilities, "shape") else np.shape(probabilities)
    check_lengths(shape, {"labels": labels} if weights is None else {"labels": labels, "weights": weights})
    sums = BinSums(*(np.zeros(bins) for _ in range(3)))
    for by_class, chosen, weight in _checked(probabilities, labels, weights, shape[-1]):
        confidence = by_class.max(axis=0)
        highest = by_class == confidence
        correct = highest[chosen, np.arange(len(chosen))] / highest.sum(axis=0)
        sums = added(sums, bin_sums(equal_width(confidence, bins), bins, confidence, correct, weight))
    return float(ece(sums))


def _streaming(name: str) -> Metric:
    if name not in STREAMING:
        raise BadInput(f"Got metric {name!r}, which does not stream; those that do are {', '.join(STREAMING)}.")
    return METRICS[name]


def _batches(probabilities: Any, labels: Any, weights: Any, classes: int) -> Iterator[tuple[Outcomes, FloatArray]]:
    for by_class, chosen, weight in _checked(probabilities, labels, weights, classes):
        values = np.ascontiguousarray(by_class.T)
        # A stream has no ids: nothing that streams asks for them.
        nameless: npt.NDArray[np.str_] = np.zeros(len(values), dtype="<U1")
        batch = Outcomes(values, log_of(values), chosen, answers(values), nameless, nameless)
        yield batch, np.ones(len(values)) if weight is None else weight


def _checked(
    probabilities: Any, labels: Any, weights: Any, classes: int
) -> Iterator[tuple[FloatArray, IntArray, FloatArray | None]]:
    """Yield valid parts: probabilities by class (K, n), labels (n,), weights (n,) or None."""
    rows, chosen, tolerance = as_array(probabilities), as_array(labels), sum_tolerance(probabilities)
    frequencies = None if weights is None else as_array(weights)
    if rows.ndim != 2 or rows.shape[1] != classes:
        raise BadInput(f"Got probabilities of shape {rows.shape}, but they must be of shape (items, {classes}).")
    if len(rows):
        check_lengths(rows.shape, {"labels": chosen} if weights is None else {"labels": chosen, "weights": frequencies})
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        # Classes along the slow axis: reductions over a few classes are then whole-array operations.
        by_class = np.ascontiguousarray(rows[part].T, dtype=np.float64)
        if not _are_distributions(by_class, tolerance):
            check_distributions(
                "probabilities", "divide each row by its sum", by_class.T, _numbers(start, by_class), tolerance
            )
        if chosen.dtype.kind not in "iu" or chosen[part].min() < 0 or chosen[part].max() >= classes:
            check_labels(chosen[part], classes, _numbers(start, by_class))
        # Within what its type can hold a sum of 1 may have an entry above 1.
        np.minimum(by_class, 1.0, out=by_class)
        yield by_class, chosen[part].astype(np.intp, copy=False), _frequencies(frequencies, part)


def _are_distributions(by_class: FloatArray, tolerance: float) -> bool:
    sums = by_class.sum(axis=0)
    # Not a number fails both comparisons.
    return bool(by_class.min() >= 0 and max(sums.max() - 1, 1 - sums.min()) <= tolerance)


def _frequencies(weights: npt.NDArray[Any] | None, part: slice) -> FloatArray | None:
    if weights is None:
        return None
    chosen = as_floats(weights[part])
    bad = ~((chosen >= 0) & np.isfinite(chosen))
    if bad.any():
        at = bad.argmax()
        raise BadInput(
            f"Got weight {chosen[at]} for item {part.start + at}, but weights are frequencies: finite, 0 or more."
        )
    return chosen


def _numbers(start: int, by_class: FloatArray) -> npt.NDArray[np.str_]:
    return np.arange(start, start + by_class.shape[1]).astype(np.str_)
