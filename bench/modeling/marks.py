"""What token rows are marked with: where words begin and end in them, or which characters their tokens show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Marks:
    """Pairs of numbers for each of n token rows, and one pair of the row itself.

    pairs: (m, 2) int64; offsets: (n + 1,) int64, row i has pairs[offsets[i] : offsets[i + 1]]; rows: (n, 2) int64. What
    the numbers mean is for who made the rows.
    """

    pairs: Ints
    offsets: Ints
    rows: Ints

    def of_row(self, row: int) -> list[tuple[int, int]]:
        """Return the pairs of one row."""
        first, last = self.pairs[self.offsets[row] : self.offsets[row + 1]].T.tolist()
        return list(zip(first, last, strict=True))


def marks_of(pairs: Sequence[Pairs], rows: Pairs | None = None) -> Marks:
    """Return the marks of rows given as lists: their pairs, and what is said of each row (None: nothing, 0 and 0)."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in pairs])]).astype(np.int64)
    flat = np.array([pair for row in pairs for pair in row], dtype=np.int64).reshape(-1, 2)
    own = np.zeros((len(pairs), 2), np.int64) if rows is None else np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Marks(flat, offsets, own)
