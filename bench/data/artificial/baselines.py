"""What a reader without understanding gets right: linear models over parts of a pair's meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.data.artificial.meaning import DOMAIN, SLOTS, UNSAID, Description, relation
from bench.data.artificial.tasks import Item, items

Features = dict[str, float]
_STRENGTH = 0.1


@dataclass(frozen=True, slots=True)
class Baselines:
    """Accuracy on the *logical* labels of the test split (chance is 1/3) of linear models of the training split.

    `hypothesis`: the words of the hypothesis; `with_polarity`: also each word jointly with the polarity and the number
    of slots said; `bag`: the words of premise and hypothesis, in any language, as two bags; `overlap`: also which words
    the two share, which is stronger and is printed, not bounded.
    """

    hypothesis: float
    with_polarity: float
    bag: float
    overlap: float


def baselines(world: int) -> Baselines:
    """Return the baselines of a world's target task."""
    train, test = items(world, "xnli", "train")[:6000], items(world, "xnli", "test")
    return Baselines(*(_accuracy(train, test, read) for read in (_hypothesis, _with_polarity, _bag, _overlap)))


def said_words(said: Description) -> Features:
    """Return the words of a meaning as a linear model reads them: each slot's node, and whether it is a leaf."""
    words: Features = {"negated": float(said.negated)}
    for slot, tree, node in zip(SLOTS, DOMAIN, said.nodes, strict=True):
        if node != UNSAID:
            words[f"{slot} {node}"] = words[f"{slot} {'leaf' if tree.is_leaf(node) else 'hypernym'}"] = 1.0
    return words


def _accuracy(train: Sequence[Item], test: Sequence[Item], read: Callable[[Item], Features]) -> float:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(DictVectorizer(), LogisticRegression(C=_STRENGTH, max_iter=300))
    model.fit([read(item) for item in train], [_logical(item) for item in train])
    return float(model.score([read(item) for item in test], [_logical(item) for item in test]))


def _logical(item: Item) -> int:
    return relation(item.premise, item.hypothesis)


def _hypothesis(item: Item) -> Features:
    return said_words(item.hypothesis)


def _with_polarity(item: Item) -> Features:
    words = said_words(item.hypothesis)
    sign = -1.0 if item.hypothesis.negated else 1.0
    length = float(sum(node != UNSAID for node in item.hypothesis.nodes))
    return words | {f"{word} signed": sign * value for word, value in words.items()} | {"length": length}


def _bag(item: Item) -> Features:
    return {f"premise {word}": value for word, value in said_words(item.premise).items()} | said_words(item.hypothesis)


def _overlap(item: Item) -> Features:
    one, two = said_words(item.premise), said_words(item.hypothesis)
    features: Features = {}
    for word in {*one, *two} - {"negated"}:
        where = "both" if word in one and word in two else "premise" if word in one else "hypothesis"
        features[f"{where} {word}"] = 1.0
        features[where] = features.get(where, 0.0) + 1.0
    return features | {"negated": two["negated"]}
