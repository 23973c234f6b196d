"""What an answer that looks at nothing gets: the majority, or chance, in the first score of each kind of task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.entities import OUTSIDE, has_entities
from bench.errors import BadInput
from bench.scores.answers import Rule, f1
from bench.scores.entities import count_entities
from bench.stream import integers, philox

DRAWS = 20
# Drawn answers have no more words than this.
LONGEST = 10
# Written without spaces: a character stands for a word.
_UNSPACED = ("ja", "th", "zh")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is answered ("majority", "random", ...), the score it is measured by, and its value in [0, 1]."""

    name: str
    score: str
    value: float


def pair_baseline(labels: npt.ArrayLike, classes: int) -> Baseline:
    """Return the better of the most frequent of `labels` (n,) and of guessing among `classes`."""
    majority = _share_of_most_frequent(labels)
    return max(Baseline("majority", "accuracy", majority), Baseline("random", "accuracy", 1 / classes), key=_value)


def tag_baseline(labels: npt.ArrayLike, names: Sequence[str], sentence: npt.ArrayLike, seed: int = 0) -> Baseline:
    """Return what tags that look at nothing get; labels, sentence: (words,) gold tags, and which sentence a word is in.

    In accuracy the most frequent tag. Where tags mark entities, in F1, the best of one tag other than O for every word
    (B-x makes each word an entity, I-x each sentence), and of tags drawn as often as they occur, the mean of 20 draws.
    """
    tags = np.asarray(labels)
    if not has_entities(names):
        return Baseline("majority", "accuracy", _share_of_most_frequent(tags))
    gold = [names[tag] for tag in tags.tolist()]
    single = max(
        (count_entities([name] * len(gold), gold, sentence).f1 for name in sorted({*gold} - {OUTSIDE})), default=0.0
    )
    # Drawing a word's tag from all words' tags is drawing a tag as often as it occurs.
    stream = philox("tag baseline", seed)
    drawn = [
        count_entities([gold[word] for word in integers(stream, (len(gold),), len(gold))], gold, sentence).f1
        for _ in range(DRAWS)
    ]
    best = Baseline("one tag", "entity_f1", single), Baseline("random", "entity_f1", float(np.mean(drawn)))
    return max(best, key=_value)


def span_baseline(
    contexts: Sequence[str],
    golds: Sequence[Sequence[str]],
    rule: Rule,
    languages: Sequence[str],
    seed: int = 0,
) -> Baseline:
    """Return the better F1 of the whole context and of a span of up to 10 words drawn from it, on average of 20 draws.

    contexts, golds, languages: one entry a question; spans are drawn uniformly from all there are. Raises BadInput
    where there is no question.
    """
    if not contexts:
        raise BadInput("Got 0 questions, but a baseline needs at least 1; give the questions that are scored.")
    cases = list(zip(contexts, golds, languages, strict=True))
    whole = np.mean([f1(context, right, rule, language) for context, right, language in cases])
    stream = philox("span baseline", seed)
    drawn = np.mean(
        [
            f1(_drawn_span(context, language, stream), right, rule, language)
            for context, right, language in cases
            for _ in range(DRAWS)
        ]
    )
    best = Baseline("whole context", "f1", float(whole)), Baseline("random", "f1", float(drawn))
    return max(best, key=_value)


def retrieval_baseline(n: int) -> Baseline:
    """Return the accuracy of guessing among `n` sentences; raises BadInput where there is none."""
    if n < 1:
        raise BadInput(f"Got n={n}, but a baseline needs at least 1 sentence to find.")
    return Baseline("random", "accuracy", 1 / n)


def mining_baseline(queries: int, candidates: int, gold: int) -> Baseline:
    """Return the expected F1 of pairing at random all sentences of the smaller of two corpora; exact.

    A given pair is drawn with probability 1 / max(queries, candidates). Fewer random pairs have a lower F1. Raises
    BadInput unless both corpora hold sentences.
    """
    if min(queries, candidates) < 1:
        raise BadInput(f"Got {queries} queries and {candidates} candidates, but a pair needs one of each.")
    right = gold / max(queries, candidates)
    return Baseline("random", "f1", 2 * right / (min(queries, candidates) + gold))


def _value(baseline: Baseline) -> float:
    return baseline.value


def _share_of_most_frequent(labels: npt.ArrayLike) -> float:
    _, counts = np.unique(np.asarray(labels), return_counts=True)
    if not len(counts):
        raise BadInput("Got 0 labels, but a baseline needs at least 1; give the labels that are scored.")
    return float(counts.max() / counts.sum())


def _drawn_span(context: str, language: str, stream: np.random.Philox) -> str:
    joiner = "" if language in _UNSPACED else " "
    words = context.split() if joiner else list(context)
    lengths = np.arange(1, min(LONGEST, len(words)) + 1)
    if not len(lengths):
        return ""
    # All spans in order of their lengths: of length l there are len(words) - l + 1.
    ends = np.cumsum(len(words) - lengths + 1)
    place = int(integers(stream, (1,), int(ends[-1]))[0])
    length = int(np.searchsorted(ends, place, side="right")) + 1
    start = int(ends[length - 1]) - 1 - place
    return joiner.join(words[start : start + length])
