"""What is calibrated in each kind of task: the units of a view, how sure each was, and what would be right.

Tagging conditions on the predicted tag, never on the gold one: among words that are entities, or not, in truth, every
model looks miscalibrated. Confidence of an entity is the product of its words' probabilities, with the minimum beside
it; of a question it is the share of the best answer among the 20 best, their windows normalised together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray, as_floats, log_softmax
from bench.calibration.entities import OUTSIDE, Entity, entities_of_sentences, has_entities
from bench.errors import BadInput
from bench.predictions import Predictions

_VIEWS: dict[str, tuple[str, ...]] = {
    "sentence_pair": ("item",),
    "multiple_choice": ("item",),
    "tagging": ("word",),
    "span": ("em", "f1_half"),
    "retrieval": ("among_300", "among_all"),
    "mining": ("pair",),
}
_ENTITY_VIEWS = ("word", "non_o", "entity", "entity_min")


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The units of a view, perhaps none.

    logits: (n, K) finite float64; labels: (n,); answered: (n,) bool, False where no answer was given, which is wrong;
    item_ids, group_ids: (n,) str; posterior: (n, K) or None. Where `event`, the classes are "wrong" and "right", and
    the answer is always "right": its probability is the confidence.
    """

    logits: FloatArray
    labels: IntArray
    answered: npt.NDArray[np.bool_]
    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]
    posterior: FloatArray | None = None
    event: bool = False


def views(predictions: Predictions) -> tuple[str, ...]:
    """Return the names of the views on predictions of this kind, the first one first.

    "item"; "word", and for tags that mark entities "non_o" (words with a predicted tag other than O), "entity" and
    "entity_min"; "em" and "f1_half" (an F1 of a half or more is right); "among_300" and "among_all"; "pair".
    """
    if predictions.kind == "tagging" and has_entities(_names(predictions)):
        return _ENTITY_VIEWS
    return _VIEWS[predictions.kind]


def view_of(predictions: Predictions, name: str = "") -> View:
    """Return the view `name` of valid `predictions`, the first one for ""; raises BadInput where there is none such."""
    known = views(predictions)
    name = name or known[0]
    if name not in known:
        raise BadInput(f"Got view={name!r}, but {predictions.kind} predictions have: {', '.join(known)}.")
    if predictions.kind == "span":
        return _answers(predictions, name)
    if predictions.kind == "mining":
        return _pairs(predictions)
    if name == "among_all":
        return _among_all(predictions)
    if name == "non_o":
        return _taken(
            _items(predictions), np.array([tag != OUTSIDE for tag in predicted_tags(predictions)], dtype=bool)
        )
    return _entities(predictions, name) if name in ("entity", "entity_min") else _items(predictions)


def predicted_tags(predictions: Predictions) -> list[str]:
    """Return the (n,) most probable tags of words, the first of equals; O for words that were cut off."""
    names, lost = _names(predictions), predictions.columns["lost"]
    best = np.asarray(predictions.logits).argmax(axis=1)
    return [OUTSIDE if gone else names[tag] for tag, gone in zip(best.tolist(), lost.tolist(), strict=True)]


def gold_tags(predictions: Predictions) -> list[str]:
    """Return the (n,) gold tags of words."""
    names = _names(predictions)
    return [names[tag] for tag in predictions.labels.tolist()]


def _names(predictions: Predictions) -> Sequence[str]:
    names: Sequence[str] = predictions.metadata["labels"]
    return names


def _items(predictions: Predictions) -> View:
    lost = predictions.columns.get("lost", np.zeros(len(predictions)))
    return View(
        logits=as_floats(predictions.logits),
        labels=np.asarray(predictions.labels).astype(np.intp),
        answered=~np.asarray(lost, dtype=bool),
        item_ids=np.asarray(predictions.item_ids),
        group_ids=np.asarray(predictions.group_ids),
        posterior=None if predictions.posterior is None else np.asarray(predictions.posterior, dtype=np.float64),
    )


def _among_all(predictions: Predictions) -> View:
    items = _items(predictions)
    logits, place = as_floats(predictions.columns["everything"]), predictions.columns["place"]
    return View(logits, np.asarray(place).astype(np.intp), items.answered, items.item_ids, items.group_ids)


def _taken(view: View, rows: npt.NDArray[np.bool_]) -> View:
    return View(
        view.logits[rows],
        view.labels[rows],
        view.answered[rows],
        view.item_ids[rows],
        view.group_ids[rows],
        None if view.posterior is None else view.posterior[rows],
        view.event,
    )


def _answers(predictions: Predictions, name: str) -> View:
    """Return the best answers to questions; right where they match exactly ("em"), or have an F1 of a half or more."""
    em, f1 = (np.asarray(predictions.columns[credit])[:, 0] for credit in ("em", "f1"))
    logs = log_softmax(as_floats(predictions.logits))
    rest = np.logaddexp.reduce(logs[:, 1:], axis=1)
    right = em > 0 if name == "em" else f1 >= 0.5
    return _events(np.stack([rest, logs[:, 0]], axis=1), right, predictions.item_ids, predictions.group_ids)


def _pairs(predictions: Predictions) -> View:
    mined = np.asarray(predictions.columns["mined"], dtype=bool)
    return _events(
        as_floats(predictions.logits)[mined],
        np.asarray(predictions.columns["hit"], dtype=bool)[mined],
        predictions.item_ids[mined],
        predictions.group_ids[mined],
    )


def _entities(predictions: Predictions, name: str) -> View:
    """Return the predicted entities, in the order of their last words; right where type and both ends are gold ones."""
    tags = predicted_tags(predictions), gold_tags(predictions)
    found, gold = (entities_of_sentences(each, predictions.columns["sentence"]) for each in tags)
    ordered = sorted(found, key=lambda entity: entity[2])
    of_word = _log_highest(as_floats(predictions.logits))
    join = np.sum if name == "entity" else np.min
    logs = np.array([join(of_word[start : last + 1]) for _, start, last in ordered], dtype=np.float64)
    first = np.array([start for _, start, _ in ordered], dtype=np.intp)
    return _events(
        np.stack([_log_rest(logs), logs], axis=1),
        np.array([entity in gold for entity in ordered], dtype=bool),
        np.array(_entity_ids(predictions.item_ids, ordered), dtype=np.str_),
        predictions.group_ids[first],
    )


def _entity_ids(item_ids: npt.NDArray[np.str_], ordered: Sequence[Entity]) -> list[str]:
    """Return "<sentence>:<first word>-<last word>"; the ids of words are "<sentence>:<word>"."""
    ids = []
    for _, start, last in ordered:
        name, _, word = str(item_ids[start]).rpartition(":")
        ids.append(f"{name}:{word}-{int(word) + last - start}")
    return ids


def _log_highest(logits: FloatArray) -> FloatArray:
    """Return the (n,) log probabilities of the highest logits, exact also where the probability rounds to 1."""
    ascending = np.sort(logits, axis=1)
    others: FloatArray = np.exp(ascending[:, :-1] - ascending[:, -1:]).sum(axis=1)
    return -np.log1p(others)


def _log_rest(logs: FloatArray) -> FloatArray:
    """Return ln(1 - c) for `logs` (n,) = ln c; finite, so that certainty that was wrong has a large but finite cost."""
    rest: FloatArray = np.log(np.maximum(-np.expm1(logs), np.finfo(np.float64).tiny))
    return rest


def _events(
    logits: FloatArray,
    right: npt.NDArray[np.bool_],
    item_ids: npt.NDArray[np.str_],
    group_ids: npt.NDArray[np.str_],
) -> View:
    answered = np.ones(len(right), dtype=bool)
    return View(logits, right.astype(np.intp), answered, item_ids, group_ids, None, event=True)
