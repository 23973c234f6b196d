"""Wrong labels look like over-confidence: how many of them would explain a gap.

A share r of the items of a language has a label drawn evenly from the K - 1 wrong classes. A model that is right on a
share a of sound labels is then counted right on a' = a (1 - r) + (1 - a) r / (K - 1).
"""

from __future__ import annotations

import math

from bench.errors import BadInput


def sound_accuracy(measured: float, rate: float, classes: int) -> float:
    """Return the accuracy on sound labels of a model whose accuracy is `measured` where a share `rate` is wrong.

    Raises BadInput for a rate outside [0, (K - 1) / K), beyond which labels say less than nothing.
    """
    if not 0 <= rate < (classes - 1) / classes:
        raise BadInput(f"Got rate={rate}, but a rate of wrong labels lies in [0, {(classes - 1) / classes:.3f}).")
    spilt = rate / (classes - 1)
    return (measured - spilt) / (1 - rate - spilt)


def explaining_rate(measured: float, expected: float, classes: int) -> float:
    """Return the rate of wrong labels at which a true accuracy of `expected` is measured as `measured`.

    0 where there is nothing to explain (measured >= expected); nan where no rate explains it: `expected` is at chance
    or less, or above 1.
    """
    if measured >= expected:
        return 0.0
    chance = 1 / classes
    if not chance < expected <= 1:
        return math.nan
    rate = (expected - measured) / (expected - (1 - expected) / (classes - 1))
    return rate if rate < (classes - 1) / classes else math.nan
