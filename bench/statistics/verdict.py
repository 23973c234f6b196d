"""Verdicts: is a claimed change there, is it the other way round, is it too small to matter, or can nobody say?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.statistics.multiplicity import holm
from bench.statistics.t_estimate import TEstimate

# The smallest effect of interest: one point of the signed gap.
SMALLEST_EFFECT = 0.01
LEVEL = 0.05

Verdict: TypeAlias = Literal["supported", "contradicted", "equivalent to nothing", "undecided", "no verdict"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with the Holm-adjusted p of no change (`p`) and of a change that matters (`p_equivalent`).

    Both are nan where there is no verdict.
    """

    verdict: Verdict
    p: float
    p_equivalent: float


def judge(family: Sequence[Sequence[TEstimate]], margin: float = SMALLEST_EFFECT) -> list[Judged]:
    """Return one verdict a test, with Holm's correction over all tests of the family, made or not.

    A test is the estimates of one change whose errors have different origins, such as items and checkpoints; each of
    them has to reject, so the largest of their p-values counts (Berger 1982). No estimate: no verdict. The claim is
    that the change is positive. A change that is shown to be smaller than `margin` is equivalent to nothing, whatever
    its sign.
    """
    p = _holm_of_all([_largest([each.p for each in test]) for test in family])
    equivalent = _holm_of_all([_largest([each.p_equivalent(margin) for each in test]) for test in family])
    return [_judged(test, p[place], equivalent[place]) for place, test in enumerate(family)]


def _holm_of_all(p: Sequence[float]) -> list[float]:
    # As many tests were announced as there are: one that could not be made counts as one that rejected nothing.
    adjusted = holm([1.0 if math.isnan(each) else each for each in p])
    return [math.nan if math.isnan(each) else float(found) for each, found in zip(p, adjusted, strict=True)]


def _largest(values: list[float]) -> float:
    return math.nan if not values or any(math.isnan(each) for each in values) else max(values)


def _judged(test: Sequence[TEstimate], p: float, equivalent: float) -> Judged:
    if math.isnan(p):
        return Judged("no verdict", math.nan, math.nan)
    return Judged(_verdict(test[0].value, p, equivalent), p, equivalent)


def _verdict(change: float, p: float, equivalent: float) -> Verdict:
    if equivalent <= LEVEL:
        return "equivalent to nothing"
    if p <= LEVEL:
        return "supported" if change > 0 else "contradicted"
    return "undecided"
