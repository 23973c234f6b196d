"""What a task itself is scored by, as ratios of sums over groups, so that whole groups can be resampled.

F1 is 2 TP / (predicted + gold): a ratio of sums too, whose interval lets the number of predictions vary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, as_floats
from bench.calibration.binning import sums_by
from bench.calibration.entities import has_entities
from bench.calibration.outcomes import Outcomes
from bench.calibration.validation import check_predictions
from bench.calibration.views import gold_tags, predicted_tags
from bench.predictions import Predictions
from bench.scores.entities import EntityCounts, count_entities
from bench.statistics.bootstrap import draws
from bench.statistics.intervals import Estimate, percentile

REPLICATES = 2000


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """A score: the sum of `numerator` over the sum of `denominator`, (G,) each, by group; `groups` are sorted ids."""

    name: str
    title: str
    numerator: FloatArray
    denominator: FloatArray
    groups: npt.NDArray[np.str_]

    @property
    def value(self) -> float:
        """The score, in [0, 1]; nan where there is nothing to be scored."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else math.nan

    def estimate(self, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
        """Return the value with the percentile interval of the group bootstrap (bench.statistics.bootstrap).

        Groups that add nothing to either sum are not drawn: they could only change how often the others are. The limits
        are nan for fewer than 2 groups, and where a replicate has nothing to be scored.
        """
        counted = (self.numerator != 0) | (self.denominator != 0)
        if counted.sum() < 2:
            return Estimate(self.value, math.nan, math.nan)
        drawn = draws(self.groups[counted], replicates, seed)
        above, below = drawn @ self.numerator[counted], drawn @ self.denominator[counted]
        if not below.all():
            return Estimate(self.value, math.nan, math.nan)
        return Estimate(self.value, *percentile(self.value, above / below))


def task_scores(predictions: Predictions) -> dict[str, Tally]:
    """Return the scores of a task of this kind by name, the first one first.

    sentence_pair, multiple_choice: accuracy. tagging: entity_f1 and accuracy where tags mark entities, else accuracy
    and chunk_f1; words that were cut off are wrong, and O. span: f1, em. retrieval: accuracy among all sentences and
    accuracy_reverse, from the other language. mining: f1, precision, recall. Tied answers are right in one of m cases.
    Raises BadInput for unusable predictions.
    """
    check_predictions(predictions)
    return {tally.name: tally for tally in _SCORES[predictions.kind](predictions)}


def _items(predictions: Predictions) -> list[Tally]:
    return [_mean("accuracy", "Accuracy", Outcomes.from_predictions(predictions).correct, predictions)]


def _tags(predictions: Predictions) -> list[Tally]:
    outcomes = Outcomes.from_predictions(predictions)
    accuracy = _mean("accuracy", "Accuracy of words", outcomes.correct, predictions)
    counts = count_entities(predicted_tags(predictions), gold_tags(predictions), predictions.columns["sentence"])
    if has_entities(predictions.metadata["labels"]):
        return [_f1("entity_f1", "F1 of entities", counts, predictions), accuracy]
    return [accuracy, _f1("chunk_f1", "F1 of chunks by seqeval's rules, which XTREME prints", counts, predictions)]


def _answers(predictions: Predictions) -> list[Tally]:
    f1, em = (as_floats(predictions.columns[name])[:, 0] for name in ("f1", "em"))
    return [_mean("f1", "F1 of the best answer", f1, predictions), _mean("em", "Exact match", em, predictions)]


def _queries(predictions: Predictions) -> list[Tally]:
    found = Outcomes.from_predictions(predictions, "among_all").correct
    reverse = as_floats(predictions.columns["reverse"])
    return [
        _mean("accuracy", "Accuracy among all sentences", found, predictions),
        _mean("accuracy_reverse", "Accuracy from the language to the pivot", reverse, predictions),
    ]


def _sentences(predictions: Predictions) -> list[Tally]:
    mined, gold, hit = (as_floats(predictions.columns[name]) for name in ("mined", "gold", "hit"))
    return [
        _ratio("f1", "F1 of mined pairs", 2 * hit, mined + gold, predictions),
        _ratio("precision", "Precision of mined pairs", hit, mined, predictions),
        _ratio("recall", "Recall of mined pairs", hit, gold, predictions),
    ]


_SCORES: dict[str, Callable[[Predictions], list[Tally]]] = {
    "sentence_pair": _items,
    "multiple_choice": _items,
    "tagging": _tags,
    "span": _answers,
    "retrieval": _queries,
    "mining": _sentences,
}


def _f1(name: str, title: str, counts: EntityCounts, predictions: Predictions) -> Tally:
    return _ratio(name, title, as_floats(2 * counts.right), as_floats(counts.predicted + counts.gold), predictions)


def _mean(name: str, title: str, values: FloatArray, predictions: Predictions) -> Tally:
    return _ratio(name, title, values, np.ones(len(predictions)), predictions)


def _ratio(name: str, title: str, above: FloatArray, below: FloatArray, predictions: Predictions) -> Tally:
    groups, index = np.unique(predictions.group_ids, return_inverse=True)
    numerator, denominator = (sums_by(index, len(groups), each) for each in (above, below))
    return Tally(name, title, numerator, denominator, groups)
