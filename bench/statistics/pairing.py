"""How a language is compared with the source: item by item where the data are parallel, else as far as they are."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from bench.calibration.outcomes import Outcomes
from bench.statistics.contrasts import Resampled, difference, estimates, info, unpaired_difference
from bench.statistics.intervals import Estimate
from bench.statistics.items import check_paired, items_of

# "items": both sides hold the same; "common": the source's other items are left out; "groups": other items in the same
# groups, such as the words of a translated sentence; "none": other data, drawn independently of each other.
Pairing: TypeAlias = Literal["items", "common", "groups", "none"]


def pairing(target: Outcomes, source: Outcomes, by_group: bool = False) -> Pairing:
    """Return how `target` and `source` can be compared.

    `by_group`: items are units within groups, and which of them there are depends on language and model, so an id on
    both sides means nothing unless all are the same. Groups that agree in part are then not paired, which leaves out
    what they share: intervals are a little too wide. Raises BadInput for items of which the source lacks some, but not
    all: a limit that was not the same on both sides.
    """
    if np.array_equal(np.sort(target.item_ids), np.sort(source.item_ids)):
        return "items"
    if by_group:
        return "groups" if np.array_equal(target.groups[0], source.groups[0]) else "none"
    known = np.isin(target.item_ids, source.item_ids)
    if known.all():
        return "common"
    if known.any():
        check_paired(items_of(target), items_of(source))
    return "none"


def comparable(target: Outcomes, source: Outcomes, how: Pairing) -> Outcomes:
    """Return the part of `source` that `target` is compared with: the common items for "common", else all."""
    return source if how != "common" else source.take(np.flatnonzero(np.isin(source.item_ids, target.item_ids)))


def transfer_estimates(target: Resampled, source: Resampled, how: Pairing) -> dict[str, Estimate]:
    """Return the estimates of `target` minus `source`, where `source` is the `comparable` part; raises BadInput."""
    if how == "none":
        return estimates(unpaired_difference(target, source))
    return difference(target, source) if how != "groups" else estimates(_by_group(target, source))


def _by_group(first: Resampled, second: Resampled) -> Resampled:
    """Return `first` minus `second`: replicate b takes the same groups of both, whatever items these hold."""
    names = [name for name in first.values if name in second.values and info(name).contrast]
    return Resampled(
        members=first.members + second.members,
        coefficients=(1.0, -1.0),
        values={name: first.values[name] - second.values[name] for name in names},
        replicates={name: first.replicates[name] - second.replicates[name] for name in names},
        groups=first.groups,
        seed=first.seed,
    )
