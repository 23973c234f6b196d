"""What an answer that looks at nothing gets in the task of a split: cells not above it say nothing of calibration."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.data.example import CorpusSentence, Question, Split
from bench.predictions import Predictions
from bench.scores.answers import Rule
from bench.scores.baselines import (
    Baseline,
    mining_baseline,
    pair_baseline,
    retrieval_baseline,
    span_baseline,
    tag_baseline,
)


def stated_baseline(predictions: Predictions) -> dict[str, Any]:
    """Return the baseline stored with predictions; of pairs from before it was stored, the one of their labels."""
    stated = predictions.metadata.get("baseline")
    return asdict(pair_baseline(predictions.labels, predictions.logits.shape[1])) if stated is None else dict(stated)


def baseline_of(split: Split, predictions: Predictions, rule: Rule = "squad") -> Baseline:
    """Return the baseline of a split's task in its first score (bench.scores.baselines)."""
    if predictions.kind == "tagging":
        return tag_baseline(predictions.labels, split.labels, predictions.columns["sentence"])
    if predictions.kind == "span":
        asked = [one for one in split.examples if isinstance(one, Question)]
        golds = [[answer.text for answer in one.answers] for one in asked]
        return span_baseline([one.context for one in asked], golds, rule, [split.language] * len(asked))
    if predictions.kind == "retrieval":
        return retrieval_baseline(len(split.examples))
    if predictions.kind == "mining":
        sides = [one.in_pivot for one in split.examples if isinstance(one, CorpusSentence)]
        return mining_baseline(sides.count(False), sides.count(True), int(predictions.columns["gold"].sum()))
    return pair_baseline(predictions.labels, predictions.logits.shape[1])
