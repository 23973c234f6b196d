"""Seeded synthetic predictions whose calibration is known."""

import numpy as np

from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions


def make_predictions(
    n=60, seed=0, *, scale=2.0, temperature=1.0, classes=3, group_size=3, split="test", language="en", posterior=False
):
    """Labels are drawn from softmax(logits / temperature): 1 is calibrated, more is over-confident."""
    generator = np.random.default_rng([seed, n])
    logits = (generator.normal(size=(n, classes)) * scale).astype(np.float32)
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    truth = powers / powers.sum(axis=1, keepdims=True)
    labels = (truth.cumsum(axis=1)[:, :-1] < generator.random((n, 1))).sum(axis=1)
    return Predictions(
        item_ids=np.array([f"{split}-{row}" for row in range(n)]),
        group_ids=np.array([f"{split}-{row // group_size}" for row in range(n)]),
        labels=labels.astype(np.int64),
        logits=logits,
        posterior=truth if posterior else None,
        metadata={"language": language, "split": split},
    )


def make_outcomes(n=60, seed=0, **options):
    return Outcomes.from_predictions(make_predictions(n, seed, **options))


def from_logits(logits, labels, posterior=None):
    """One group an item."""
    rows = len(labels)
    names = np.array([f"i{row}" for row in range(rows)])
    stated = None if posterior is None else np.array(posterior, dtype=np.float64)
    return Predictions(names, names, np.array(labels), np.array(logits, dtype=np.float32), stated)
