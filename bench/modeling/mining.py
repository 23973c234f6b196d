"""Mining: translations found in two corpora by margin, accepted from a threshold on, each with its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.data.example import CorpusSentence, Split
from bench.predictions import Predictions
from bench.scores.retrieval import Pairs, best_threshold, mine

# Newton steps: a logistic curve of one variable is found in a few.
_STEPS = 50
_SMALL = 1e-10


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is chosen on the development corpora: pairs are accepted from `threshold` on, with log odds a + b margin."""

    threshold: float
    intercept: float
    slope: float


def tune(split: Split, vectors: npt.NDArray[np.float32]) -> Tuning:
    """Return the threshold with the highest F1 on `split`, as XTREME chooses it, and Platt's curve of its margins.

    vectors: (n, hidden), of the sentences in the order of the split.
    """
    pairs, hits, gold = _mined(split, vectors)
    return Tuning(best_threshold(pairs.score, hits, gold), *_platt(pairs.score, hits))


def mined_predictions(split: Split, vectors: npt.NDArray[np.float32], tuning: Tuning) -> Predictions:
    """Return a row for each sentence outside the pivot that was put into an accepted pair or has a translation.

    logits (n, 2): 0 and the log odds that its pair is right, 0 where it has none; see bench.predictions.COLUMNS.
    """
    pairs, hits, _ = _mined(split, vectors)
    accepted = pairs.score >= tuning.threshold
    foreign = _side(split, in_pivot=False)
    mined = np.zeros(len(foreign), dtype=np.bool_)
    hit, odds = np.zeros_like(mined), np.zeros(len(foreign))
    place = pairs.query[accepted]
    mined[place], hit[place] = True, hits[accepted]
    odds[place] = tuning.intercept + tuning.slope * pairs.score[accepted]
    gold = np.array([bool(one.partner) for one in foreign])
    kept = np.flatnonzero(mined | gold)
    return Predictions(
        item_ids=np.array([one.item_id for one in foreign])[kept],
        group_ids=np.array([one.group_id for one in foreign])[kept],
        labels=hit[kept].astype(np.int64),
        logits=np.stack([np.zeros(len(kept)), odds[kept]], axis=1).astype(np.float32),
        metadata={
            "kind": split.kind, "labels": ["wrong", "right"], "language": split.language, "split": split.name,
            "threshold": tuning.threshold,
        },
        columns={"mined": mined[kept], "gold": gold[kept], "hit": hit[kept]},
    )  # fmt: skip


def _mined(split: Split, vectors: npt.NDArray[np.float32]) -> tuple[Pairs, npt.NDArray[np.bool_], int]:
    """Return the mined pairs (queries are the sentences outside the pivot), which are right, and how many there are."""
    examples: Sequence[CorpusSentence] = split.examples  # type: ignore[assignment]
    inside = np.array([one.in_pivot for one in examples])
    pairs = mine(vectors[~inside], vectors[inside])
    foreign, pivot = _side(split, in_pivot=False), _side(split, in_pivot=True)
    hits = [foreign[q].partner == pivot[c].item_id for q, c in zip(pairs.query, pairs.candidate, strict=True)]
    return pairs, np.array(hits, dtype=np.bool_), sum(bool(one.partner) for one in foreign)


def _side(split: Split, in_pivot: bool) -> list[CorpusSentence]:
    return [one for one in split.examples if isinstance(one, CorpusSentence) and one.in_pivot == in_pivot]


def _platt(scores: FloatArray, hits: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return intercept and slope of the logistic curve through (score, hit) (Platt 1999, with his targets).

    The targets stay off 0 and 1, so that there is a curve where margins part hits from the rest.
    """
    positive = int(hits.sum())
    target = np.where(hits, (positive + 1) / (positive + 2), 1 / (len(hits) - positive + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    design = np.stack([np.ones(len(scores)), (scores - centre) / spread], axis=1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-design @ weights))
        curvature = design.T @ (design * (chance * (1 - chance))[:, None]) + _SMALL * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (target - chance))
        weights += step
        if np.abs(step).max() < _SMALL:
            break
    slope = float(weights[1]) / spread
    return float(weights[0]) - slope * centre, slope
