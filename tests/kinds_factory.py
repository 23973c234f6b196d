"""Seeded synthetic predictions of every kind of task."""

import numpy as np

from bench.predictions import Predictions

NER = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
POS = ("ADJ", "NOUN", "SCONJ", "VERB", "X")


def make_kind(kind, n=40, seed=0, **options):
    return MAKERS[kind](n, np.random.default_rng([seed, n]), **options)


def tagged(n, draw, names=NER, language="en", prefix="s"):
    """n sentences of 1 to 6 words; the gold tag is raised, and one word in twenty is lost."""
    lengths = draw.integers(1, 7, n)
    sentence = np.repeat(np.arange(n), lengths)
    word = np.concatenate([np.arange(length) for length in lengths])
    labels = draw.integers(0, len(names), len(sentence))
    logits = draw.normal(size=(len(sentence), len(names)))
    logits[np.arange(len(sentence)), labels] += 1.5
    lost = draw.random(len(sentence)) < 0.05
    logits[lost] = 0
    return Predictions(
        np.array([f"{prefix}{row}:{place}" for row, place in zip(sentence, word, strict=True)]),
        np.array([f"{prefix}{row}" for row in sentence]),
        labels.astype(np.int64),
        logits.astype(np.float32),
        metadata={"kind": "tagging", "labels": list(names), "language": language, "split": "test"},
        columns={"sentence": sentence, "lost": lost},
    )


def answered(n, draw, language="en", prefix="q"):
    logits = -np.sort(-draw.normal(size=(n, 20)) * 2, axis=1)
    em = (draw.random((n, 20)) < 0.3).astype(np.float32)
    f1 = np.maximum(em, draw.random((n, 20))).astype(np.float32)
    return Predictions(
        np.array([f"{prefix}{row}" for row in range(n)]),
        np.array([f"{prefix}{row // 3}" for row in range(n)]),
        np.zeros(n, dtype=np.int64),
        logits.astype(np.float32),
        metadata={"kind": "span", "labels": [], "language": language, "split": "test"},
        columns={"em": em, "f1": f1, "answer": np.array(["an answer"] * n)},
    )


def retrieved(n, draw, language="de", size=300):
    everything = draw.normal(size=(n, n)) * 0.1
    everything[np.arange(n), np.arange(n)] += 0.2
    size = min(n, size)
    return Predictions(
        np.array([f"{row}" for row in range(n)]),
        np.array([f"g{row}" for row in range(n)]),
        np.zeros(n, dtype=np.int64),
        np.stack([np.roll(everything[row], -row)[:size] for row in range(n)]).astype(np.float32),
        metadata={"kind": "retrieval", "labels": [], "language": language, "split": "test"},
        columns={
            "everything": everything.astype(np.float32),
            "place": np.arange(n),
            "reverse": draw.random(n) < 0.4,
        },
    )


def mined(n, draw, language="de"):
    gold, found = draw.random(n) < 0.4, draw.random(n) < 0.5
    return Predictions(
        np.array([f"c{row}" for row in range(n)]),
        np.array([f"c{row}" for row in range(n)]),
        np.zeros(n, dtype=np.int64),
        np.stack([np.zeros(n), draw.normal(size=n)], axis=1).astype(np.float32),
        metadata={"kind": "mining", "labels": [], "language": language, "split": "test"},
        columns={"mined": found, "gold": gold, "hit": found & gold & (draw.random(n) < 0.8)},
    )


MAKERS = {"tagging": tagged, "span": answered, "retrieval": retrieved, "mining": mined}
