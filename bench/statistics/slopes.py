"""The slope of a quantity over the sizes of a ladder: a linear contrast of their values, and what it leaves over."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput
from bench.statistics.t_estimate import TEstimate


def log_sizes(parameters: Sequence[float]) -> FloatArray:
    """Return the (N,) decimal logarithms of numbers of parameters: a slope is then one for each tenfold.

    Raises BadInput unless there are two sizes that differ.
    """
    if len(set(parameters)) < 2:
        raise BadInput(f"Got sizes {list(parameters)}, but a slope needs at least two that differ.")
    return np.log10(np.asarray(parameters, dtype=np.float64))


def slope_weights(sizes: FloatArray) -> FloatArray:
    """Return the (N,) weights w for which sum(w * values) is the least-squares slope over `sizes`; they sum to 0."""
    centred = sizes - sizes.mean()
    weights: FloatArray = centred / (centred**2).sum()
    return weights


def change_weights(sizes: FloatArray) -> FloatArray:
    """Return the (N,) weights of the fitted change from the least to the largest of `sizes`: the slope times the span.

    In the units of the quantity itself, so that a smallest effect of interest in these units applies to it.
    """
    weights: FloatArray = slope_weights(sizes) * (sizes.max() - sizes.min())
    return weights


def fitted_ends(sizes: FloatArray, values: FloatArray) -> tuple[float, float]:
    """Return the least-squares line at the least and the largest of `sizes`."""
    change = float(change_weights(sizes) @ values)
    span = sizes.max() - sizes.min()
    low = float(values.mean()) - change * float((sizes.mean() - sizes.min()) / span)
    return low, low + change


def residual_change(sizes: FloatArray, values: FloatArray) -> TEstimate | None:
    """Return the fitted change over the ladder with the error that the sizes' distances from the line give.

    N - 2 degrees of freedom: here the checkpoint is the unit, another draw of which would lie as far from the line.
    None for fewer than three sizes.
    """
    if len(values) < 3:
        return None
    slope, change = float(slope_weights(sizes) @ values), float(change_weights(sizes) @ values)
    residuals = values - values.mean() - slope * (sizes - sizes.mean())
    freedom = len(values) - 2
    variance = float((residuals**2).sum()) / freedom * float((change_weights(sizes) ** 2).sum())
    return TEstimate(change, math.sqrt(variance), freedom)
