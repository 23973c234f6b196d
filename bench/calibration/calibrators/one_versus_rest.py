"""From one chance for each class, each estimated against the rest, to a distribution over the classes."""

from __future__ import annotations

import numpy as np

from bench.calibration.arrays import FloatArray


def log_distribution(chances: FloatArray, items: float) -> FloatArray:
    """Return (n, K) log probabilities: `chances` (n, K) in [0, 1] divided by their sum, mixed with equal chances.

    A row of zeros becomes equal chances. `items`, the size of the fit set, sets the weight of the mixture with 1/K,
    1 / (items + 1): a set of n items cannot tell a chance far below 1/n from 0, and a chance of 0 would cost infinitely
    much when it comes true.
    """
    classes = chances.shape[1]
    # Summed in order of size, as in log_softmax: equal rows stay equal whatever the order of their classes.
    total = np.sort(chances, axis=1).sum(axis=1, keepdims=True)
    shares = np.divide(chances, total, out=np.full_like(chances, 1 / classes), where=total > 0)
    equal = 1 / (items + 1)
    logs: FloatArray = np.log((1 - equal) * shares + equal / classes)
    return logs
