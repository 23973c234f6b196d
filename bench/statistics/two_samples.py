"""The change between two groups of training seeds: few, independent values on each side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Change:
    """The mean of the new values less that of the old, its standard error, degrees of freedom, and two-sided p."""

    value: float
    error: float
    freedom: int
    p: float

    def interval(self, level: float) -> tuple[float, float]:
        """Return the two-sided t interval at `level`."""
        half = float(stdtrit(self.freedom, (1 + level) / 2)) * self.error
        return self.value - half, self.value + half

    def detectable(self, level: float) -> float:
        """Return the least change that a two-sided test at 1 - `level` finds with probability 0.8 (approximately)."""
        return float(stdtrit(self.freedom, (1 + level) / 2) + stdtrit(self.freedom, POWER)) * self.error


def change(old: FloatArray, new: FloatArray) -> Change:
    """Return the change from `old` (S,) to `new` (T,), by Student's t test with pooled variance.

    With as many seeds on each side it keeps its level when their spreads differ. Raises BadInput unless each side has
    at least two values.
    """
    if min(len(old), len(new)) < 2:
        raise BadInput(f"Got {len(old)} and {len(new)} seeds, but a spread needs at least two on each side.")
    freedom = len(old) + len(new) - 2
    squares = float(((old - old.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum())
    error = math.sqrt(squares / freedom * (1 / len(old) + 1 / len(new)))
    value = float(np.mean(new) - np.mean(old))
    if error == 0:
        return Change(value, 0.0, freedom, 1.0 if value == 0 else 0.0)
    return Change(value, error, freedom, 2 * float(stdtr(freedom, -abs(value) / error)))
