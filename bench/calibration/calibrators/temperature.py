"""Temperature scaling (Guo et al. 2017): one positive number that divides the logits, found exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from bench.calibration.arrays import FloatArray, IntArray, at, log_softmax
from bench.calibration.calibrators.calibration_map import Parameters, finite_logs, weighted
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput

# Temperatures of trained networks lie well inside; outside, probabilities are uniform or 0 and 1 for every purpose.
LOWEST, HIGHEST = 1e-4, 1e4
_LOG_BOUNDS = (math.log(LOWEST), math.log(HIGHEST))


@dataclass(frozen=True, slots=True)
class Temperature:
    """A fitted temperature: `value` > 0, mean NLL of the fit set in nats before and after, whether it is at a bound.

    The NLLs are of finite logits: a label with probability exactly 0 costs much and not everything.
    """

    value: float
    nll_before: float
    nll_after: float
    at_bound: bool

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with their logits divided by the temperature; answers and correctness stay."""
        return apply(outcomes, self.value)

    def parameters(self) -> Parameters:
        """Return the temperature, and whether it is at a bound."""
        return {"temperature": self.value, "at_bound": self.at_bound}


def apply(outcomes: Outcomes, temperature: float) -> Outcomes:
    """Return `outcomes` with their logits divided by `temperature` > 0; answers and correctness stay.

    Logits are `finite_logs`: a probability of exactly 0 becomes a small one where T is large. Raises BadInput for a
    temperature that is not above 0.
    """
    if not temperature > 0:
        raise BadInput(f"Got temperature={temperature}, but it is above 0: a negative one would turn answers round.")
    return outcomes.with_log_probabilities(log_softmax(finite_logs(outcomes.log_probabilities) / temperature))


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> Temperature:
    """Return the temperature of `outcomes`; see `fit_temperature`. `weights` (n,) are frequencies."""
    used, weights = weighted(outcomes, weights)
    return fit_temperature(finite_logs(used.log_probabilities), used.labels, weights)


def fit_temperature(logits: FloatArray, labels: IntArray, weights: FloatArray | None = None) -> Temperature:
    """Return the temperature in [1e-4, 1e4] with the least mean NLL; logits (n, K) finite, labels (n,), n >= 1.

    `weights` (n,) are frequencies: weight k is k copies. The NLL is convex in 1/T, so its only minimum is where its
    slope changes sign. Where it does not change sign the answer is a bound, flagged: 1e-4 when every label has the
    highest logit (n = 1 and right, separable data), 1e4 when the logits speak against the labels on average
    (anti-correlated data: no T > 0 repairs them). Logits that are equal within every row give 1: no temperature changes
    anything.
    """
    value, at_bound = _minimum(logits, labels, weights)
    return Temperature(
        value=value,
        nll_before=_nll(logits, labels, weights, 1.0),
        nll_after=_nll(logits, labels, weights, value),
        at_bound=at_bound,
    )


def slopes(logits: FloatArray, labels: IntArray, log_temperature: float) -> FloatArray:
    """Return the (n,) slopes of the items' NLL in 1/T: mean logit minus the label's logit. They fall as T rises."""
    return _slopes(_centred(logits), labels, log_temperature)


def _minimum(logits: FloatArray, labels: IntArray, weights: FloatArray | None) -> tuple[float, bool]:
    if (logits == logits[:, :1]).all():
        return 1.0, False

    centred = _centred(logits)

    def slope(log_temperature: float) -> float:
        return float(np.average(_slopes(centred, labels, log_temperature), weights=weights))

    if slope(_LOG_BOUNDS[0]) <= 0:
        return LOWEST, True
    if slope(_LOG_BOUNDS[1]) >= 0:
        return HIGHEST, True
    return math.exp(brentq(slope, *_LOG_BOUNDS, xtol=1e-13)), False


def _centred(logits: FloatArray) -> FloatArray:
    """Return (K, n): logits minus the highest of each row, with the few classes along the slow axis."""
    return np.ascontiguousarray((logits - logits.max(axis=1, keepdims=True)).T)


def _slopes(centred: FloatArray, labels: IntArray, log_temperature: float) -> FloatArray:
    powers = np.exp(centred * math.exp(-log_temperature))
    expected = (powers * centred).sum(axis=0) / powers.sum(axis=0)
    slope: FloatArray = expected - centred[labels, np.arange(len(labels))]
    return slope


def _nll(logits: FloatArray, labels: IntArray, weights: FloatArray | None, temperature: float) -> float:
    return float(np.average(-at(log_softmax(logits / temperature), labels), weights=weights))
