"""The paired permutation test: would it matter which of two conditions an answer came from?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.statistics.items import check_paired, items_of
from bench.statistics.sufficient import GroupSums, group_sums, summable, values_of
from bench.stream import integers, philox

# Sums of the same numbers in another order differ by less.
_ROUNDING = 1e-12
# Permutations held at once.
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """value: the first condition minus the second; p: two-sided; exact: whether every permutation was looked at.

    Both are nan where the value is undefined.
    """

    value: float
    p: float
    exact: bool


def permutation_test(
    first: Outcomes, second: Outcomes, draws: int = 9999, seed: int = 0, metrics: Sequence[str] | None = None
) -> dict[str, PermutationTest]:
    """Return the test of no difference between two conditions of the same items, for each of `metrics`.

    Whole groups swap sides, which the null hypothesis makes exchangeable: the joint distribution of a group's answers
    in both conditions is the same with the conditions' names exchanged. Bins are those of both conditions pooled, so
    that swapping moves no edge; the value of a metric with bins of equal mass therefore differs a little from the
    difference of its values, each with bins of its own. p = (1 + b) / (draws + 1), where b permutations have an
    absolute difference at least as large (Phipson and Smyth 2010); with at most log2(draws) groups all 2^groups are
    looked at instead, the identity among them, and p = b / 2^groups. An undefined permutation counts as larger.
    `metrics` are by default all `summable` ones. Raises BadInput for other items or groups, for a different number of
    classes, and for a metric that is no function of sums.
    """
    if draws < 1:
        raise BadInput(f"Got draws={draws}, but a permutation test needs at least 1, better 9999.")
    check_paired(items_of(first), items_of(second))
    sums = _pooled_sums(first, second, metrics)
    groups = len(sums.columns) // 2
    observed = _differences(sums, np.zeros((1, groups)))
    permuted = [_differences(sums, swaps) for swaps in _swaps(first, draws, seed)]
    return {
        name: _compare(float(value[0]), np.concatenate([each[name] for each in permuted]), _enumerable(groups, draws))
        for name, value in observed.items()
    }


def _pooled_sums(first: Outcomes, second: Outcomes, metrics: Sequence[str] | None) -> GroupSums:
    """Return the sums of both conditions with shared bins: the groups of the first, then those of the second."""
    if first.classes != second.classes:
        raise BadInput(
            f"Got {first.classes} and {second.classes} classes, but conditions that may swap have the same; "
            "compare predictions of one task."
        )
    names = [name for name in summable(first) if name in summable(second)] if metrics is None else metrics
    sums = group_sums(_pooled(first, second), names)
    if sums.whole:
        raise BadInput(
            f"Got metric {sums.whole[0].name!r}, but the permutation test takes metrics that are functions of sums; "
            f"choose among {', '.join(summable(first))}."
        )
    return sums


def _pooled(first: Outcomes, second: Outcomes) -> Outcomes:
    both: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("probabilities", "log_probabilities", "labels", "top")
    }
    posterior = None
    if first.posterior is not None and second.posterior is not None:
        posterior = np.concatenate([first.posterior, second.posterior])
    return replace(
        first,
        **both,
        item_ids=_apart(first.item_ids, second.item_ids),
        group_ids=_apart(first.group_ids, second.group_ids),
        posterior=posterior,
    )


def _apart(first: npt.NDArray[np.str_], second: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    return np.concatenate([np.strings.add("0 ", first), np.strings.add("1 ", second)])


def _swaps(outcomes: Outcomes, draws: int, seed: int) -> Iterator[FloatArray]:
    """Yield (rows, groups), 1 where a group swaps sides: all there are if these are no more than `draws`."""
    names = outcomes.groups[0].tolist()
    if _enumerable(len(names), draws):
        yield (np.arange(2 ** len(names))[:, None] >> np.arange(len(names)) & 1).astype(np.float64)
        return
    stream = philox("permutation", seed, names)
    for start in range(0, draws, _CHUNK):
        yield integers(stream, (min(_CHUNK, draws - start), len(names)), 2).astype(np.float64)


def _enumerable(groups: int, draws: int) -> bool:
    return groups <= math.log2(draws)


def _differences(sums: GroupSums, swaps: FloatArray) -> dict[str, FloatArray]:
    """Return the (B,) differences when group g swaps sides where swaps[b, g] is 1."""
    first, second = np.split(sums.columns, 2)
    with np.errstate(invalid="ignore"):
        moved = swaps @ (second - first)
    one, other = (values_of(sums, totals) for totals in (first.sum(axis=0) + moved, second.sum(axis=0) - moved))
    return {name: values - other[name] for name, values in one.items()}


def _compare(observed: float, permuted: FloatArray, exact: bool) -> PermutationTest:
    if not np.isfinite(observed):
        return PermutationTest(float("nan"), float("nan"), exact)
    larger = int((~(np.abs(permuted) < abs(observed) - _ROUNDING)).sum())
    p = larger / len(permuted) if exact else (1 + larger) / (len(permuted) + 1)
    return PermutationTest(observed, p, exact)
