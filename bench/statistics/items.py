"""Which items conditions were scored on, and whether two of them can be compared item by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The names of n items and of the groups that they are in: (n,) str each."""

    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]


def items_of(outcomes: Outcomes) -> Items:
    """Return the items of `outcomes`, without what is held of them: thousands of replicates are kept at once."""
    return Items(outcomes.item_ids, outcomes.group_ids)


def check_paired(first: Items, second: Items) -> None:
    """Raise BadInput unless both hold the same items in the same groups, in whatever order."""
    # Mostly both are of one file, and sorting names takes longer than comparing them.
    if _equal(first.item_ids, second.item_ids) and _equal(first.group_ids, second.group_ids):
        return
    order, other = np.argsort(first.item_ids), np.argsort(second.item_ids)
    if not np.array_equal(first.item_ids[order], second.item_ids[other]):
        odd = np.setxor1d(first.item_ids, second.item_ids)
        raise BadInput(
            f"Got {len(odd)} item(s) on one side of a paired contrast only, such as {str(odd[0])!r}; "
            "score both conditions on the same items, with the same limit."
        )
    differing = first.group_ids[order] != second.group_ids[other]
    if differing.any():
        item = str(first.item_ids[order][differing.argmax()])
        raise BadInput(f"Got item {item!r} in different groups on the two sides of a contrast; groups must agree.")


def _equal(first: npt.NDArray[np.str_], second: npt.NDArray[np.str_]) -> bool:
    return first is second or np.array_equal(first, second)
