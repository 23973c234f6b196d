"""The stored predictions that rows were scored from, for reports that need more than rows hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bench.engine import read_entry
from bench.predictions import Predictions
from bench.store import Store

_Names = dict[tuple[str, bytes], npt.NDArray[np.str_]]


def stored_predictions(store: Store) -> Callable[[str], Predictions | None]:
    """Return what reads the predictions of a key, None where the store does not have them.

    Equal names of items or groups are one and the same array in all that it returns: they are most of the memory.
    """
    names: _Names = {}

    def read(key: str) -> Predictions | None:
        entry = store.find("predictions", key, hashed=True)
        if entry is None:
            return None
        found = read_entry(entry)
        return replace(found, item_ids=_shared(found.item_ids, names), group_ids=_shared(found.group_ids, names))

    return read


def _shared(own: npt.NDArray[np.str_], names: _Names) -> npt.NDArray[np.str_]:
    return names.setdefault((own.dtype.str, own.tobytes()), own)
