"""Softmax regression with a quadratic penalty: the convex problem behind the affine maps and beta calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray, IntArray

_MOST_STEPS = 100
# In nats an item, what a Newton step promises to gain. Convergence is quadratic: after such a step nothing is left.
_LAST_GAIN = 1e-18
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """The problem of minimising over A (C, D), where item i has the logit z_ic = sum_d A_cd x_cdi for class c,

        F(A) = sum_i w_i * -ln softmax(z_i)[y_i]  +  1/2 * sum_cd penalty_cd * (A_cd - prior_cd)^2.

    features: finite x, (D, n) where all classes have the same, else (C, D, n); labels: (n,); weights: (n,) > 0; prior:
    (C, D); penalty: (C, D) > 0, where infinity holds the entry at its prior. F is strictly convex in the other entries,
    so it has one minimum, whatever the data: separable data give a large but finite A.
    """

    features: FloatArray
    labels: IntArray
    weights: FloatArray
    prior: FloatArray
    penalty: FloatArray

    def value(self, entries: FloatArray) -> float:
        """Return F at `entries` (C, D)."""
        return self._state(entries)[0]

    def gradient(self, entries: FloatArray) -> FloatArray:
        """Return the (C, D) slopes of F at `entries`; 0 for those that are held."""
        return self._gradient(entries, self._state(entries)[1])

    def minimum(self) -> FloatArray:
        """Return the (C, D) entries with the least F.

        By Newton's method with step halving, from equal probabilities, where the curvature is greatest. The steps come
        from conjugate gradients, which need no Hessian: with K classes that would have K^4 entries.
        """
        entries = np.where(self._free, 0.0, self.prior)
        value, probabilities = self._state(entries)
        for _ in range(_MOST_STEPS):
            gradient = self._gradient(entries, probabilities)
            step = self._newton_step(gradient, probabilities)
            gain = -float((gradient * step).sum())
            length = self._step_length(entries, value, step, gain)
            entries = entries + length * step
            value, probabilities = self._state(entries)
            if gain <= _LAST_GAIN * self.weights.sum():
                break
        return entries

    @property
    def _free(self) -> FloatArray:
        return np.isfinite(self.penalty).astype(np.float64)

    @property
    def _finite_penalty(self) -> FloatArray:
        return np.where(np.isfinite(self.penalty), self.penalty, 0.0)

    def _logits(self, entries: FloatArray) -> FloatArray:
        if self.features.ndim == 2:
            return entries @ self.features
        logits: FloatArray = (entries[:, None, :] @ self.features)[:, 0]
        return logits

    def _state(self, entries: FloatArray) -> tuple[float, FloatArray]:
        logits = self._logits(entries)
        logits -= logits.max(axis=0)
        powers = np.exp(logits)
        totals = powers.sum(axis=0)
        nll = np.log(totals) - logits[self.labels, np.arange(len(self.labels))]
        value = self.weights @ nll + (self._finite_penalty * (entries - self.prior) ** 2).sum() / 2
        return float(value), powers / totals

    def _gradient(self, entries: FloatArray, probabilities: FloatArray) -> FloatArray:
        errors = probabilities.copy()
        errors[self.labels, np.arange(len(self.labels))] -= 1
        slopes = _sums(self.weights * errors, self.features) + self._finite_penalty * (entries - self.prior)
        gradient: FloatArray = self._free * slopes
        return gradient

    def _newton_step(self, gradient: FloatArray, probabilities: FloatArray) -> FloatArray:
        free, penalty, mass = self._free, self._finite_penalty, self.weights * probabilities

        def curvature(direction: FloatArray) -> FloatArray:
            change = self._logits(direction)
            change -= (probabilities * change).sum(axis=0)
            product: FloatArray = free * (_sums(mass * change, self.features) + penalty * direction)
            return product

        diagonal = np.where(free, _sums(mass * (1 - probabilities), self.features**2) + penalty, 1.0)
        return _conjugate_gradients(curvature, diagonal, -gradient, 2 * int(free.sum()))

    def _step_length(self, entries: FloatArray, value: float, step: FloatArray, gain: float) -> float:
        length = 1.0
        # Close to the minimum gains drown in rounding; a Newton step needs no shortening there.
        slack = _ROUNDING * (self.weights.sum() + abs(value))
        while self.value(entries + length * step) > value - 1e-4 * length * gain + slack:
            length /= 2
        return length


def _sums(values: FloatArray, features: FloatArray) -> FloatArray:
    """Return the (C, D) sums over items of `values` (C, n) times `features`."""
    if features.ndim == 2:
        return values @ features.T
    sums: FloatArray = (features @ values[:, :, None])[:, :, 0]
    return sums


def _conjugate_gradients(
    multiply: Callable[[FloatArray], FloatArray], diagonal: FloatArray, target: FloatArray, most: int
) -> FloatArray:
    """Return x with multiply(x) = target, for a positive definite map with this diagonal, which preconditions it.

    Solved the more exactly the smaller the target, which keeps Newton's convergence quadratic.
    """
    found, residual = np.zeros_like(target), target
    scaled = residual / diagonal
    direction, size = scaled, float((residual * scaled).sum())
    enough = size * max(1e-20, min(1e-4, size))
    for _ in range(most):
        if size <= enough:
            break
        product = multiply(direction)
        length = size / float((direction * product).sum())
        found = found + length * direction
        residual = residual - length * product
        scaled = residual / diagonal
        size, previous = float((residual * scaled).sum()), size
        direction = scaled + size / previous * direction
    return found
