"""What is calibrated: how sure each prediction was, and if it was right. The one place where input is validated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, as_array, at, log_of, log_softmax
from bench.calibration.validation import (
    check_distributions,
    check_items,
    check_labels,
    check_lengths,
    check_predictions,
    sum_tolerance,
)
from bench.calibration.views import View, view_of, views
from bench.errors import BadInput
from bench.predictions import Predictions


# One set of outcomes equals itself alone: what it holds are arrays.
@dataclass(frozen=True, eq=False)
class Outcomes:
    """Confidence and correctness of n predictions over K classes.

    probabilities, log_probabilities: (n, K) float64; labels: (n,) intp; top: (n, K) float64, 1/m for each of the m
    classes that share the highest logit and 0 elsewhere; item_ids, group_ids: (n,) str; posterior: (n, K) float64,
    P(label | meaning), or None where no world states it. Where no answer was given (a word that was cut off) `top` is 0
    in every class, which is wrong.

    event: the classes are "wrong" and "right", and what is held with some confidence is that an answer is right:
    `top` is [0, 1] whatever the probabilities are, and stays so under every calibrator.
    """

    probabilities: FloatArray
    log_probabilities: FloatArray
    labels: IntArray
    top: FloatArray
    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]
    posterior: FloatArray | None = None
    event: bool = False

    @classmethod
    def from_predictions(cls, predictions: Predictions, view: str = "") -> Outcomes:
        """Return the outcomes of a `view` of `predictions` (bench.calibration.views), the first one for "".

        K comes from the logits. Raises BadInput when they are not usable, or nothing in them is of this view.
        """
        found = outcomes_of(predictions, view)
        if found is None:
            raise BadInput(
                f"Got {len(predictions)} {predictions.kind} predictions with nothing in the view "
                f"{view or views(predictions)[0]!r}, but a score needs at least 1; leave this view out."
            )
        return found

    @classmethod
    def from_logits(cls, logits: Any, labels: Any, *, item_ids: Any = None, group_ids: Any = None) -> Outcomes:
        """Return the outcomes of `logits` (n, K) and `labels` (n,): arrays, lists or torch tensors of any float type.

        Without `item_ids` items are numbered, without `group_ids` every item is a group. Raises BadInput as
        `from_predictions` does.
        """
        logits = as_array(logits)
        items = _ids(item_ids, len(logits) if logits.ndim else 0)
        groups = items if group_ids is None else _ids(group_ids, len(items))
        return cls.from_predictions(Predictions(items, groups, as_array(labels), logits))

    @classmethod
    def from_probabilities(
        cls, probabilities: Any, labels: Any, *, item_ids: Any = None, group_ids: Any = None
    ) -> Outcomes:
        """Return the outcomes of `probabilities` (n, K), which may hold 0 and 1, and `labels` (n,); see `from_logits`.

        Raises BadInput for rows that are not finite, negative somewhere, or do not sum to 1 within what their type can
        hold (1e-6 for float64, 4e-3 for float16).
        """
        given = as_array(probabilities)
        tolerance = sum_tolerance(probabilities)
        values = given.astype(np.float64)
        items = _ids(item_ids, len(values) if values.ndim else 0)
        groups = items if group_ids is None else _ids(group_ids, len(items))
        check_lengths(np.shape(values), {"labels": labels, "item_ids": items, "group_ids": groups})
        check_distributions("probabilities", "divide each row by its sum", values, items, tolerance)
        # Within what its type can hold a sum of 1 may have an entry above 1.
        values = np.minimum(values, 1.0)
        check_labels(as_array(labels), values.shape[1], items)
        check_items(items)
        return cls(
            probabilities=values,
            log_probabilities=log_of(values),
            labels=as_array(labels).astype(np.intp),
            top=answers(values),
            item_ids=items,
            group_ids=groups,
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """K: how many classes there are, whether or not the labels name them all."""
        return int(self.probabilities.shape[1])

    @cached_property
    def groups(self) -> tuple[npt.NDArray[np.str_], IntArray]:
        """The distinct group ids in sorted order, (G,), and for every item its place among them, (n,)."""
        names, index = np.unique(self.group_ids, return_inverse=True)
        return names, index.astype(np.intp)

    @cached_property
    def confidence(self) -> FloatArray:
        """(n,): the probability given to the answer, in [1/K, 1], of an event in [0, 1]."""
        given: FloatArray = self.probabilities[:, 1] if self.event else self.probabilities.max(axis=1)
        return given

    @cached_property
    def correct(self) -> FloatArray:
        """(n,): 1 where the predicted answer is the label; among m tied answers, the chance 1/m of picking it."""
        return at(self.top, self.labels)

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
            event=self.event,
        )

    def with_log_probabilities(self, log_probabilities: FloatArray) -> Outcomes:
        """Return the same answers held with other probabilities; for maps that keep the order of the classes."""
        return replace(self, log_probabilities=log_probabilities, probabilities=np.exp(log_probabilities))

    def with_new_answers(self, log_probabilities: FloatArray) -> Outcomes:
        """Return outcomes with other probabilities, (n, K), and with the answers that these give.

        That an answer is right stays what an event says, and where no answer was given there is none.
        """
        changed = self.with_log_probabilities(log_probabilities)
        if self.event:
            return changed
        return replace(changed, top=answers(log_probabilities) * (self.top > 0).any(axis=1, keepdims=True))


def outcomes_of(predictions: Predictions, view: str = "") -> Outcomes | None:
    """Return the outcomes of a `view` of `predictions`, None where nothing in them is of it; raises BadInput.

    A model may predict no entity at all, or mine no pair.
    """
    check_predictions(predictions)
    found = view_of(predictions, view)
    return _read(found) if len(found.labels) else None


def answers(scores: FloatArray) -> FloatArray:
    """Return (n, K): 1/m for each of the m classes that share the highest of `scores` (n, K), 0 elsewhere."""
    highest = scores == scores.max(axis=1, keepdims=True)
    shares: FloatArray = highest / highest.sum(axis=1, keepdims=True)
    return shares


def _read(view: View) -> Outcomes:
    log_probabilities = log_softmax(view.logits)
    top = np.array([0.0, 1.0]) if view.event else answers(view.logits)
    return Outcomes(
        probabilities=np.exp(log_probabilities),
        log_probabilities=log_probabilities,
        labels=view.labels,
        top=top * view.answered[:, None],
        item_ids=view.item_ids,
        group_ids=view.group_ids,
        posterior=view.posterior,
        event=view.event,
    )


def _ids(given: Any, n: int) -> npt.NDArray[np.str_]:
    return np.arange(n).astype(np.str_) if given is None else np.asarray(given).astype(np.str_)
