"""What predictions must be to be scored; every message names what is wrong, the item, and the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, as_floats
from bench.errors import BadInput
from bench.predictions import COLUMNS, Predictions

# Distributions in float64 are sums of a few products; anything further from 1 is another mistake.
_SUM_TOLERANCE = 1e-6
# Where columns say what is right, and labels say nothing.
_UNLABELLED = ("span", "mining")
# What has a row of several numbers for each item; the rest has one.
_WIDE = ("em", "f1", "everything")


def check_predictions(predictions: Predictions) -> None:
    """Raise BadInput unless `predictions` have one shape, finite logits, labels among K classes, distinct items.

    They must have the columns of their kind too (bench.predictions.COLUMNS), in the shapes and ranges stated there.
    """
    _check_shapes(predictions)
    _check_columns(predictions)
    _check_values(predictions)
    _check_kind(predictions)


def sum_tolerance(probabilities: Any) -> float:
    """Return how far from 1 the sum of a row may be, given the float type that `probabilities` were stored in."""
    dtype = getattr(probabilities, "dtype", np.dtype(np.float64))
    name = dtype.name if isinstance(dtype, np.dtype) else str(dtype).rpartition(".")[2]
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
        if np.ndim(column) != 1:
            raise BadInput(f"Got {name} of shape {np.shape(column)}, but they must be of shape ({shape[0]},).")
        if len(column) != shape[0]:
            raise BadInput(f"Got {len(column)} {name} for {shape[0]} rows of {what}; predict this split again.")


def _check_columns(predictions: Predictions) -> None:
    if predictions.kind not in COLUMNS:
        raise BadInput(f"Got kind={predictions.kind!r}, but there are: {', '.join(COLUMNS)}.")
    for name in COLUMNS[predictions.kind]:
        if name not in predictions.columns:
            raise BadInput(f"Got {predictions.kind} predictions without {name!r}, which they need; predict again.")
        found, n = np.shape(predictions.columns[name]), len(predictions)
        if len(found) != (2 if name in _WIDE else 1) or found[0] != n:
            wanted = f"({n}, candidates)" if name in _WIDE else f"({n},)"
            raise BadInput(f"Got {name} of shape {found} for {n} {predictions.kind} predictions, but it is {wanted}.")


def _check_kind(predictions: Predictions) -> None:
    columns, classes = predictions.columns, np.shape(predictions.logits)[1]
    if predictions.kind == "tagging":
        _check_tags(predictions)
    elif predictions.kind == "span":
        _check_candidates(predictions)
    elif predictions.kind == "mining" and classes != 2:
        raise BadInput(f"Got logits of {classes} classes for mined pairs, but a pair is wrong or right; give two.")
    elif predictions.kind == "retrieval":
        everything = np.asarray(columns["everything"])
        if not np.isfinite(everything).all():
            raise BadInput("Got cosines with everything that are not finite; embed this split again.")
        check_labels(np.asarray(columns["place"]), everything.shape[1], predictions.item_ids)


def _check_tags(predictions: Predictions) -> None:
    names, classes = predictions.metadata.get("labels", ()), np.shape(predictions.logits)[1]
    if len(names) != classes:
        raise BadInput(f"Got {len(names)} label names for {classes} tags; state one each in metadata['labels'].")
    sentence = np.asarray(predictions.columns["sentence"])
    if (sentence[1:] != sentence[:-1]).sum() + 1 != len(np.unique(sentence)):
        raise BadInput("Got a sentence whose words are not beside each other; keep the order in which they stand.")


def _check_candidates(predictions: Predictions) -> None:
    shape = np.shape(predictions.logits)
    for name in ("em", "f1"):
        credits = np.asarray(predictions.columns[name])
        if credits.shape != shape:
            raise BadInput(f"Got {name} of shape {credits.shape} for logits of shape {shape}; make them equal.")
        # Not a number fails the comparison.
        bad = np.asarray(~((credits >= 0) & (credits <= 1)).all(axis=1))
        if bad.any():
            raise BadInput(
                f"Got {name} outside [0, 1] for {_name(predictions.item_ids, bad)}; divide percentages by 100."
            )
    rising = np.asarray((np.diff(np.asarray(predictions.logits), axis=1) > 0).any(axis=1))
    if rising.any():
        raise BadInput(
            f"Got candidates out of order for {_name(predictions.item_ids, rising)}, but the best one comes first; "
            "sort them by their logits."
        )


def _check_values(predictions: Predictions) -> None:
    bad = np.asarray(~np.isfinite(predictions.logits).all(axis=1))
    if bad.any():
        raise BadInput(
            f"Got logits {np.asarray(predictions.logits[bad.argmax()]).tolist()} for "
            f"{_name(predictions.item_ids, bad)}, but logits are finite; train again with a lower learning rate or in "
            "float32."
        )
    if predictions.kind not in _UNLABELLED:
        check_labels(np.asarray(predictions.labels), np.shape(predictions.logits)[1], predictions.item_ids)
    check_items(predictions.item_ids)
    if predictions.posterior is not None:
        posterior = np.asarray(predictions.posterior)
        check_distributions("posterior", "make the split again", posterior, predictions.item_ids, _SUM_TOLERANCE)


def check_weights(weights: FloatArray, n: int) -> None:
    """Raise BadInput unless `weights` are one finite number >= 0 for each of `n` items, and not all 0."""
    if weights.shape != (n,):
        raise BadInput(f"Got weights of shape {weights.shape} for {n} items; pass one frequency an item.")
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        raise BadInput(f"Got weight {weights[bad][0]}, but frequencies are finite and not negative; count copies.")
    if not weights.any():
        raise BadInput(f"Got weights that are 0 for all {n} items, but one must count; give one at least a weight.")


def check_pairs(confidence: FloatArray, correct: FloatArray, weights: FloatArray | None = None) -> None:
    """Raise BadInput unless `confidence` and `correct` are (n,), n >= 1, in [0, 1], and `weights` fit them."""
    if confidence.ndim != 1 or confidence.shape != correct.shape or not len(confidence):
        raise BadInput(
            f"Got confidence of shape {confidence.shape} and correct of shape {correct.shape}, but they are (n,) with "
            "one entry an item and at least 1 item."
        )
    for name, values in (("confidence", confidence), ("correct", correct)):
        # Not a number fails the comparison.
        if not (values.min() >= 0 and values.max() <= 1 + _SUM_TOLERANCE):
            odd = values[~((values >= 0) & (values <= 1 + _SUM_TOLERANCE))][0]
            raise BadInput(f"Got {name} {odd}, but it is in [0, 1]; divide percentages by 100, drop what is missing.")
    if weights is not None:
        check_weights(weights, len(confidence))


def scored_arrays(confidence: Any, correct: Any, weights: Any = None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return confidence, correct and weights (1 if none are given) as valid float64 (n,); raises as `check_pairs`."""
    sure, right = as_floats(confidence), as_floats(correct)
    weight = np.ones_like(sure) if weights is None else as_floats(weights)
    check_pairs(sure, right, weight)
    return sure, right, weight


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
