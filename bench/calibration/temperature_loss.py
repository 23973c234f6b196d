"""Calibration loss: how much of the NLL one temperature would have saved, on groups it was not fitted on."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, at, log_softmax
from bench.calibration.calibrators.calibration_map import finite_logs, weighted
from bench.calibration.calibrators.temperature import fit_temperature
from bench.calibration.means import item_nll
from bench.calibration.metric import SampleMetric
from bench.calibration.outcomes import Outcomes

FOLDS = 5


def temperature_loss(outcomes: Outcomes, weights: FloatArray | None = None) -> float:
    """Return the mean NLL minus the mean NLL after the best temperature, cross-fitted, in nats.

    The part of the calibration loss (Kull and Flach 2015) that a temperature (Guo et al. 2017) removes, which accuracy
    as such does not enter. Groups are dealt to five folds, or to as many as there are groups; each fold is scored with
    the temperature fitted on the others. Under perfect calibration it is a little below 0 on average, by what one
    estimated parameter costs: about 1 / (2 m) nats if m independent items are fitted on. nan for fewer than 2 groups,
    inf where the NLL is. `weights` (n,) are frequencies; with weight 0 an item is not there, nor is its group.
    """
    used, frequencies = weighted(outcomes, weights)
    names, index = used.groups
    if len(names) < 2:
        return math.nan
    folds = _folds(names)[index]
    logits = finite_logs(used.log_probabilities)
    temperatures = np.empty(folds.max() + 1)
    for fold in range(len(temperatures)):
        others = folds != fold
        temperatures[fold] = fit_temperature(logits[others], used.labels[others], frequencies[others]).value
    after = log_softmax(logits / temperatures[folds][:, None])
    return float(np.average(item_nll(used) + at(after, used.labels), weights=frequencies))


def _folds(names: npt.NDArray[np.str_]) -> IntArray:
    """Return the fold of each group: dealt in the order of a hash, so that folds are equal but for one group.

    They depend on which groups there are, and on nothing else.
    """
    digests = [hashlib.sha256(name.encode()).digest() for name in names.tolist()]
    folds = np.empty(len(names), np.intp)
    folds[sorted(range(len(names)), key=digests.__getitem__)] = np.arange(len(names)) % FOLDS
    return folds


TEMPERATURE_LOSS = SampleMetric(
    name="ts_loss",
    title="Calibration loss by best temperature, cross-fitted (nats)",
    symbol="TSL",
    better="lower",
    low=-math.inf,
    high=math.inf,
    needs="probabilities",
    defined=lambda outcomes: len(outcomes.groups[0]) >= 2,
    function=temperature_loss,
)
