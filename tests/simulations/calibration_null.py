"""What tests and estimators do under perfect calibration: uniform p-values, a squared error of mean 0, floors."""

from dataclasses import dataclass

import numpy as np

from bench.calibration.binned import (
    MASS,
    debiased_l1,
    ece,
    expected_calibration_error,
    root_debiased_l2,
    squared_debiased_l2,
)
from bench.calibration.binning import bin_sums
from bench.calibration.consistency import consistency
from bench.calibration.kernel import skce_blocked_test, skce_test
from bench.calibration.kolmogorov_smirnov import ks_error
from bench.calibration.metrics import METRICS
from bench.calibration.smooth import smooth_ece
from bench.statistics.permutation import permutation_test
from tests.simulations.populations import NO_EFFECT, Condition, calibrated, confidences, draw

CONSISTENCY = ("ece15", "l2sq15", "cwece15", "tlece15", "ece_sweep")
ITEMS = 150
DRAWS = 199
SIZES = (100, 350, 1190, 5010)
# Two conditions that are equally too sure: the names of the sides mean nothing, the answers differ.
EQUAL = (Condition(1.5, 1.4), Condition(1.5, 1.4))


@dataclass(frozen=True)
class PValues:
    """How far p-values are from uniform ones, and the share of them at most .05."""

    test: str
    distance: float
    share: float


def p_values(simulations, n=ITEMS, draws=DRAWS, seed=0):
    """Return for each test how its p-values are distributed where what it tests is true."""
    found = {}
    for turn in range(simulations):
        for test, p in _p_values(n, draws, [seed, turn]).items():
            found.setdefault(test, []).append(p)
    return [PValues(test, _distance(np.array(p)), float(np.mean(np.array(p) <= 0.05))) for test, p in found.items()]


def _p_values(n, draws, key):
    generator = np.random.default_rng(key)
    outcomes = calibrated(n, generator)
    found = {
        f"consistency, {name}": each.p
        for name, each in consistency(outcomes, [METRICS[name] for name in CONSISTENCY], draws, key[-1]).items()
    }
    found["skce_test"] = skce_test(outcomes.probabilities, outcomes.labels, draws, key[-1]).p
    found["skce_blocked_test"] = skce_blocked_test(outcomes.probabilities, outcomes.labels).p
    [[first, second]] = draw(EQUAL, n // 3, 1, NO_EFFECT, generator)
    for name, each in permutation_test(first, second, draws, key[-1], ["gap", "ece15"]).items():
        found[f"permutation, {name}"] = each.p
    return found


def _distance(p):
    """Return the Kolmogorov distance of the (n,) values `p` from the uniform distribution."""
    ordered, n = np.sort(p), len(p)
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))


@dataclass(frozen=True)
class Floor:
    """An estimator under perfect calibration: its mean, the standard error of that, and its 95th percentile."""

    n: int
    estimator: str
    mean: float
    error: float
    high: float


def floors(simulations, sizes=SIZES, seed=0):
    """Return the floors of the estimators for confidences 1/3 + 2/3 Beta(5, 1.5), drawn anew in every simulation."""
    found = []
    for n in sizes:
        made = [_estimates(n, np.random.default_rng([seed, n, turn])) for turn in range(simulations)]
        for name in made[0]:
            values = np.array([each[name] for each in made])
            error = float(values.std(ddof=1) / np.sqrt(simulations))
            found.append(Floor(n, name, float(values.mean()), error, float(np.quantile(values, 0.95))))
    return found


def _estimates(n, generator):
    confidence = confidences(n, generator)
    correct = (generator.random(n) < confidence).astype(float)
    index = MASS.assign(confidence, np.ones(n))
    sums = bin_sums(index, MASS.bins, confidence, correct)
    return {
        "l2sq15": float(squared_debiased_l2(sums)),
        "expected l2sq15": expected_squared_l2(index, confidence),
        "l2_15": float(root_debiased_l2(sums)),
        "ece10": expected_calibration_error(confidence, correct, 10),
        "ece15": expected_calibration_error(confidence, correct),
        "ece15_mass": float(ece(sums)),
        "l1db15": float(debiased_l1(sums)),
        "smece": smooth_ece(confidence, correct),
        "ks": ks_error(confidence, correct),
    }


def expected_squared_l2(index, confidence):
    """Return the mean of the squared debiased L2 error over labels drawn from these confidences.

    The estimator takes off accuracy (1 - accuracy) / (n_b - 1), the variance of n_b equal chances. The chances in a bin
    differ a little, which makes the variance smaller than that: by their own variance over n_b - 1.
    """
    count = np.bincount(index)
    means = np.bincount(index, confidence) / np.maximum(count, 1)
    spread = np.bincount(index, (confidence - means[index]) ** 2)
    return -float((spread / np.maximum(count - 1, 1)).sum() / len(index))
