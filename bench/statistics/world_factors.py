"""What sets languages of artificial worlds apart, one factor at a time, and between worlds of two kinds of source."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.statistics.t_estimate import TEstimate


def apart_from_distance(first: Sequence[float], second: Sequence[float]) -> tuple[TEstimate, TEstimate] | None:
    """Return a contrast freed of distance from the source, and what distance does, the world being the unit.

    `first` are the contrasts (type A minus type B) of the worlds whose source is of type B, so that A alone is far from
    it; `second` those of the worlds whose source is of type A. Half their sum is what A does at equal distance, half
    their difference what being of another type than the source does. Pooled variance, n - 2 degrees of freedom; None
    unless each kind has a world and one of them two.
    """
    freedom = len(first) + len(second) - 2
    if not first or not second or freedom < 1:
        return None
    squares = sum(float(((np.asarray(each) - np.mean(each)) ** 2).sum()) for each in (first, second))
    error = math.sqrt(squares / freedom * (1 / len(first) + 1 / len(second))) / 2
    one, other = float(np.mean(first)), float(np.mean(second))
    return TEstimate((one + other) / 2, error, freedom), TEstimate((one - other) / 2, error, freedom)
