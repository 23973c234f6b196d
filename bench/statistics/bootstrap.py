"""The premise-clustered bootstrap: how often each group is drawn."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.errors import BadInput
from bench.stream import integers, philox

# Rows drawn at once: few enough for their integers to stay in a cache.
_ROWS = 50


def draws(group_ids: npt.NDArray[np.str_], replicates: int, seed: int) -> FloatArray:
    """Return how often each distinct group, in sorted order, is drawn: (replicates, groups), rows sum to the groups.

    A function of the set of groups, `replicates` and `seed` alone: languages, arms, sizes and seeds that were measured
    on the same groups get the same draw, and sets with other groups an independent one. Fewer replicates are the first
    of more. Read-only. Raises BadInput for fewer than two replicates.
    """
    if replicates < 2:
        raise BadInput(f"Got replicates={replicates}, but an interval needs at least 2, better 2000.")
    return _draws(tuple(np.unique(group_ids).tolist()), replicates, seed)


# A study scores hundreds of rows on the same test groups; two sets are test and calibration groups.
@lru_cache(maxsize=2)
def _draws(groups: tuple[str, ...], replicates: int, seed: int) -> FloatArray:
    size = len(groups)
    stream = philox("bootstrap", seed, list(groups))
    counts = np.empty((replicates, size))
    for start in range(0, replicates, _ROWS):
        rows = min(_ROWS, replicates - start)
        chosen = integers(stream, (rows, size), size) + np.arange(rows)[:, None] * size
        counts[start : start + rows] = np.bincount(chosen.reshape(-1), minlength=rows * size).reshape(rows, size)
    counts.flags.writeable = False
    return counts
