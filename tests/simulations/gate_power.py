"""How often the gate calls a change worse: of a model that lost points in all languages, and of one that lost none."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.gate.compare import WORSE, compare
from bench.gate.measured import Measured

# As XNLI: fourteen languages that share their items, three arms of one model, of which every one loses as much.
LANGUAGES = tuple(f"l{place}" for place in range(14))
ITEMS = 5010
ARMS = ("none", "snli", "more")
ACCURACY = 0.75
# How far items differ in difficulty, how far a language changes that, and what a seed does to an item and to its
# translations: variances of a latent score that is 1 in all.
DIFFICULTY, LANGUAGE, SEED_ITEM, SEED_ITEM_LANGUAGE = 0.45, 0.25, 0.15, 0.15


@dataclass(frozen=True)
class Cell:
    """Of runs with `seeds` a side, a seed's mean over languages varying by `deviation` points and a loss of `loss`.

    `spread` is the standard deviation of that mean as it came out; `worse` the share of runs in which some arm is
    called worse, `arm` the share of arms.
    """

    seeds: int
    deviation: float
    loss: float
    spread: float
    worse: float
    arm: float


def power(simulations, seeds=(3, 5), deviations=(0.2, 0.4, 0.8), losses=(0.0, 1.0, 2.0, 3.0), seed=0):
    """Return a cell for each number of seeds, standard deviation between seeds and loss, the latter two in points."""
    return [
        _cell(simulations, count, deviation, loss, np.random.default_rng([seed, count, place]))
        for place, (count, deviation, loss) in enumerate(product(seeds, deviations, losses))
    ]


def _cell(simulations, seeds, deviation, loss, generator):
    verdicts, spreads = [], []
    for _ in range(simulations):
        old, new, spread = _run(seeds, deviation / 100, loss / 100, generator)
        verdicts.append([one.verdict("quality") == WORSE for one in compare(old, new)])
        spreads.append(spread)
    found = np.array(verdicts)
    return Cell(seeds, deviation, loss, 100 * np.mean(spreads), found.any(axis=1).mean(), found.mean())


def _run(seeds, deviation, loss, generator):
    """Return the conditions of both sides, and the standard deviation between the seeds of the first arm."""
    difficulty = np.sqrt(DIFFICULTY) * generator.standard_normal((1, ITEMS), dtype=np.float32)
    items = difficulty + np.sqrt(LANGUAGE) * generator.standard_normal((len(LANGUAGES), ITEMS), dtype=np.float32)
    sides, spread = [], 0.0
    for side, lost in enumerate((0.0, loss)):
        found = []
        for arm in ARMS:
            accuracy = np.array([_accuracy(items, deviation, lost, generator) for _ in range(seeds)])
            found += _measured(arm, accuracy, side)
            if side == 0 and arm == ARMS[0]:
                spread = accuracy.mean(axis=1).std(ddof=1)
        sides.append(found)
    return *sides, spread


def _accuracy(items, deviation, loss, generator):
    """Return the accuracy of one seed in every language."""
    own = np.sqrt(SEED_ITEM) * generator.standard_normal((1, ITEMS), dtype=np.float32)
    own = own + np.sqrt(SEED_ITEM_LANGUAGE) * generator.standard_normal(items.shape, dtype=np.float32)
    aimed = ACCURACY - loss + deviation * generator.standard_normal()
    return (items + own < _score_at(aimed)).mean(axis=1)


def _score_at(accuracy):
    from scipy.special import ndtri

    return np.float32(ndtri(accuracy))


def _measured(arm, accuracy, side):
    return [
        Measured(
            f"model-{arm}-xnli-{language}-s{seed}", "study", f"recipe {side} {seed}", language, "", "here", "test",
            ITEMS, "accuracy", {"score": (float(value), None)}, {}, {}, "",
        )
        for seed, values in enumerate(accuracy)
        for language, value in zip(LANGUAGES, values, strict=True)
    ]  # fmt: skip
