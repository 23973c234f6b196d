"""p-values adjusted for how many tests there are: Holm for the confirmatory family, Benjamini-Hochberg for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.calibration.arrays import FloatArray, as_floats
from bench.errors import BadInput


def holm(p: Any) -> FloatArray:
    """Return the (m,) adjusted p-values of `p` (m,): rejecting those at most a errs anywhere with probability <= a.

    Holm 1979: the k-th least p is multiplied by m - k + 1, and is no less than the ones before it, nor above 1. nan, a
    test that could not be made, stays nan and is not counted in m. Raises BadInput outside [0, 1].
    """
    return _adjusted(p, _holm)


def benjamini_hochberg(p: Any) -> FloatArray:
    """Return the (m,) adjusted p-values of `p` (m,): of those at most q, a share of at most q is false on average.

    Benjamini and Hochberg 1995, for independent or positively dependent tests. nan as in `holm`. Raises BadInput
    outside [0, 1].
    """
    return _adjusted(p, _benjamini_hochberg)


def _adjusted(p: Any, adjust: Callable[[FloatArray], FloatArray]) -> FloatArray:
    values = as_floats(p)
    made = ~np.isnan(values)
    bad = made & ~((values >= 0) & (values <= 1))
    if bad.any():
        raise BadInput(f"Got p={values[bad][0]}, but a p-value lies in [0, 1]; nan marks a test that was not made.")
    adjusted = np.full(values.shape, np.nan)
    if made.any():
        adjusted[made] = adjust(values[made])
    return adjusted


def _holm(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def _benjamini_hochberg(p: FloatArray) -> FloatArray:
    # scipy.stats takes most of a second to import.
    from scipy.stats import false_discovery_control

    adjusted: FloatArray = false_discovery_control(p, method="bh")
    return adjusted
