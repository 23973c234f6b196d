"""What predictions must be to be scored; every message names what is wrong, the item, and the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BadInput
from bench.predictions import Predictions

# Distributions in float64 are sums of a few products; anything further from 1 is another mistake.
_SUM_TOLERANCE = 1e-6


def check_predictions(predictions: Predictions) -> None:
    """Raise BadInput unless `predictions` have one shape, finite logits, labels among K classes, distinct items."""
    _check_shapes(predictions)
    _check_values(predictions)


def sum_tolerance(probabilities: Any) -> float:
    """Return how far from 1 the sum of a row may be, given the float type that `probabilities` were stored in."""
    name = str(getattr(probabilities, "dtype", "float64")).rpartition(".")[2]
    # Each entry is rounded by at most half an epsilon of its own size, so the sum by half an epsilon; twice for slack.
    epsilon = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}.get(name, 0.0)
    return max(_SUM_TOLERANCE, 4 * epsilon)


def _check_shapes(predictions: Predictions) -> None:
    shape = np.shape(predictions.logits)
    check_lengths(shape, {name: getattr(predictions, name) for name in ("labels", "item_ids", "group_ids")}, "logits")
    if predictions.posterior is not None and np.shape(predictions.posterior) != shape:
        raise BadInput(
            f"Got a posterior of shape {np.shape(predictions.posterior)} for logits of shape {shape}; make them equal."
        )


def check_lengths(shape: tuple[int, ...], columns: dict[str, Any], what: str = "probabilities") -> None:
    """Raise BadInput unless `shape` is (n, K), n >= 1 and K >= 2, and every column has n entries."""
    if len(shape) != 2 or shape[1] < 2:
        raise BadInput(f"Got {what} of shape {shape}, but a prediction needs (items, classes) with at least 2 classes.")
    if shape[0] == 0:
        raise BadInput("Got 0 predictions, but a score needs at least 1; raise the evaluation limit.")
    for name, column in columns.items():
        if len(column) != shape[0]:
            raise BadInput(f"Got {len(column)} {name} for {shape[0]} rows of {what}; predict this split again.")


def _check_values(predictions: Predictions) -> None:
    bad = np.asarray(~np.isfinite(predictions.logits).all(axis=1))
    if bad.any():
        raise BadInput(
            f"Got logits {np.asarray(predictions.logits[bad.argmax()]).tolist()} for "
            f"{_name(predictions.item_ids, bad)}, but logits are finite; train again with a lower learning rate or in "
            "float32."
        )
    check_labels(np.asarray(predictions.labels), np.shape(predictions.logits)[1], predictions.item_ids)
    check_items(predictions.item_ids)
    if predictions.posterior is not None:
        posterior = np.asarray(predictions.posterior)
        check_distributions("posterior", "make the split again", posterior, predictions.item_ids, _SUM_TOLERANCE)


def check_labels(labels: npt.NDArray[Any], classes: int, item_ids: npt.NDArray[np.str_]) -> None:
    """Raise BadInput unless `labels` (n,) are integers from 0 to `classes` - 1."""
    if labels.dtype.kind not in "iu":
        raise BadInput(f"Got labels of type {labels.dtype}, but labels are class indices; cast them to int64.")
    bad = np.asarray((labels < 0) | (labels >= classes))
    if bad.any():
        raise BadInput(
            f"Got label {labels[bad.argmax()]} for {_name(item_ids, bad)}, but for {classes} classes labels are "
            f"0 to {classes - 1}; drop unlabelled items or fix the task's label names."
        )


def check_items(item_ids: npt.NDArray[np.str_]) -> None:
    """Raise BadInput when an item occurs twice."""
    items, counts = np.unique(item_ids, return_counts=True)
    if len(items) != len(item_ids):
        raise BadInput(
            f"Got item_id {str(items[counts > 1][0])!r} {counts.max()} times, but an item is predicted once; "
            "score one language and split at a time."
        )


def check_distributions(
    what: str, remedy: str, values: npt.NDArray[Any], item_ids: npt.NDArray[np.str_], tolerance: float
) -> None:
    """Raise BadInput, saying `what` they are, unless the rows of `values` (n, K) are non-negative and sum to 1."""
    bad = ~((values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= tolerance))
    if bad.any():
        raise BadInput(
            f"Got {what} {values[bad.argmax()].tolist()} for {_name(item_ids, bad)}, "
            f"but a distribution is non-negative and sums to 1; {remedy}."
        )


def _name(item_ids: npt.NDArray[np.str_], bad: npt.NDArray[Any]) -> str:
    return f"item {str(item_ids[bad.argmax()])!r}"
