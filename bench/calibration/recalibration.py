"""Fitting a calibrator on one set of outcomes and scoring it on another, never on the same groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.calibration.outcomes import Outcomes
from bench.calibration.temperature import Temperature, fit_temperature
from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A temperature, the outcomes it was fitted on, and the groups no scored item may belong to."""

    temperature: Temperature
    fitted_on: Outcomes

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` recalibrated; raises BadInput when they share a group with the fit set."""
        check_disjoint(self.fitted_on, outcomes)
        return self.temperature.apply(outcomes)


def recalibrate(calibrate: Outcomes) -> Recalibration:
    """Fit a temperature on `calibrate`."""
    return Recalibration(fit_temperature(calibrate.log_probabilities, calibrate.labels), calibrate)


def check_disjoint(fit: Outcomes, score: Outcomes) -> None:
    """Raise BadInput when a group of `fit` occurs in `score`: a calibrator is not scored on what it was fitted on."""
    shared = np.intersect1d(fit.group_ids, score.group_ids)
    if len(shared):
        raise BadInput(
            f"Got {len(shared)} group(s) in both the fit and the score set, such as {str(shared[0])!r}, but a "
            "calibrator is scored on other groups than it was fitted on; split by group_id before fitting."
        )
