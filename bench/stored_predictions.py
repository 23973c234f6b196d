"""The stored predictions that rows were scored from, for reports that need more than rows hold."""

from __future__ import annotations

from collections.abc import Callable

from bench.engine import read_entry
from bench.predictions import Predictions
from bench.store import Store


def stored_predictions(store: Store) -> Callable[[str], Predictions | None]:
    """Return what reads the predictions of a key, None where the store does not have them."""

    def read(key: str) -> Predictions | None:
        entry = store.find("predictions", key, hashed=True)
        return None if entry is None else read_entry(entry)

    return read
