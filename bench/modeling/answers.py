"""From what the head says of token rows to the predictions of a split, by kind of task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.example import Question, Split, TaggedSentence
from bench.modeling.spans import CANDIDATES, Candidate, best_spans
from bench.modeling.workload import Row, Spans, Words, Workload
from bench.predictions import Predictions
from bench.scores.answers import Rule, exact_match, f1

# The score of a candidate that is not there: its probability is 0 at any temperature in use.
ABSENT = -1e4


def predictions_of(split: Split, work: Workload, outputs: Sequence[Row], rule: Rule = "squad") -> Predictions:
    """Return the predictions for `split` from what was read of its token rows (see bench.predictions.COLUMNS)."""
    if isinstance(work, Words):
        return _tagged(split, work, outputs)
    if isinstance(work, Spans):
        return _answered(split, work, outputs, rule)
    examples: Sequence[Any] = split.examples
    return Predictions(
        item_ids=np.array([one.item_id for one in examples]),
        group_ids=np.array([one.group_id for one in examples]),
        labels=np.array([one.label for one in examples], dtype=np.int64),
        # Of choices each row holds one score.
        logits=np.stack(outputs).reshape(len(examples), -1),
        posterior=None if examples[0].posterior is None else np.array([one.posterior for one in examples]),
        metadata=_metadata(split),
    )


def _metadata(split: Split) -> dict[str, Any]:
    return {"kind": split.kind, "labels": list(split.labels), "language": split.language, "split": split.name}


def _tagged(split: Split, work: Words, outputs: Sequence[Row]) -> Predictions:
    """A row a word, lost ones too: their logits are 0, which gives every tag the same probability."""
    examples: Sequence[TaggedSentence] = split.examples  # type: ignore[assignment]
    sentence = np.repeat(np.arange(len(examples)), [len(one.words) for one in examples])
    starts = np.cumsum([0, *(len(one.words) for one in examples)])
    kept = np.array([starts[row] + word for row, words in enumerate(work.places) for word in words], dtype=np.int64)
    logits = np.zeros((len(sentence), len(split.labels)), dtype=np.float32)
    logits[kept] = np.concatenate(outputs)
    lost = np.ones(len(sentence), dtype=np.bool_)
    lost[kept] = False
    return Predictions(
        item_ids=np.array([f"{one.item_id}:{word}" for one in examples for word in range(len(one.words))]),
        group_ids=np.array([one.group_id for one in examples])[sentence],
        labels=np.array([tag for one in examples for tag in one.tags], dtype=np.int64),
        logits=logits,
        posterior=_word_posteriors(examples),
        metadata=_metadata(split),
        columns={"sentence": sentence, "lost": lost},
    )  # fmt: skip


def _word_posteriors(examples: Sequence[TaggedSentence]) -> npt.NDArray[np.float64] | None:
    if examples[0].posterior is None:
        return None
    return np.array([distribution for one in examples for distribution in one.posterior or ()])


def _answered(split: Split, work: Spans, outputs: Sequence[Row], rule: Rule) -> Predictions:
    examples: Sequence[Question] = split.examples  # type: ignore[assignment]
    rows: list[list[int]] = [[] for _ in examples]
    for row, window in enumerate(work.windows):
        rows[window.question].append(row)
    nullable = any(not one.answers for one in examples)
    found = [
        best_spans(
            one.context, [work.windows[row] for row in mine], [outputs[row] for row in mine],
            rule, split.language, nullable,
        )
        for one, mine in zip(examples, rows, strict=True)
    ]  # fmt: skip
    golds = [[answer.text for answer in one.answers] for one in examples]
    golds_of = list(zip(found, golds, strict=True))
    em, overlap = (
        _padded([[measure(each.text, gold, rule, split.language) for each in some] for some, gold in golds_of], 0.0)
        for measure in (exact_match, f1)
    )
    return Predictions(
        item_ids=np.array([one.item_id for one in examples]),
        group_ids=np.array([one.group_id for one in examples]),
        labels=(em[:, 0] > 0).astype(np.int64),
        logits=_padded([[each.score for each in some] for some in found], ABSENT),
        metadata=_metadata(split),
        columns={"em": em, "f1": overlap, "answer": np.array([_first(some) for some in found], dtype=np.str_)},
    )


def _padded(rows: Sequence[Sequence[float]], fill: float) -> npt.NDArray[np.float32]:
    table = np.full((len(rows), CANDIDATES), fill, dtype=np.float32)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _first(candidates: Sequence[Candidate]) -> str:
    return candidates[0].text if candidates else ""
