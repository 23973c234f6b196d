"""How far the fitted temperature is from the optimum in seven cases where common implementations miss it."""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from bench.calibration.calibrators.temperature import HIGHEST, LOWEST, fit_temperature

# Factor of the logits, items, and which labels: drawn from the unscaled logits, or the class ranked last or first.
CASES = {
    "calibrated": (1, 2000, "drawn"),
    "over-confident x8": (8, 2000, "drawn"),
    "over-confident x50": (50, 2000, "drawn"),
    "under-confident x0.1": (0.1, 2000, "drawn"),
    "20 items, x8": (8, 20, "drawn"),
    "anti-correlated": (1, 500, "last"),
    "separable": (1, 500, "first"),
}
# Every grid spans two steps of the one before: the last has steps of 1e-8 in log T.
POINTS, GRIDS = 201, 5


@dataclass(frozen=True)
class Optimum:
    """Fitted and best temperature, and by how much the fitted one's NLL is larger (nats; negative: smaller)."""

    case: str
    items: int
    fitted: float
    best: float
    gap: float


def temperatures(seed=0):
    """Return the gap to the optimum within the bounds, found by brute force, in each case."""
    return [_optimum(case, *how, seed) for case, how in CASES.items()]


def _optimum(case, factor, items, labelled, seed):
    generator = np.random.default_rng([seed, items])
    logits = 1.5 * generator.normal(size=(items, 3))
    thresholds = softmax(logits, axis=1).cumsum(axis=1)[:, :-1]
    labels = {
        "drawn": (thresholds < generator.random((items, 1))).sum(axis=1),
        "last": logits.argmin(axis=1),
        "first": logits.argmax(axis=1),
    }[labelled]
    found = fit_temperature(factor * logits, labels)
    best, nll = _brute_force(factor * logits, labels)
    return Optimum(case, items, found.value, best, _nll(factor * logits, labels, found.value) - nll)


def _brute_force(logits, labels):
    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(GRIDS):
        grid = np.linspace(low, high, POINTS)
        values = [_nll(logits, labels, np.exp(point)) for point in grid]
        place = int(np.argmin(values))
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, POINTS - 1)]
    return float(np.exp(grid[place])), min(values)


def _nll(logits, labels, temperature):
    return -float(log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean())
