"""Estimators of the calibration error against the truth: where P(correct | confidence) is known, and in the worlds."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta

from bench.calibration.consistency import consistency
from bench.calibration.metrics import METRICS
from tests.simulations.populations import confidences, crossing, too_sure, with_confidence

ERRORS = (0.0, 0.02, 0.05, 0.1)
# The crossing curve cannot be 10 points off everywhere and still rise.
CROSSING = (0.02, 0.05)
SIZES = (500, 1670, 5010)
ESTIMATORS = ("ece15", "ece15_mass", "ece_sweep", "smece", "ks", "l1db15", "l2_15")
FLOOR_DRAWS = 99
# The midpoints of a fine grid of quantiles stand for the distribution of confidences.
_QUANTILES = 1 / 3 + 2 / 3 * beta.ppf((np.arange(20_000) + 0.5) / 20_000, 5, 1.5)


@dataclass(frozen=True)
class Estimator:
    """Bias and root mean squared error of an estimator, and what it is compared with: the truth in its own norm."""

    curve: str
    n: int
    error: float
    estimator: str
    truth: float
    bias: float
    rmse: float


def estimators(simulations, sizes=SIZES, errors=ERRORS, crossing_errors=CROSSING, seed=0):
    """Return bias and RMSE of each estimator for each curve, true error E|P(correct | confidence) - confidence| and n.

    The root of the debiased L2 error is compared with the root of E(P(correct | confidence) - confidence)^2.
    """
    found = []
    for curve, error in [("too sure", each) for each in errors] + [("crossing", each) for each in crossing_errors]:
        chance = curve_of(curve, error)
        distance = chance(_QUANTILES) - _QUANTILES
        truths = {name: float(np.abs(distance).mean()) for name in (*ESTIMATORS, "excess")}
        truths["l2_15"] = float(np.sqrt((distance**2).mean()))
        for n in sizes:
            made = [_estimates(n, chance, [seed, n, turn]) for turn in range(simulations)]
            for name, right in truths.items():
                off = np.array([each[name] for each in made]) - right
                rmse = float(np.sqrt((off**2).mean()))
                found.append(Estimator(curve, n, error, name, right, float(off.mean()), rmse))
    return found


def curve_of(curve, error):
    """Return P(correct | confidence), a function, whose mean distance from the confidence is `error`."""
    family, most = (too_sure, 20.0) if curve == "too sure" else (crossing, 1.0)
    least = 1.0 if curve == "too sure" else 0.0

    def excess(parameter):
        return float(np.abs(family(_QUANTILES, parameter) - _QUANTILES).mean()) - error

    parameter = brentq(excess, least, most) if error else least
    return lambda confidence: family(confidence, parameter)


def _estimates(n, chance, key):
    generator = np.random.default_rng(key)
    confidence = confidences(n, generator)
    outcomes = with_confidence(confidence, generator.random(n) < chance(confidence))
    found = {name: METRICS[name].value(outcomes) for name in ESTIMATORS}
    excess = consistency(outcomes, [METRICS["ece15"]], FLOOR_DRAWS, key[-1])["ece15"].excess
    return found | {"excess": excess}
