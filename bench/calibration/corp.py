"""The CORP decomposition of mean scores (Dimitriadis, Gneiting and Jordan 2021): no bins, but isotonic regression.

For a proper score S, S(forecast) = miscalibration - discrimination + uncertainty, where with the isotonic (PAV) fit of
the outcomes to the forecasts
    miscalibration = S(forecast) - S(isotonic), discrimination = S(mean outcome) - S(isotonic),
    uncertainty = S(mean outcome).
All three are non-negative. Equal forecasts are pooled first, so that the order of items is irrelevant. Isotonic
regression fits noise too: under perfect calibration neither miscalibration nor discrimination is 0 in a finite sample.

A score is linear in the outcome: an answer that is right in 1/m of its ties counts as 1/m of a right one and (m - 1)/m
of a wrong one, so that decompositions are those of the expected scores, and a tied answer is uncertain, not half wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import xlog1py, xlogy

from bench.calibration.arrays import FloatArray, as_array, as_floats
from bench.calibration.binning import sums_by
from bench.calibration.metric import MOST_CLASSES, SampleMetric
from bench.calibration.outcomes import Outcomes
from bench.calibration.validation import scored_arrays


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The parts of a mean score: miscalibration - discrimination + uncertainty, each non-negative."""

    miscalibration: float
    discrimination: float
    uncertainty: float

    @property
    def score(self) -> float:
        """The mean score itself, inf where the miscalibration is."""
        return self.miscalibration - self.discrimination + self.uncertainty


def brier_decomposition(confidence: Any, correct: Any, weights: Any = None) -> Decomposition:
    """Return the parts of the mean of (confidence - correct)^2, correct being 0 or 1; arrays are (n,).

    A `correct` between is the share of ties that is right: correct (1 - c)^2 + (1 - correct) c^2. Takes numpy, lists or
    torch tensors; `weights` are frequencies: weight k is k copies.
    """
    sure, right, weight = scored_arrays(confidence, correct, weights)
    return _decomposition(sure, right, weight, _brier, _brier(sure, right))


def multiclass_brier_decomposition(probabilities: Any, labels: Any, weights: Any = None) -> Decomposition:
    """Return the parts of the mean Brier score in its sum form; probabilities (n, K), labels (n,).

    Each class against the rest is decomposed apart (p_k against k being the label), and the parts are summed: over k,
    (p_k - [k = label])^2 sums to the score itself. `weights` are frequencies.
    """
    given, answers = as_floats(probabilities), as_array(labels)
    weight = _weights(given, weights)
    parts = [brier_decomposition(given[:, k], answers == k, weight) for k in range(given.shape[1])]
    return Decomposition(
        miscalibration=sum(part.miscalibration for part in parts),
        discrimination=sum(part.discrimination for part in parts),
        uncertainty=sum(part.uncertainty for part in parts),
    )


def nll_decomposition(confidence: Any, correct: Any, weights: Any = None) -> Decomposition:
    """Return the parts, in nats, of the mean binary log score, -ln c of a right answer and -ln(1 - c) of a wrong one.

    Arrays are (n,), weights are frequencies. Where an answer of confidence 1 is wrong (or one of 0 right) the score and
    the miscalibration are inf; the other two parts are always finite.
    """
    sure, right, weight = scored_arrays(confidence, correct, weights)
    return _decomposition(sure, right, weight, _log_score, _log_score(sure, right))


def _decomposition(
    forecast: FloatArray,
    outcome: FloatArray,
    weight: FloatArray,
    score: Callable[[FloatArray, FloatArray], FloatArray],
    scores: FloatArray,
) -> Decomposition:
    """Return the parts of the weighted mean of `scores` (n,), those of the forecasts under `score`."""
    held = weight > 0
    original = float(np.average(scores[held], weights=weight[held]))
    mass, pooled = _pool(forecast[held], outcome[held], weight[held])
    fitted = np.clip(isotonic_regression(pooled, weights=mass).x, 0.0, 1.0)
    recalibrated = float(np.average(score(fitted, pooled), weights=mass))
    mean = np.full(1, np.average(pooled, weights=mass))
    uncertainty = float(score(mean, mean)[0])
    # The isotonic fit is the best monotone one under every proper score: only rounding goes below 0.
    return Decomposition(max(original - recalibrated, 0.0), max(uncertainty - recalibrated, 0.0), uncertainty)


def _pool(forecast: FloatArray, outcome: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mass and mean outcome of each distinct forecast, in ascending order."""
    distinct, index = np.unique(forecast, return_inverse=True)
    mass = sums_by(index, len(distinct), weight)
    return mass, sums_by(index, len(distinct), weight * outcome) / mass


def _brier(forecast: FloatArray, outcome: FloatArray) -> FloatArray:
    score: FloatArray = outcome * (1 - forecast) ** 2 + (1 - outcome) * forecast**2
    return score


def _log_score(forecast: FloatArray, outcome: FloatArray) -> FloatArray:
    score: FloatArray = 0.0 - xlogy(outcome, forecast) - xlog1py(1 - outcome, -forecast)
    return score


def _weights(values: FloatArray, weights: Any) -> FloatArray:
    return np.ones(len(values)) if weights is None else as_floats(weights)


def _brier_parts(outcomes: Outcomes, weights: FloatArray | None) -> Decomposition:
    return multiclass_brier_decomposition(outcomes.probabilities, outcomes.labels, weights)


def _nll_parts(outcomes: Outcomes, weights: FloatArray | None) -> Decomposition:
    """Return `nll_decomposition` of confidence and correctness, finite wherever the log probabilities are."""
    confidence, correct = outcomes.confidence, outcomes.correct
    # The answer last: the most probable class, of an event the second.
    ascending = outcomes.log_probabilities if outcomes.event else np.sort(outcomes.log_probabilities, axis=1)
    # What the other classes have, from logarithms: a confidence that rounds to 1 still has a finite score.
    rest = np.logaddexp.reduce(ascending[:, :-1], axis=1)
    # Certain and right: no share of it is wrong, and 0 times -inf must not be formed.
    scores = -correct * ascending[:, -1] - (1 - correct) * np.where(correct < 1, rest, 0.0)
    return _decomposition(confidence, correct, _weights(confidence, weights), _log_score, scores)


BRIER_MCB = SampleMetric(
    name="brier_mcb",
    title="Miscalibration part of the Brier score (CORP, sum over one-versus-rest)",
    symbol="MCB",
    better="lower",
    low=0.0,
    high=2.0,
    needs="probabilities",
    interval="basic",
    contrast=False,
    most_classes=MOST_CLASSES,
    function=lambda outcomes, weights: _brier_parts(outcomes, weights).miscalibration,
)
BRIER_DSC = SampleMetric(
    name="brier_dsc",
    title="Discrimination part of the Brier score (CORP, sum over one-versus-rest)",
    symbol="DSC",
    better="higher",
    low=0.0,
    high=1.0,
    needs="probabilities",
    interval="basic",
    contrast=False,
    most_classes=MOST_CLASSES,
    function=lambda outcomes, weights: _brier_parts(outcomes, weights).discrimination,
)
BRIER_UNC = SampleMetric(
    name="brier_unc",
    title="Uncertainty part of the Brier score (sum over one-versus-rest)",
    symbol="UNC",
    better="",
    low=0.0,
    high=1.0,
    needs="probabilities",
    most_classes=MOST_CLASSES,
    function=lambda outcomes, weights: _brier_parts(outcomes, weights).uncertainty,
)
NLL_MCB = replace(
    BRIER_MCB,
    name="nll_mcb",
    title="Miscalibration part of the NLL of being right (CORP, nats)",
    symbol="MCBnll",
    high=math.inf,
    most_classes=math.inf,
    function=lambda outcomes, weights: _nll_parts(outcomes, weights).miscalibration,
)
NLL_DSC = replace(
    BRIER_DSC,
    name="nll_dsc",
    title="Discrimination part of the NLL of being right (CORP, nats)",
    symbol="DSCnll",
    high=math.log(2),
    most_classes=math.inf,
    function=lambda outcomes, weights: _nll_parts(outcomes, weights).discrimination,
)
NLL_UNC = replace(
    BRIER_UNC,
    name="nll_unc",
    title="Uncertainty part of the NLL of being right (nats)",
    symbol="UNCnll",
    high=math.log(2),
    most_classes=math.inf,
    function=lambda outcomes, weights: _nll_parts(outcomes, weights).uncertainty,
)
