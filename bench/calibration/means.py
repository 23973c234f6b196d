"""Metrics that are the mean of one value an item: accuracy, confidence, their gap, and the proper scores."""

from __future__ import annotations

import numpy as np

from bench.calibration.arrays import FloatArray, at
from bench.calibration.metric import MeanMetric
from bench.calibration.outcomes import Outcomes


def item_nll(outcomes: Outcomes) -> FloatArray:
    """Return the (n,) negative log probabilities of the labels, in nats; inf where a label had probability 0."""
    # 0 - 0 is 0 where -0 would be "-0".
    return 0.0 - at(outcomes.log_probabilities, outcomes.labels)


def item_brier(outcomes: Outcomes) -> FloatArray:
    """Return the (n,) Brier scores in their sum form, sum over k of (p_k - [k = label])^2, in [0, 2] (Brier 1950)."""
    squares: FloatArray = (outcomes.probabilities**2).sum(axis=1)
    return squares - 2 * at(outcomes.probabilities, outcomes.labels) + 1


def item_true_error(outcomes: Outcomes) -> FloatArray:
    """Return the (n,) distances |P(correct | meaning) - confidence|. Raises BadInput where no posterior is known.

    Their mean is the calibration error and what the chance of being right differs among items with equal confidence.
    """
    return np.abs(outcomes.posterior_correct - outcomes.confidence)


ACCURACY = MeanMetric(
    name="accuracy",
    title="Accuracy",
    symbol="acc",
    better="higher",
    low=0.0,
    high=1.0,
    items=lambda outcomes: outcomes.correct,
)
CONFIDENCE = MeanMetric(
    name="confidence",
    title="Mean confidence",
    symbol="conf",
    better="",
    low=0.0,
    high=1.0,
    items=lambda outcomes: outcomes.confidence,
)
GAP = MeanMetric(
    name="gap",
    title="Signed gap (mean confidence - accuracy)",
    symbol="g",
    better="zero",
    low=-1.0,
    high=1.0,
    items=lambda outcomes: outcomes.confidence - outcomes.correct,
)
NLL = MeanMetric(
    name="nll",
    title="Negative log likelihood (nats)",
    symbol="NLL",
    better="lower",
    low=0.0,
    high=float("inf"),
    needs="probabilities",
    items=item_nll,
)
BRIER = MeanMetric(
    name="brier",
    title="Brier score (sum form)",
    symbol="BS",
    better="lower",
    low=0.0,
    high=2.0,
    needs="probabilities",
    items=item_brier,
)
TRUE_ERROR = MeanMetric(
    name="true_error",
    title="Error meaning by meaning, E|P(correct | meaning) - confidence|: grouping loss included",
    symbol="TCE",
    better="lower",
    low=0.0,
    high=1.0,
    needs="posterior",
    items=item_true_error,
)
