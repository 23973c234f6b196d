"""Fitting a calibrator on one set of outcomes and scoring it on another, never on the same items or groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.calibrators.calibration_map import CalibrationMap
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration_name import RecalibrationName
from bench.errors import BadInput


# One recalibration equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class Recalibration:
    """A fitted map, its name, and the outcomes it was fitted on, whose items and groups may not be scored."""

    map: CalibrationMap
    name: RecalibrationName
    fitted_on: Outcomes

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` recalibrated.

        Raises BadInput when they share a group or an item with the fit set, or have another number of classes.
        """
        check_disjoint(self.fitted_on, outcomes)
        if outcomes.classes != self.fitted_on.classes:
            raise BadInput(
                f"Got outcomes with {outcomes.classes} classes, but {self.name} was fitted on "
                f"{self.fitted_on.classes}; fit it on the same task."
            )
        return self.map.apply(outcomes)


def recalibrate(fit: Outcomes, token: str = "ts", where: str = "en") -> Recalibration:
    """Fit the calibrator `token` on `fit`, which is from `where` (see `RecalibrationName`); raises BadInput."""
    name = RecalibrationName(token, where)
    return Recalibration(CALIBRATORS[token].fit(fit), name, fit)


def check_disjoint(fit: Outcomes, score: Outcomes) -> None:
    """Raise BadInput when a group or an item of `fit` occurs in `score`: nothing is scored that a map was fitted on."""
    for kind, first, second in (
        ("group", fit.group_ids, score.group_ids),
        ("item", fit.item_ids, score.item_ids),
    ):
        shared = np.intersect1d(first, second)
        if len(shared):
            raise BadInput(
                f"Got {len(shared)} {kind}(s) in both the fit and the score set, such as {str(shared[0])!r}, but a "
                f"calibrator is scored on other {kind}s than it was fitted on; split by group_id before fitting, or "
                "give sets of different items ids of their own: without ids rows are numbered."
            )
