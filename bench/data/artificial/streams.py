"""Draws that stay the same over library versions: Philox raw integers keyed by a sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 512
_SCALE = 1 << 64


def hash_fraction(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the spelling of `parts` alone."""
    raw = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(raw[:6], "big") / (1 << 48)


class Stream:
    """An endless sequence of draws named by `parts`; equal parts give equal draws on every machine.

    Only `Philox.random_raw` is used: numpy promises its bit stream, while the samplers of Generator may change.
    """

    def __init__(self, *parts: object) -> None:
        key = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:16]
        self._bits = np.random.Philox(key=int.from_bytes(key, "big"))
        self._block: list[int] = []

    def _raw(self) -> int:
        if not self._block:
            self._block = self._bits.random_raw(_BLOCK).tolist()
        return self._block.pop()

    def below(self, n: int) -> int:
        """Return an integer in [0, n); its bias is below n / 2**64."""
        return (self._raw() * n) >> 64

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self._raw() < probability * _SCALE

    def choice(self, items: Sequence[T]) -> T:
        """Return one of `items`, each as likely as another."""
        return items[self.below(len(items))]

    def weighted(self, weights: Sequence[int]) -> int:
        """Return an index, drawn in proportion to integer `weights`."""
        cumulated = list(accumulate(weights))
        point = self.below(cumulated[-1])
        return next(index for index, edge in enumerate(cumulated) if point < edge)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return `items` in a random order (Fisher-Yates)."""
        out = list(items)
        for last in range(len(out) - 1, 0, -1):
            other = self.below(last + 1)
            out[last], out[other] = out[other], out[last]
        return out
