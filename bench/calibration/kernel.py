"""The squared kernel calibration error (Widmann, Lindsten and Zachariah 2019), and tests of calibration made of it.

It judges whole distributions (canonical calibration), not only the confidence in the answer. The kernel of two
predictions p, q is exp(-TV(p, q) / BANDWIDTH) times the identity, TV the total variation distance, in [0, 1]. With
h_ij = k(p_i, p_j) <e_i - p_i, e_j - p_j>, e_i the indicator of label i, the error is the mean of h over two independent
items: 0 for a calibrated model and, since the kernel is universal, for no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from bench.calibration.arrays import FloatArray, as_array, as_floats
from bench.calibration.metric import MOST_CLASSES, SampleMetric
from bench.calibration.null_draws import drawn_labels
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.stream import philox

# Fixed, where the paper's experiments take the median distance: that would put every sample on a scale of its own, and
# weight k would no longer be k copies. Of .1 to 1, values about .2 have the most power against over-confidence.
BANDWIDTH = 0.2
BLOCK = 2
# Every pair of items is compared: this many take a few seconds.
MOST_ITEMS = 15_000

# Numbers held at once: 2 MiB of kernel values, which stay in a cache, and 64 MiB of drawn residuals.
_KERNEL_CELLS = 2**18
_DRAW_CELLS = 2**23
# Sums of the same numbers in another order differ by less.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class CalibrationTest:
    """An estimate of the squared kernel calibration error, and p: how likely one so large is under calibration."""

    value: float
    p: float


def skce(probabilities: Any, labels: Any, weights: Any = None) -> float:
    """Return the unbiased quadratic estimate, the mean of h over all pairs of items, in [-1/2, 2].

    probabilities (n, K), labels (n,). Widmann et al. 2019, table 1 (SKCE_uq). Negative values are expected under
    calibration, where the mean is 0. `weights` are frequencies: weight k is k copies, which form pairs too. nan for
    fewer than 2 items. Takes n^2 K operations and bounded memory.
    """
    given, residuals = _residuals(probabilities, labels)
    weight = np.ones(len(given)) if weights is None else as_floats(weights)
    total = float(weight.sum())
    if total < 2:
        return float("nan")
    pairs = float(_pair_sums(given, (weight[:, None] * residuals)[:, None, :])[0])
    copies = float((weight * (weight - 1) * (residuals**2).sum(axis=1)).sum())
    return (pairs + copies) / (total * (total - 1))


def skce_blocked(probabilities: Any, labels: Any, block: int = BLOCK) -> float:
    """Return the unbiased linear estimate: the mean over blocks of `block` items of their `skce`, in [-1/2, 2].

    Widmann et al. 2019, table 1 (SKCE_ul, blocks of 2). A block is made of items n/block places apart, since neighbours
    may share a premise; the last n mod block items are left out, and the order of items matters. nan for fewer than
    `block` items. Raises BadInput for a block below 2.
    """
    blocks = _block_values(probabilities, labels, block)
    return float(blocks.mean()) if len(blocks) else float("nan")


def skce_test(probabilities: Any, labels: Any, draws: int = 999, seed: int = 0) -> CalibrationTest:
    """Test calibration with `skce` against labels drawn from the predictions themselves: p = (1 + b) / (draws + 1).

    b counts draws with an estimate at least as large (consistency resampling, Broecker and Smith 2007, Vaicenavicius et
    al. 2019; the predictions are kept). Exact at any n for independent items, where the asymptotic tests of Widmann et
    al. 2019 are approximate. nan for fewer than 2 items. Raises BadInput for less than one draw. Takes `draws` times
    n^2 K operations.
    """
    if draws < 1:
        raise BadInput(f"Got draws={draws}, but a p-value needs at least 1.")
    given, residuals = _residuals(probabilities, labels)
    n = len(given)
    if n < 2:
        return CalibrationTest(float("nan"), float("nan"))
    # Sorted, no order of items can change the draws.
    order = np.lexsort(given.T)
    given, residuals = given[order], residuals[order]
    observed = float(_pair_sums(given, residuals[:, None, :])[0]) / (n * (n - 1))
    null = _null_pair_sums(given, draws, seed) / (n * (n - 1))
    exceeding = int((null >= observed - _ROUNDING).sum())
    return CalibrationTest(observed, (1 + exceeding) / (draws + 1))


def skce_blocked_test(probabilities: Any, labels: Any, block: int = BLOCK) -> CalibrationTest:
    """Test calibration with `skce_blocked`: the upper tail of a normal, with the standard error of the block values.

    Widmann et al. 2019 (asymptotic test of the linear estimator). nan where fewer than 2 blocks, or blocks that do not
    differ, give no standard error.
    """
    blocks = _block_values(probabilities, labels, block)
    value = float(blocks.mean()) if len(blocks) else float("nan")
    if len(blocks) < 2 or np.ptp(blocks) <= _ROUNDING:
        return CalibrationTest(value, float("nan"))
    error = float(blocks.std(ddof=1)) / len(blocks) ** 0.5
    return CalibrationTest(value, float(ndtr(-value / error)))


def _residuals(probabilities: Any, labels: Any) -> tuple[FloatArray, FloatArray]:
    """Return the (n, K) predictions and the indicators of the labels minus them."""
    given = as_floats(probabilities)
    residuals = -given
    residuals[np.arange(len(given)), as_array(labels)] += 1
    return given, residuals


def _kernel(first: FloatArray, second: FloatArray) -> FloatArray:
    # Total variation is half the L1 distance.
    values: FloatArray = cdist(first, second, "cityblock")
    values *= -0.5 / BANDWIDTH
    np.exp(values, out=values)
    return values


def _pair_sums(probabilities: FloatArray, residuals: FloatArray) -> FloatArray:
    """Return the (d,) sums over ordered pairs i != j of k(p_i, p_j) <r_i, r_j>, for d residuals (n, d, K)."""
    n, d, classes = residuals.shape
    flat = residuals.reshape(n, d * classes)
    rows = max(1, _KERNEL_CELLS // n)
    total = np.zeros(d)
    for start in range(0, n, rows):
        kernel = _kernel(probabilities[start : start + rows], probabilities[start:])
        np.fill_diagonal(kernel, 0.0)
        # Pairs within these rows occur in both orders; those with later rows stand for their mirror images too.
        kernel[:, rows:] *= 2
        smoothed = (kernel @ flat[start:]).reshape(-1, d, classes)
        total += np.einsum("idk,idk->d", residuals[start : start + rows], smoothed)
    return total


def _null_pair_sums(probabilities: FloatArray, draws: int, seed: int) -> FloatArray:
    n, classes = probabilities.shape
    chunk = max(1, _DRAW_CELLS // (n * classes))
    stream = philox("skce", seed)
    sums = []
    for start in range(0, draws, chunk):
        labels = drawn_labels(probabilities, stream, min(chunk, draws - start)).T
        indicators = labels[:, :, None] == np.arange(classes)
        sums.append(_pair_sums(probabilities, indicators - probabilities[:, None, :]))
    return np.concatenate(sums)


def _block_values(probabilities: Any, labels: Any, block: int) -> FloatArray:
    """Return the (blocks,) unbiased estimates within blocks."""
    if block < 2:
        raise BadInput(f"Got block={block}, but an unbiased estimate needs blocks of at least 2.")
    given, residuals = _residuals(probabilities, labels)
    count = len(given) // block
    parts = [slice(place * count, (place + 1) * count) for place in range(block)]
    total = np.zeros(count)
    for later in range(1, block):
        for earlier in range(later):
            distance = np.abs(given[parts[later]] - given[parts[earlier]]).sum(axis=1) / 2
            products = (residuals[parts[later]] * residuals[parts[earlier]]).sum(axis=1)
            total += np.exp(-distance / BANDWIDTH) * products
    return total / (block * (block - 1) / 2)


def _blocked_of(outcomes: Outcomes, weights: FloatArray | None) -> float:
    if weights is not None:
        raise BadInput("Got weights, but skce_blocked takes none; use skce, or repeat the items.")
    return skce_blocked(outcomes.probabilities, outcomes.labels)


SKCE = SampleMetric(
    name="skce",
    title="Squared kernel calibration error, unbiased (exp(-TV/0.2))",
    symbol="SKCE",
    better="lower",
    # Two items at (1/2, 1/2) with different labels: -1/2, the least of any pair at bandwidths up to 1/2. Two certain
    # and equally wrong ones: 2.
    low=-0.5,
    high=2.0,
    needs="probabilities",
    holds=frozenset({"order", "classes", "weights"}),
    defined=lambda outcomes: len(outcomes) >= 2,
    interval="centred",
    most_items=MOST_ITEMS,
    most_classes=MOST_CLASSES,
    function=lambda outcomes, weights: skce(outcomes.probabilities, outcomes.labels, weights),
)
SKCE_BLOCKED = SampleMetric(
    name="skce_blocked",
    title="Squared kernel calibration error, blocks of 2 (exp(-TV/0.2))",
    symbol="SKCEb",
    better="lower",
    low=SKCE.low,
    high=SKCE.high,
    needs="probabilities",
    holds=frozenset({"classes"}),
    defined=SKCE.defined,
    interval="centred",
    function=_blocked_of,
)
