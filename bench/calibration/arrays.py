"""Names for the array types used right of Predictions, and the softmax they start from."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.intp]


def log_softmax(logits: FloatArray) -> FloatArray:
    """Return log probabilities for finite `logits`, along the last axis; finite, and independent of the class order."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    # Summed in order of size, so that rows with the same logits in another order have the very same confidence and
    # stay in one bin.
    total = np.sort(np.exp(shifted), axis=-1).sum(axis=-1, keepdims=True)
    normalised: FloatArray = shifted - np.log(total)
    return normalised
