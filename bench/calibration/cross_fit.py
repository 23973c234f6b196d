"""Temperatures for tasks without a calibration half: fitted on a stated pair of languages, fold by fold.

Retrieval trains on nothing, so no dev set of the source exists. Five folds of the pivot pair (German and English, say)
give five temperatures; an item is scaled by the one that its own fold had no part in, in whatever language it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import IntArray, log_softmax
from bench.calibration.calibrators import temperature
from bench.calibration.calibrators.calibration_map import finite_logs
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput

FOLDS = 5


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """Recalibrated `outcomes`, the temperature of each fold, and how many items of the pivot pair there were."""

    outcomes: Outcomes
    temperatures: tuple[float, ...]
    items: int


def cross_fit(outcomes: Outcomes, pivot: Outcomes) -> CrossFit:
    """Return `outcomes` with fold f divided by the temperature fitted on `pivot` without fold f.

    The fold of an item is that of its group, a function of the group's id alone: no group is scaled by a temperature
    that it was fitted on in any language. The numbers of classes, here candidates, may differ. Raises BadInput where a
    fold leaves no item of the pivot to fit on.
    """
    own, others = folds(outcomes.group_ids), folds(pivot.group_ids)
    found = tuple(_without(pivot, others != fold, fold) for fold in range(FOLDS))
    scaled = finite_logs(outcomes.log_probabilities) / np.array(found)[own][:, None]
    return CrossFit(outcomes.with_log_probabilities(log_softmax(scaled)), found, len(pivot))


def folds(group_ids: npt.NDArray[np.str_]) -> IntArray:
    """Return the (n,) folds of items, 0 to 4: sha256 of the group id, modulo 5."""
    names, index = np.unique(group_ids, return_inverse=True)
    of_group = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS for name in names.tolist()]
    return np.array(of_group, dtype=np.intp)[index]


def _without(pivot: Outcomes, kept: npt.NDArray[np.bool_], fold: int) -> float:
    if not kept.any():
        raise BadInput(
            f"Got a pivot pair whose {len(pivot)} items are all in fold {fold}, but a temperature is fitted on the "
            "other folds; take a pair with more groups."
        )
    return temperature.fit(pivot.take(np.flatnonzero(kept))).value
