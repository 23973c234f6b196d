"""What is calibrated: how sure each prediction was, and if it was right. The one place where input is validated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, log_softmax
from bench.errors import BadInput
from bench.predictions import Predictions

# Posteriors are stored as float64 sums of a few products; anything further from 1 is another mistake.
_POSTERIOR_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Confidence and correctness of n predictions over K classes.

    probabilities, log_probabilities: (n, K) float64; labels: (n,) intp; top: (n, K) float64, 1/m for each of the m
    classes that share the highest logit and 0 elsewhere; item_ids, group_ids: (n,) str; posterior: (n, K) float64,
    P(label | meaning), or None where no world states it.
    """

    probabilities: FloatArray
    log_probabilities: FloatArray
    labels: IntArray
    top: FloatArray
    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]
    posterior: FloatArray | None = None

    @classmethod
    def from_predictions(cls, predictions: Predictions) -> Outcomes:
        """Return the outcomes of `predictions`; raises BadInput when they are not usable. K comes from the logits."""
        _check_shapes(predictions)
        _check_values(predictions)
        logits = np.asarray(predictions.logits, dtype=np.float64)
        log_probabilities = log_softmax(logits)
        highest = logits == logits.max(axis=1, keepdims=True)
        return cls(
            probabilities=np.exp(log_probabilities),
            log_probabilities=log_probabilities,
            labels=np.asarray(predictions.labels).astype(np.intp),
            top=highest / highest.sum(axis=1, keepdims=True),
            item_ids=np.asarray(predictions.item_ids),
            group_ids=np.asarray(predictions.group_ids),
            posterior=None if predictions.posterior is None else np.asarray(predictions.posterior, dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def confidence(self) -> FloatArray:
        """(n,): the probability given to the predicted answer, in [1/K, 1]."""
        highest: FloatArray = self.probabilities.max(axis=1)
        return highest

    @property
    def correct(self) -> FloatArray:
        """(n,): 1 where the predicted answer is the label; among m tied answers, the chance 1/m of picking it."""
        return _at(self.top, self.labels)

    @property
    def posterior_correct(self) -> FloatArray:
        """(n,): P(correct | meaning). Raises BadInput where no posterior is known."""
        if self.posterior is None:
            raise BadInput("Got no posterior, but the true error needs one; only artificial worlds state it.")
        expected: FloatArray = (self.top * self.posterior).sum(axis=1)
        return expected

    def take(self, rows: IntArray) -> Outcomes:
        """Return the outcomes at `rows`, which may repeat."""
        return Outcomes(
            probabilities=self.probabilities[rows],
            log_probabilities=self.log_probabilities[rows],
            labels=self.labels[rows],
            top=self.top[rows],
            item_ids=self.item_ids[rows],
            group_ids=self.group_ids[rows],
            posterior=None if self.posterior is None else self.posterior[rows],
        )

    def with_log_probabilities(self, log_probabilities: FloatArray) -> Outcomes:
        """Return the same answers held with other probabilities; for maps that keep the order of the classes."""
        return replace(self, log_probabilities=log_probabilities, probabilities=np.exp(log_probabilities))


def item_nll(outcomes: Outcomes) -> FloatArray:
    """Return the (n,) negative log probabilities of the labels, in nats."""
    return -_at(outcomes.log_probabilities, outcomes.labels)


def item_brier(outcomes: Outcomes) -> FloatArray:
    """Return the (n,) Brier scores in their sum form, in [0, 2] (Brier 1950)."""
    squares: FloatArray = (outcomes.probabilities**2).sum(axis=1)
    return squares - 2 * _at(outcomes.probabilities, outcomes.labels) + 1


def _at(matrix: FloatArray, columns: IntArray) -> FloatArray:
    return matrix[np.arange(len(columns)), columns]


def _check_shapes(predictions: Predictions) -> None:
    shape = np.shape(predictions.logits)
    if len(shape) != 2 or shape[1] < 2:
        raise BadInput(f"Got logits of shape {shape}, but a prediction needs (items, classes) with at least 2 classes.")
    if shape[0] == 0:
        raise BadInput("Got 0 predictions, but a score needs at least 1; raise the evaluation limit.")
    for name in ("labels", "item_ids", "group_ids"):
        length = len(getattr(predictions, name))
        if length != shape[0]:
            raise BadInput(f"Got {length} {name} for {shape[0]} rows of logits; predict this split again.")
    if predictions.posterior is not None and np.shape(predictions.posterior) != shape:
        raise BadInput(
            f"Got a posterior of shape {np.shape(predictions.posterior)} for logits of shape {shape}; make them equal."
        )


def _check_values(predictions: Predictions) -> None:
    bad = np.asarray(~np.isfinite(predictions.logits).all(axis=1))
    if bad.any():
        raise BadInput(
            f"Got logits {np.asarray(predictions.logits[bad.argmax()]).tolist()} for {_name(predictions, bad)}, "
            "but logits are finite; train again with a lower learning rate or in float32."
        )
    _check_labels(predictions)
    _check_items(predictions)
    if predictions.posterior is not None:
        _check_posterior(predictions, np.asarray(predictions.posterior))


def _check_labels(predictions: Predictions) -> None:
    labels, classes = np.asarray(predictions.labels), np.shape(predictions.logits)[1]
    if labels.dtype.kind not in "iu":
        raise BadInput(f"Got labels of type {labels.dtype}, but labels are class indices; cast them to int64.")
    bad = np.asarray((labels < 0) | (labels >= classes))
    if bad.any():
        raise BadInput(
            f"Got label {labels[bad.argmax()]} for {_name(predictions, bad)}, but for {classes} classes labels are "
            f"0 to {classes - 1}; drop unlabelled items or fix the task's label names."
        )


def _check_items(predictions: Predictions) -> None:
    items, counts = np.unique(predictions.item_ids, return_counts=True)
    if len(items) != len(predictions.item_ids):
        raise BadInput(
            f"Got item_id {str(items[counts > 1][0])!r} {counts.max()} times, but an item is predicted once; "
            "score one language and split at a time."
        )


def _check_posterior(predictions: Predictions, posterior: npt.NDArray[Any]) -> None:
    bad = ~((posterior >= 0).all(axis=1) & (np.abs(posterior.sum(axis=1) - 1) <= _POSTERIOR_TOLERANCE))
    if bad.any():
        raise BadInput(
            f"Got posterior {posterior[bad.argmax()].tolist()} for {_name(predictions, bad)}, "
            "but a posterior is non-negative and sums to 1; make the split again."
        )


def _name(predictions: Predictions, bad: npt.NDArray[Any]) -> str:
    return f"item {str(predictions.item_ids[bad.argmax()])!r}"
