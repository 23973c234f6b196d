"""Ensemble temperature scaling (Zhang, Kailkhura and Han 2020): a mixture of two temperatures and no knowledge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, at, log_of, log_softmax
from bench.calibration.calibrators import temperature as temperature_scaling
from bench.calibration.calibrators.calibration_map import Parameters, finite_logs, weighted
from bench.calibration.outcomes import Outcomes

_MOST_STEPS = 100
# In nats an item, what a step promises to gain.
_LAST_GAIN = 1e-20
_ROUNDING = 1e-14
# So large that rounding, divided by it, does not move what is left as it is.
_RIDGE = 1e-8


@dataclass(frozen=True, slots=True)
class EnsembleTemperature:
    """w_1 p^(1/T) + w_2 p + w_3 / K, the first one normalised; `weights` (3,) >= 0 sum to 1."""

    temperature: float
    weights: FloatArray

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the map's probabilities, which are in the order they were: the answers stay."""
        parts = _log_parts(finite_logs(outcomes.log_probabilities), self.temperature)
        mixed = np.logaddexp.reduce(log_of(self.weights)[:, None, None] + parts)
        return outcomes.with_log_probabilities(log_softmax(mixed))

    def parameters(self) -> Parameters:
        """Return the temperature and the three weights."""
        return {"temperature": self.temperature, "weights": self.weights.tolist()}


def fit(outcomes: Outcomes, weights: FloatArray | None = None) -> EnsembleTemperature:
    """Return the temperature of temperature scaling and, given it, the mixture with the least NLL.

    As in the paper, the temperature is not fitted again. The NLL is convex in the mixture, and never above that of
    temperature scaling. `weights` (n,) are frequencies. Where parts coincide (T = 1, equal logits) the share between
    them is arbitrary and says nothing. Separable data give the first part all the weight, anti-correlated data the
    last; n = 1 is one of the two.
    """
    used, weights = weighted(outcomes, weights)
    scaled = temperature_scaling.fit(used, weights)
    parts = _log_parts(finite_logs(used.log_probabilities), scaled.value)
    logs = np.stack([at(part, used.labels) for part in parts])
    # Each item's parts relative to their largest: this shifts the NLL by a constant, and nothing underflows.
    return EnsembleTemperature(scaled.value, best_mixture(np.exp(logs - logs.max(axis=0)), weights))


def best_mixture(densities: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the w (m,) on the simplex with the greatest sum_i v_i ln(w . q_i): `densities` (m, n) >= 0, v = `weights`.

    Minimises f(w) = sum_j w_j - sum_i v_i ln(w . q_i) / sum_i v_i over w >= 0. At its minimum the w_j sum to 1, so the
    simplex needs no constraint of its own. Newton steps on the parts in use; a part that reaches 0 leaves them, and
    enters again when f would fall with it.
    """
    shares = weights / weights.sum()
    mixture = np.full(len(densities), 1 / len(densities))
    used = np.full(len(densities), True)
    for _ in range(_MOST_STEPS):
        ratios = densities / (mixture @ densities)
        gradient = 1 - ratios @ shares
        step = _newton_step((shares * ratios) @ ratios.T, gradient, used)
        gain = -float(gradient @ step)
        if gain <= _LAST_GAIN:
            outside = np.where(used, np.inf, gradient)
            # One at a time: from a minimum over the others its step is surely up, where two may hold each other at 0.
            entering = int(outside.argmin())
            if outside[entering] >= -_ROUNDING:
                break
            used[entering] = True
            continue
        mixture = mixture + _step_length(densities, shares, mixture, step, gain) * step
        used &= mixture > _ROUNDING
        mixture = np.where(used, mixture, 0.0)
    normalised: FloatArray = mixture / mixture.sum()
    return normalised


def _newton_step(hessian: FloatArray, gradient: FloatArray, used: npt.NDArray[np.bool_]) -> FloatArray:
    # Parts that coincide make the Hessian singular; the share between them is then left as it is.
    block = hessian[np.ix_(used, used)] + _RIDGE * np.eye(int(used.sum()))
    step = np.zeros_like(gradient)
    step[used] = np.linalg.solve(block, -gradient[used])
    return step


def _step_length(
    densities: FloatArray, shares: FloatArray, mixture: FloatArray, step: FloatArray, gain: float
) -> float:
    def value(length: float) -> float:
        moved = np.maximum(mixture + length * step, 0.0)
        return float(moved.sum() - shares @ log_of(moved @ densities))

    shrinking = step < 0
    length = min(1.0, float((mixture[shrinking] / -step[shrinking]).min(initial=np.inf)))
    start = value(0.0)
    while value(length) > start - 1e-4 * length * gain + _ROUNDING:
        length /= 2
    return length


def _log_parts(log_probabilities: FloatArray, temperature: float) -> FloatArray:
    uniform = np.full_like(log_probabilities, -np.log(log_probabilities.shape[1]))
    return np.stack([log_softmax(log_probabilities / temperature), log_softmax(log_probabilities), uniform])
