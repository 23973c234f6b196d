"""Which conditions of a baseline were measured again, which were not, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Membership:
    """Conditions by id. `missing` maps to the reason; `deselected` are those the user's own selection left out."""

    missing: Mapping[str, str]
    deselected: tuple[str, ...]
    new: tuple[str, ...]


def membership(
    baseline: Iterable[str],
    scored: Collection[str],
    unscored: Mapping[str, str],
    selected: Collection[str],
    grid: Collection[str],
) -> Membership:
    """Sort out the ids of a baseline.

    `scored` have rows in this session; `unscored` maps those that have none to their status and reason; `selected` are
    left after -k and -m; `grid` is what there would be without them, nor options that narrow an axis. A condition that
    is not in the grid was renamed or removed, and that is missing too.
    """
    known = sorted(set(baseline))
    missing, deselected = {}, []
    for one in known:
        if one in scored:
            continue
        if one in unscored:
            missing[one] = unscored[one]
        elif one in selected:
            missing[one] = "not run: the session ended before it"
        elif one in grid:
            deselected.append(one)
        else:
            missing[one] = "no such condition in this grid: renamed, removed, or of another --grid, --seeds or --worlds"
    return Membership(missing, tuple(deselected), tuple(sorted(set(scored) - set(known))))
