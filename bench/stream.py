"""Seeded draws that stay the same under every version of numpy: raw Philox integers, turned into draws here.

The distributions of `numpy.random.Generator` may change between versions; the integers of a bit generator may not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.canonical import digest

# 53 bits are what a float64 in [0, 1) can hold.
UNIT_BITS = 53


def philox(*key: object) -> np.random.Philox:
    """Return a bit generator whose stream is a function of `key` (plain values, as `bench.canonical` takes them)."""
    return np.random.Philox(key=int(digest(list(key))[:32], 16))


def integers(stream: np.random.Philox, shape: tuple[int, ...], bound: int) -> npt.NDArray[np.intp]:
    """Draw uniform integers from 0 to `bound` - 1 (`bound` at most 2**32; the bias is below bound / 2**32)."""
    raw = stream.random_raw(int(np.prod(shape))).reshape(shape)
    return (((raw >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)).astype(np.intp)


def unit_integers(stream: np.random.Philox, shape: tuple[int, ...]) -> npt.NDArray[np.uint64]:
    """Draw uniform integers from 0 to 2**53 - 1; one is below p * 2**53 with probability p, exactly 1 for p = 1."""
    return stream.random_raw(int(np.prod(shape))).reshape(shape) >> np.uint64(64 - UNIT_BITS)
