"""Retrieval: each sentence of the pivot looks for its translation among candidates, by cosine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.data.example import CorpusSentence, Split, Translation
from bench.predictions import Predictions
from bench.scores.retrieval import candidate_sets, cosines


def texts_of(split: Split) -> list[str]:
    """Return the texts to be embedded: all translations and then all of the pivot, or all sentences of two corpora."""
    examples = split.examples
    if isinstance(examples[0], CorpusSentence):
        return [one.text for one in examples if isinstance(one, CorpusSentence)]
    pairs: Sequence[Translation] = examples  # type: ignore[assignment]
    return [one.text for one in pairs] + [one.pivot for one in pairs]


def retrieved(split: Split, vectors: npt.NDArray[np.float32]) -> Predictions:
    """Return a row for each query in the pivot; `vectors` (2 n, hidden) are of the texts in the order of `texts_of`.

    logits (n, 300) are cosines with candidates that are the same for all languages with as many sentences; see
    bench.predictions.COLUMNS for the rest.
    """
    examples: Sequence[Translation] = split.examples  # type: ignore[assignment]
    n = len(examples)
    everything = cosines(vectors[n:], vectors[:n]).astype(np.float32)
    sets, place = candidate_sets(n)
    back = everything.T
    highest = back == back.max(axis=1, keepdims=True)
    reverse = np.diagonal(highest) / highest.sum(axis=1)
    return Predictions(
        item_ids=np.array([one.item_id for one in examples]),
        group_ids=np.array([one.group_id for one in examples]),
        labels=place.astype(np.int64),
        logits=np.take_along_axis(everything, sets, axis=1),
        metadata={"kind": split.kind, "labels": [], "language": split.language, "split": split.name},
        columns={
            "everything": everything,
            "place": np.arange(n),
            "reverse": reverse.astype(np.float32),
        },
    )
