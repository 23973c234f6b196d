"""Least squares over a handful of languages: a description, how much of it hangs on single ones, and what it misses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput
from bench.stream import integers, philox

# Fourteen points bear no more predictors than this.
MOST_PREDICTORS = 2
_DRAWS = 9999
_POWER = 0.8
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Slope:
    """What a regression says of one predictor, for one standard deviation of it.

    error: clustered by family (CR1), with as many degrees of freedom as there are families less one. p: the share of
    permutations of the predictor whose slope is at least as large in size. without_language, without_family: the range
    of the slope with one of them left out. inflation: of the variance, by the other predictor. detectable: the least
    slope that a test at 5 % finds with a probability of .8.
    """

    name: str
    value: float
    error: float
    families: int
    p: float
    without_language: tuple[float, float]
    without_family: tuple[float, float]
    inflation: float
    detectable: float


def regression(
    outcome: FloatArray,
    predictors: Sequence[tuple[str, FloatArray]],
    families: npt.NDArray[np.str_],
    draws: int = _DRAWS,
    seed: int = 0,
) -> list[Slope]:
    """Return the slopes of `outcome` (n,) on one or two predictors (n,), each scaled to mean 0 and s.d. 1.

    Raises BadInput for more predictors, for one that does not vary, and for so few languages or families that leaving
    one out leaves too little.
    """
    if not 1 <= len(predictors) <= MOST_PREDICTORS:
        raise BadInput(f"Got {len(predictors)} predictors, but so few languages bear one or two.")
    if len(outcome) < len(predictors) + 4 or len(set(families.tolist())) < 3:
        raise BadInput(
            f"Got {len(outcome)} languages of {len(set(families.tolist()))} families, but a regression on "
            f"{len(predictors)} predictor(s) needs {len(predictors) + 4} of 3."
        )
    for name, values in predictors:
        if float(np.std(values)) == 0:
            raise BadInput(f"Got predictor {name!r} with one value alone; leave it out.")
    scaled = np.stack([(values - values.mean()) / values.std() for _, values in predictors], axis=1)
    return [_slope(place, name, outcome, scaled, families, draws, seed) for place, (name, _) in enumerate(predictors)]


def _slope(
    place: int,
    name: str,
    outcome: FloatArray,
    scaled: FloatArray,
    families: npt.NDArray[np.str_],
    draws: int,
    seed: int,
) -> Slope:
    names = np.unique(families)
    error = _clustered_error(outcome, scaled, families)[place]
    freedom = len(names) - 1
    reach = float(stdtrit(freedom, (1 + _LEVEL) / 2) + stdtrit(freedom, _POWER))
    languages = [_fit(np.delete(outcome, i), np.delete(scaled, i, 0))[place] for i in range(len(outcome))]
    kept = [families != family for family in names]
    apart = [_fit(outcome[keep], scaled[keep])[place] for keep in kept]
    return Slope(
        name=name,
        value=float(_fit(outcome, scaled)[place]),
        error=error,
        families=len(names),
        p=_permutation_p(place, outcome, scaled, draws, seed),
        without_language=(float(min(languages)), float(max(languages))),
        without_family=(float(min(apart)), float(max(apart))),
        inflation=_inflation(scaled),
        detectable=reach * error,
    )


def _fit(outcome: FloatArray, scaled: FloatArray) -> FloatArray:
    design = np.column_stack([scaled, np.ones(len(outcome))])
    found: FloatArray = np.linalg.lstsq(design, outcome, rcond=None)[0].astype(np.float64)
    return found


def _clustered_error(outcome: FloatArray, scaled: FloatArray, families: npt.NDArray[np.str_]) -> list[float]:
    """Return the errors of the coefficients, from scores summed within families (Liang and Zeger 1986; CR1)."""
    design = np.column_stack([scaled, np.ones(len(outcome))])
    scores = design * (outcome - design @ _fit(outcome, scaled))[:, None]
    names, index = np.unique(families, return_inverse=True)
    summed = np.zeros((len(names), design.shape[1]))
    np.add.at(summed, index, scores)
    bread = np.linalg.pinv(design.T @ design)
    count, size = len(names), len(outcome)
    factor = count / (count - 1) * (size - 1) / (size - design.shape[1])
    variance = factor * np.diag(bread @ summed.T @ summed @ bread)
    return [math.sqrt(each) for each in variance]


def _permutation_p(place: int, outcome: FloatArray, scaled: FloatArray, draws: int, seed: int) -> float:
    """Return the p of Freedman and Lane 1983: residuals without the predictor are permuted among languages."""
    others = np.column_stack([np.delete(scaled, place, 1), np.ones(len(outcome))])
    hat = others @ np.linalg.pinv(others)
    fitted = hat @ outcome
    residuals = outcome - fitted
    # The coefficient is a linear function of the outcome.
    weights = np.linalg.pinv(np.column_stack([scaled, np.ones(len(outcome))]))[place]
    observed = abs(float(weights @ outcome))
    order = np.argsort(integers(philox("regression", seed, [place]), (draws, len(outcome)), 2**31), axis=1)
    permuted = np.abs((fitted + residuals[order]) @ weights)
    return float((1 + (permuted >= observed - 1e-12).sum()) / (draws + 1))


def _inflation(scaled: FloatArray) -> float:
    if scaled.shape[1] == 1:
        return 1.0
    # Columns have mean 0 and variance 1.
    shared = float((scaled[:, 0] * scaled[:, 1]).mean()) ** 2
    return math.inf if shared >= 1 else 1 / (1 - shared)
