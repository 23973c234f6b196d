"""How well confidence ranks the answers: risk over coverage, the area under it, and AUROC; the scale is irrelevant.

Risk at coverage t is the error rate among the share t of the items that is most confident. Items with equal confidence
enter together, each with the same part of itself: that is the mean over all orders within the tie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy

from bench.calibration.arrays import FloatArray
from bench.calibration.binning import sums_by
from bench.calibration.metric import SampleMetric
from bench.calibration.outcomes import Outcomes
from bench.calibration.validation import scored_arrays
from bench.errors import BadInput

_COVERAGE = 0.8


def aurc(confidence: Any, correct: Any, weights: Any = None) -> float:
    """Return the area under the risk-coverage curve, the integral of the risk over coverage from 0 to 1, in [0, 1].

    Geifman and El-Yaniv 2017, with the integral in place of their mean over the n coverages k/n, which other libraries
    compute: n items and two copies of each then have the same area, and so have weights of any size. The two differ by
    less than 1 / (2 n). Arrays are (n,); `correct` may be fractions: that share is right and the rest wrong; `weights`
    are frequencies, weight k is k copies.
    """
    return _area(_levels(confidence, correct, weights))


def eaurc(confidence: Any, correct: Any, weights: Any = None) -> float:
    """Return the AURC minus that of the best order with the same error rate r, in [0, ln 2]; arrays as for `aurc`.

    Geifman, Uziel and El-Yaniv 2019. The best order has everything right before anything wrong: its area is
    r + (1 - r) ln(1 - r), an approximation for the mean over k/n but exact for the integral.
    """
    levels = _levels(confidence, correct, weights)
    right, wrong = float(levels.right.sum()), float(levels.wrong.sum())
    risk, accuracy = wrong / (right + wrong), right / (right + wrong)
    # Outside only by rounding.
    return float(np.clip(_area(levels) - risk - xlogy(accuracy, accuracy), 0.0, math.log(2)))


def auroc(confidence: Any, correct: Any, weights: Any = None) -> float:
    """Return the chance that a right answer is more confident than a wrong one, ties counting 1/2, in [0, 1].

    The Mann-Whitney statistic over its maximum; nan where all answers are right or all wrong. Arrays as for `aurc`.
    """
    levels = _levels(confidence, correct, weights)
    pairs = float(levels.right.sum() * levels.wrong.sum())
    if pairs == 0:
        return math.nan
    less_confident = levels.wrong.sum() - np.cumsum(levels.wrong)
    return float(np.clip(levels.right @ (less_confident + levels.wrong / 2) / pairs, 0.0, 1.0))


def risk_at_coverage(confidence: Any, correct: Any, coverage: float, weights: Any = None) -> float:
    """Return the error rate among the share `coverage` in (0, 1] of most confident items, in [0, 1].

    The level of confidence that the share ends in is counted in part, as are single items: 4/5 of one item is judged by
    that item. Arrays as for `aurc`. Raises BadInput for another coverage.
    """
    if not 0 < coverage <= 1:
        raise BadInput(f"Got coverage={coverage}, but a share of the items is above 0 and at most 1.")
    levels = _levels(confidence, correct, weights)
    mass, wrong = (np.cumsum(np.append(0.0, part)) for part in (levels.right + levels.wrong, levels.wrong))
    covered = coverage * mass[-1]
    return min(1.0, float(np.interp(covered, mass, wrong) / covered))


@dataclass(frozen=True, slots=True)
class _Levels:
    """The mass of right and of wrong answers at each distinct confidence, the most confident first."""

    right: FloatArray
    wrong: FloatArray


def _levels(confidence: Any, correct: Any, weights: Any) -> _Levels:
    sure, right, weight = scored_arrays(confidence, correct, weights)
    distinct, index = np.unique(-sure, return_inverse=True)
    return _Levels(*(sums_by(index, len(distinct), weight * share) for share in (right, 1 - right)))


def _area(levels: _Levels) -> float:
    mass = levels.right + levels.wrong
    filled = mass > 0
    mass, wrong = mass[filled], levels.wrong[filled]
    before, errors = np.cumsum(mass) - mass, np.cumsum(wrong) - wrong
    rate = wrong / mass
    # Within a level (errors + rate (t - before)) / t is integrated; before the first there is nothing to be wrong.
    growth = np.log1p(mass[1:] / before[1:])
    area = float(rate @ mass) + float((errors[1:] - rate[1:] * before[1:]) @ growth)
    return min(1.0, area / float(mass.sum()))


AURC = SampleMetric(
    name="aurc",
    title="Area under the risk-coverage curve (integral over coverage)",
    symbol="AURC",
    better="lower",
    low=0.0,
    high=1.0,
    function=lambda outcomes, weights: aurc(outcomes.confidence, outcomes.correct, weights),
)
EAURC = SampleMetric(
    name="eaurc",
    title="Excess of the AURC over that of the best order",
    symbol="E-AURC",
    better="lower",
    low=0.0,
    high=math.log(2),
    function=lambda outcomes, weights: eaurc(outcomes.confidence, outcomes.correct, weights),
)


def _has_both(outcomes: Outcomes) -> bool:
    return bool((outcomes.correct > 0).any() and (outcomes.correct < 1).any())


AUROC = SampleMetric(
    name="auroc",
    title="AUROC of confidence for being right",
    symbol="AUROC",
    better="higher",
    low=0.0,
    high=1.0,
    defined=_has_both,
    function=lambda outcomes, weights: auroc(outcomes.confidence, outcomes.correct, weights),
)
RISK80 = SampleMetric(
    name="risk80",
    title="Error rate among the 80 % most confident",
    symbol="R80",
    better="lower",
    low=0.0,
    high=1.0,
    function=lambda outcomes, weights: risk_at_coverage(outcomes.confidence, outcomes.correct, _COVERAGE, weights),
)
