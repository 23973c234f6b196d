"""An estimate with a standard error and degrees of freedom: its interval, its p, and its p of being nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput

# Equal numbers differ by less from each other.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class TEstimate:
    """A value, its standard error, and the degrees of freedom of the t distribution that the error has.

    An error of nan is one that nobody knows: interval and p-values are nan then.
    """

    value: float
    error: float
    freedom: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided t interval at `level`."""
        half = float(stdtrit(self.freedom, (1 + level) / 2)) * self.error
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """The two-sided p of a true value of 0."""
        return 2 * min(self._beyond(abs(self.value)), 0.5)

    def p_equivalent(self, margin: float) -> float:
        """Return the p of a true value outside (-margin, margin): two one-sided tests (Schuirmann 1987).

        At most .05 exactly where the 90 % interval lies within the margin.
        """
        return self._beyond(margin - abs(self.value))

    def _beyond(self, distance: float) -> float:
        """Return the probability that the error exceeds `distance`."""
        if math.isnan(self.error):
            return math.nan
        if self.error <= _ROUNDING:
            return 0.0 if distance > _ROUNDING else 0.5 if distance > -_ROUNDING else 1.0
        return float(stdtr(self.freedom, -distance / self.error))


def of_sample(values: Sequence[float] | FloatArray) -> TEstimate:
    """Return the mean of independent `values` (n,), with s / sqrt(n) and n - 1 degrees of freedom.

    Raises BadInput for fewer than two.
    """
    if len(values) < 2:
        raise BadInput(f"Got {len(values)} value(s), but a spread needs at least two.")
    return TEstimate(float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values)), len(values) - 1)
