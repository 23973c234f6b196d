"""The same items under two conditions, brought into one order."""

from __future__ import annotations

import numpy as np

from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


def matched(first: Outcomes, second: Outcomes) -> Outcomes:
    """Return `second` in the order of the items of `first`.

    Raises BadInput unless both hold the same items, and each item has the same label in both.
    """
    order, other = np.argsort(first.item_ids), np.argsort(second.item_ids)
    if not np.array_equal(first.item_ids[order], second.item_ids[other]):
        odd = np.setxor1d(first.item_ids, second.item_ids)
        raise BadInput(
            f"Got {len(odd)} item(s) on one side of a comparison only, such as {str(odd[0])!r}; "
            "predict the same items on both sides, with the same limit."
        )
    rows = np.empty(len(first), np.intp)
    rows[order] = other
    found = second.take(rows)
    differing = first.labels != found.labels
    if differing.any():
        row = int(differing.argmax())
        raise BadInput(
            f"Got label {first.labels[row]} on one side and {found.labels[row]} on the other for item "
            f"{str(first.item_ids[row])!r}, but an item has one label; predict both from the same data."
        )
    return found
