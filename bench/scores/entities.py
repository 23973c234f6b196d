"""How many entities are right: the sums that the F1 of seqeval (Nakayama 2018) is made of, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import IntArray
from bench.calibration.entities import Entity, entities_of_sentences


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class EntityCounts:
    """How many entities are right, predicted and in the gold, (words,) each; an entity counts at its last word."""

    right: IntArray
    predicted: IntArray
    gold: IntArray

    @property
    def f1(self) -> float:
        """2 right / (predicted + gold), 0 where there is none of either."""
        total = int(self.predicted.sum() + self.gold.sum())
        return 2 * int(self.right.sum()) / total if total else 0.0


def count_entities(predicted: Sequence[str], gold: Sequence[str], sentence: npt.ArrayLike) -> EntityCounts:
    """Return the counts of entities by word; an entity is right where its type and both ends are.

    predicted, gold: (words,) tags; sentence: (words,) which one each word is in; words of one are beside each other.
    """
    first, second = (entities_of_sentences(tags, sentence) for tags in (predicted, gold))
    return EntityCounts(*(_by_word(found, len(gold)) for found in (first & second, first, second)))


def _by_word(found: set[Entity], words: int) -> IntArray:
    return np.bincount(np.array([last for _, _, last in found], dtype=np.intp), minlength=words).astype(np.intp)
