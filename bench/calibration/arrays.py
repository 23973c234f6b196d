"""Array types used right of Predictions, how foreign arrays become them, and the softmax they start from."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.intp]


def as_array(values: Any) -> npt.NDArray[Any]:
    """Return `values` (an array, a list, or a torch tensor on any device) as a numpy array, copied only where it must.

    bfloat16, which numpy lacks, becomes float32 without loss. torch is never imported.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
        return np.asarray(values.numpy())
    return np.asarray(values)


def as_floats(values: Any) -> FloatArray:
    """Return `values` as float64; see `as_array`."""
    return as_array(values).astype(np.float64, copy=False)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Return log probabilities for finite `logits`, along the last axis; finite, and independent of the class order."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    # Summed in order of size, so that rows with the same logits in another order have the very same confidence and
    # stay in one bin.
    total = np.sort(np.exp(shifted), axis=-1).sum(axis=-1, keepdims=True)
    normalised: FloatArray = shifted - np.log(total)
    return normalised


def log_of(probabilities: FloatArray) -> FloatArray:
    """Return log probabilities, -inf for 0."""
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(probabilities)
    return logs


def at(matrix: FloatArray, columns: IntArray) -> FloatArray:
    """Return the (n,) entries of `matrix` (n, K) in `columns` (n,)."""
    return matrix[np.arange(len(columns)), columns]
