"""Split conformal prediction sets: which answers cannot be excluded, at a stated miscoverage.

A score says how ill a class fits an item. The threshold is a quantile of the labels' scores on a fit set; the set of an
item is all classes that score no more. Where fit and scored items are exchangeable, a set holds the label with
probability 1 - alpha or more. Where they are not, as between languages, the gap in coverage measures how far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, as_array, as_floats, at
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import check_disjoint
from bench.errors import BadInput
from bench.stream import UNIT_BITS, philox, unit_integers

Method: TypeAlias = Literal["lac", "aps", "raps"]


@dataclass(frozen=True, slots=True)
class SetRule:
    """How classes are scored.

    lac: 1 - p_k (Sadinle, Lei and Wasserman 2019), the smallest sets on average if the p_k are true. aps: the mass of
    the likelier classes plus a uniform part of p_k (Romano, Sesia and Candes 2020). raps: aps plus `penalty` for every
    class by which the set that reaches down to k exceeds `k_reg` (Angelopoulos et al. 2021). Classes with equal
    probability enter together, as one class with their sum.

    randomized: the part of p_k is u, drawn for each item from its id alone, so neither order nor other items matter,
    and an item has one u in all languages. It is the default because only then is coverage 1 - alpha, for any accuracy,
    where nothing has shifted. Without it u is 0: the set is the fewest likeliest classes whose mass exceeds the
    threshold, never empty under aps, but a model that is right more often than 1 - alpha covers as much as it is right,
    so that gaps of differently accurate models do not compare. lac draws nothing.
    """

    method: Method
    randomized: bool = True
    k_reg: int = 1
    penalty: float = 0.01

    def scores(self, outcomes: Outcomes) -> FloatArray:
        """Return the (n, K) scores of all classes; the higher, the worse a class fits."""
        if self.method == "lac":
            return 1 - outcomes.probabilities
        part = _uniforms(outcomes.item_ids) if self.randomized else np.zeros(len(outcomes))
        return adaptive_scores(outcomes.probabilities, part, self.k_reg, self.penalty if self.method == "raps" else 0.0)


@dataclass(frozen=True, slots=True)
class ConformalThreshold:
    """The highest score that is let into a set (inf: everything), its rule and alpha, and what it was fitted on."""

    value: float
    alpha: float
    rule: SetRule
    fitted_on: Outcomes

    def sets(self, outcomes: Outcomes) -> npt.NDArray[np.bool_]:
        """Return the (n, K) sets; raises BadInput for groups or items of the fit set, or another number of classes."""
        check_disjoint(self.fitted_on, outcomes)
        if outcomes.classes != self.fitted_on.classes:
            raise BadInput(
                f"Got {outcomes.classes} classes, but the threshold was fitted on {self.fitted_on.classes}; "
                "fit it on the same task."
            )
        included: npt.NDArray[np.bool_] = self.rule.scores(outcomes) <= self.value
        return included


@dataclass(frozen=True, slots=True)
class Stratum:
    """Some items, and the share of them whose set holds the label."""

    n: int
    coverage: float


@dataclass(frozen=True, slots=True)
class ConformalScores:
    """What sets are worth.

    coverage: the share of sets that hold the label; gap: 1 - alpha - coverage, above 0 where too few do; mean_size: of
    a set, in classes; by_size: coverage among sets of each size that occurs; worst: the least of these over sizes from
    1 up, nan if all sets are empty (Angelopoulos et al. 2021); by_class: coverage for each of the K labels, nan for one
    that does not occur; empty: the share of empty sets, which never cover.
    """

    coverage: float
    gap: float
    mean_size: float
    by_size: Mapping[int, Stratum]
    worst: float
    by_class: tuple[float, ...]
    empty: float


def fit_conformal(
    outcomes: Outcomes,
    method: Method,
    alpha: float = 0.1,
    *,
    randomized: bool = True,
    k_reg: int = 1,
    penalty: float = 0.01,
) -> ConformalThreshold:
    """Return the threshold for miscoverage `alpha` on the scores of the labels of `outcomes`; see `SetRule`.

    Where the fit set is too small for `alpha` (n = 1 for any alpha below 1/2) every set holds all classes. Raises
    BadInput for an unknown method, alpha outside (0, 1), and k_reg or penalty below 0.
    """
    _check_rule(method, alpha, k_reg, penalty)
    rule = SetRule(method, randomized, k_reg, penalty)
    scores = at(rule.scores(outcomes), outcomes.labels)
    return ConformalThreshold(conformal_quantile(scores, alpha), alpha, rule, outcomes)


def conformal_quantile(scores: Any, alpha: float) -> float:
    """Return the ceil((n + 1)(1 - alpha))-th smallest of n `scores`, inf where that exceeds n."""
    ascending = np.sort(as_floats(scores))
    # (n + 1)(1 - alpha) may be whole, and float64 a little above it.
    rank = max(1, math.ceil((len(ascending) + 1) * (1 - alpha) - 1e-9))
    return float(ascending[rank - 1]) if rank <= len(ascending) else math.inf


def adaptive_scores(probabilities: Any, part: Any, k_reg: int = 0, penalty: float = 0.0) -> FloatArray:
    """Return the (n, K) adaptive scores: mass of likelier classes + part * own mass + penalty * max(0, rank - k_reg).

    probabilities: (n, K); part: (n,) in [0, 1]. Classes with equal probability share their mass and the rank of the
    last of them, which is the size of the least set that holds them.
    """
    values = as_floats(probabilities)
    order = np.argsort(-values, axis=1, kind="stable")
    descending = np.take_along_axis(values, order, axis=1)
    first, last = _ties(descending)
    before = np.cumsum(np.pad(descending[:, :-1], ((0, 0), (1, 0))), axis=1)
    likelier = np.take_along_axis(before, first, axis=1)
    own = descending * (last - first + 1)
    ranked = likelier + as_floats(part)[:, None] * own + penalty * np.maximum(0, last + 1 - k_reg)
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, ranked, axis=1)
    return scores


def evaluate(sets: Any, outcomes: Outcomes, alpha: float) -> ConformalScores:
    """Return what `sets` (n, K) of bool are worth at miscoverage `alpha`. Raises BadInput for another shape."""
    included = as_array(sets).astype(np.bool_)
    if included.shape != outcomes.probabilities.shape:
        raise BadInput(
            f"Got sets of shape {included.shape} for {len(outcomes)} items of {outcomes.classes} classes; "
            "make the sets from the same outcomes."
        )
    covered = included[np.arange(len(outcomes)), outcomes.labels].astype(np.float64)
    sizes = included.sum(axis=1)
    by_size = {int(size): _stratum(covered[sizes == size]) for size in np.unique(sizes)}
    coverage = float(covered.mean())
    return ConformalScores(
        coverage=coverage,
        gap=1 - alpha - coverage,
        mean_size=float(sizes.mean()),
        by_size=by_size,
        worst=min((stratum.coverage for size, stratum in by_size.items() if size), default=math.nan),
        by_class=tuple(_stratum(covered[outcomes.labels == label]).coverage for label in range(outcomes.classes)),
        empty=float((sizes == 0).mean()),
    )


def _stratum(covered: FloatArray) -> Stratum:
    return Stratum(len(covered), float(covered.mean()) if len(covered) else math.nan)


def _ties(descending: FloatArray) -> tuple[IntArray, IntArray]:
    """Return for each of (n, K) places the first and the last place with an equal value."""
    places = np.arange(descending.shape[1])
    changes = descending[:, 1:] != descending[:, :-1]
    starts = np.pad(np.where(changes, places[1:], 0), ((0, 0), (1, 0)))
    ends = np.pad(np.where(changes, places[:-1], places[-1]), ((0, 0), (0, 1)), constant_values=places[-1])
    return np.maximum.accumulate(starts, axis=1), np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]


def _uniforms(item_ids: npt.NDArray[np.str_]) -> FloatArray:
    return np.array([_uniform(item) for item in item_ids.tolist()])


# All languages ask for the same items.
@lru_cache(maxsize=2**16)
def _uniform(item_id: str) -> float:
    return int(unit_integers(philox("conformal", item_id), (1,))[0]) / 2.0**UNIT_BITS


def _check_rule(method: str, alpha: float, k_reg: int, penalty: float) -> None:
    if method not in get_args(Method):
        raise BadInput(f"Got method={method!r}, but prediction sets are made by {', '.join(get_args(Method))}.")
    if not 0 < alpha < 1:
        raise BadInput(f"Got alpha={alpha}, but a miscoverage lies between 0 and 1, both excluded.")
    if k_reg < 0:
        raise BadInput(f"Got k_reg={k_reg}, but a set size that is not penalised is at least 0.")
    if not (math.isfinite(penalty) and penalty >= 0):
        raise BadInput(f"Got penalty={penalty}, but a penalty is a finite number of at least 0.")
