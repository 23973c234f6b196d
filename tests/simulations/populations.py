"""Predictions whose true calibration is known in closed form."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, softmax

from bench.calibration.binned import MASS, WIDTH, ece, squared_debiased_l2
from bench.calibration.binning import BinSums
from bench.calibration.outcomes import Outcomes

CLASSES = 3
MEAN_CONFIDENCE = 1 / 3 + 2 / 3 * 5 / 6.5
GROUP_SIZE = 3
# Noise of an item that its premise, the item in all conditions, and the condition alone account for.
SHARES = {"premise": 0.4, "item": 0.3, "condition": 0.3}
# Standard deviation over premises of the log strength of the evidence: some premises are easy in every condition.
DIFFICULTY = 0.3
# Variance that one training run adds to the noise, and how much of what a seed does it does to all conditions alike.
RUN_NOISE = 0.4
SEED_SHARED = 0.4


@dataclass(frozen=True)
class Condition:
    """strength: how far apart the classes are; heat: the temperature that calibrates its logits (above 1: too sure)."""

    strength: float
    heat: float


@dataclass(frozen=True)
class SeedEffect:
    """Standard deviations over seeds of the log of the run's own noise, and of the log of the heat."""

    noise: float
    heat: float


NO_EFFECT = SeedEffect(0.0, 0.0)


def draw(conditions, groups, seeds, effect, generator):
    """Return outcomes[seed][condition] of the same items, `groups` premises of 3 items with labels drawn apart.

    Label y and premise strength s give the evidence s e_y plus normal noise of variance 1 (a part of the premise, of
    the item, of the condition) plus that of the run. The logits are `heat` times those of the exact posterior.
    """
    n = groups * GROUP_SIZE
    premise = np.repeat(np.arange(groups), GROUP_SIZE)
    easy = np.exp(DIFFICULTY * generator.normal(size=groups))[premise]
    labels = generator.integers(CLASSES, size=n)
    shared = np.sqrt(SHARES["premise"]) * generator.normal(size=(groups, CLASSES))[premise]
    shared += np.sqrt(SHARES["item"]) * generator.normal(size=(n, CLASSES))
    own = np.sqrt(SHARES["condition"]) * generator.normal(size=(len(conditions), n, CLASSES))
    scores = seed_scores(seeds, len(conditions), generator)
    ids = {"item_ids": np.arange(n).astype(str), "group_ids": premise.astype(str)}
    return [
        [
            Outcomes.from_logits(
                _logits(condition, easy, labels, shared + own[place], effect, score[:, place], generator), labels, **ids
            )
            for place, condition in enumerate(conditions)
        ]
        for score in scores
    ]


def seed_scores(seeds, conditions, generator):
    """Return (seeds, 2, conditions) standard normal scores, correlated between conditions."""
    alike = generator.normal(size=(seeds, 2, 1))
    alone = generator.normal(size=(seeds, 2, conditions))
    return np.sqrt(SEED_SHARED) * alike + np.sqrt(1 - SEED_SHARED) * alone


def _logits(condition, easy, labels, noise, effect, score, generator):
    extra = RUN_NOISE * np.exp(effect.noise * score[0])
    heat = condition.heat * np.exp(effect.heat * score[1])
    strength = (condition.strength * easy)[:, None]
    evidence = strength * np.eye(CLASSES)[labels] + noise + np.sqrt(extra) * generator.normal(size=noise.shape)
    return heat * strength * evidence / (1 + extra)


def truth(condition, effect, size=200_000, seed=0):
    """Return what the metrics of `condition` come to with endless items, on average over seeds.

    Gauss-Hermite nodes stand for the seeds; at each, `size` items are drawn and their labels' probabilities are used in
    place of labels.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(5 if effect != NO_EFFECT else 1)
    weights = weights / weights.sum()
    total = {}
    for first, by_noise in zip(nodes, weights, strict=True):
        for second, by_heat in zip(nodes, weights, strict=True):
            for name, value in _at_seed(condition, effect, (first, second), size, seed).items():
                total[name] = total.get(name, 0.0) + by_noise * by_heat * value
    return total


def _at_seed(condition, effect, score, size, seed):
    generator = np.random.default_rng([seed, size])
    easy = np.exp(DIFFICULTY * generator.normal(size=size))
    labels, noise = generator.integers(CLASSES, size=size), generator.normal(size=(size, CLASSES))
    logits = _logits(condition, easy, labels, noise, effect, score, generator)
    given = softmax(logits, axis=1)
    posterior = softmax(logits / (condition.heat * np.exp(effect.heat * score[1])), axis=1)
    confidence, correct = given.max(axis=1), posterior.max(axis=1)
    return {
        "gap": (confidence - correct).mean(),
        "accuracy": correct.mean(),
        "nll": -(posterior * np.log(given)).sum(axis=1).mean(),
        "brier": ((given**2).sum(axis=1) - 2 * (posterior * given).sum(axis=1) + 1).mean(),
        "l2sq15": float(squared_debiased_l2(_sums(MASS, confidence, correct))),
        "ece15": float(ece(_sums(WIDTH, confidence, correct))),
    }


def _sums(binning, confidence, correct):
    index = binning.assign(confidence, np.ones_like(confidence))
    columns = (np.ones_like(confidence), confidence, correct)
    return BinSums(*(np.bincount(index, column, binning.bins) for column in columns))


def confidences(n, generator):
    """Return (n,) confidences as facts of the field have them: 1/3 + 2/3 Beta(5, 1.5)."""
    return 1 / 3 + 2 / 3 * generator.beta(5, 1.5, size=n)


def calibrated(n, generator):
    """Return n outcomes of three classes whose labels are drawn from their probabilities, which are continuous."""
    logits = 1.5 * generator.normal(size=(n, CLASSES))
    thresholds = softmax(logits, axis=1).cumsum(axis=1)[:, :-1]
    return Outcomes.from_logits(logits, (thresholds < generator.random((n, 1))).sum(axis=1))


def with_confidence(confidence, correct):
    """Return outcomes over three classes: class 0 is answered with `confidence`, the others share the rest."""
    rest = (1 - confidence) / 2
    probabilities = np.stack([confidence, rest, rest], axis=1)
    return Outcomes.from_probabilities(probabilities, np.where(correct > 0, 0, 1))


def too_sure(confidence, heat):
    """Return P(correct | confidence) where the log odds are `heat` times too large."""
    return expit(logit(confidence) / heat)


def crossing(confidence, share):
    """Return P(correct | confidence) where `share` of the distance from the mean is not real: no gap, only errors."""
    return MEAN_CONFIDENCE + (1 - share) * (confidence - MEAN_CONFIDENCE)
