"""What readers without understanding get right in the tasks of pairs and choices, on answers without label noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.data.artificial.baselines import Features, said_words
from bench.data.artificial.choice_tasks import CHOICES, riddles
from bench.data.artificial.meaning import Description
from bench.data.artificial.pair_tasks import pairs

_STRENGTH = 0.1
_TRAINED_ON = 6000


@dataclass(frozen=True, slots=True)
class TaskBaselines:
    """Accuracy of linear models of the training split (chance is one over the number of labels or choices).

    `second`: the words of the second sentence, or of a choice; `bag`: the words of both texts, as two bags.
    """

    second: float
    bag: float


@dataclass(frozen=True, slots=True)
class _Decision:
    """The texts and candidates of one decision, and the answer meant: a label (one candidate), or which candidate."""

    texts: tuple[Description, ...]
    candidates: tuple[Description, ...]
    answer: int


def task_baselines(world: int, task: str, split: str) -> TaskBaselines:
    """Return the baselines on `split` of qqp, pawsx, anli, hellaswag, cosmosqa or csqa."""
    train, test = (_decisions(world, task, part) for part in ("train", split))
    accuracies = (_accuracy(train[-_TRAINED_ON:], test, read) for read in (_second, _bag))
    return TaskBaselines(*accuracies)


def _decisions(world: int, task: str, split: str) -> list[_Decision]:
    if task in CHOICES:
        return [
            _Decision(riddle.text, riddle.choices, _likeliest(riddle.posterior))
            for riddle in riddles(world, task, split)
        ]
    return [_Decision((pair.first,), (pair.second,), _likeliest(pair.posterior)) for pair in pairs(world, task, split)]


def _accuracy(
    train: Sequence[_Decision], test: Sequence[_Decision], read: Callable[[_Decision, Description], Features]
) -> float:
    """Return the share of right answers: the likeliest label, or the candidate with the highest score."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(DictVectorizer(), LogisticRegression(C=_STRENGTH, max_iter=300))
    model.fit(
        [read(one, said) for one in train for said in one.candidates], [want for one in train for want in _wanted(one)]
    )
    right = [_answer(model, one, read) == one.answer for one in test]
    return sum(right) / len(right)


def _wanted(one: _Decision) -> list[int]:
    if len(one.candidates) == 1:
        return [one.answer]
    return [int(place == one.answer) for place in range(len(one.candidates))]


def _answer(model: Any, one: _Decision, read: Callable[[_Decision, Description], Features]) -> int:
    rows = [read(one, said) for said in one.candidates]
    if len(rows) == 1:
        return int(model.predict(rows)[0])
    return int(model.predict_proba(rows)[:, 1].argmax())


def _second(one: _Decision, said: Description) -> Features:
    return said_words(said)


def _bag(one: _Decision, said: Description) -> Features:
    first = {
        f"{place} {word}": value for place, text in enumerate(one.texts) for word, value in said_words(text).items()
    }
    return first | said_words(said)


def _likeliest(posterior: tuple[float, ...]) -> int:
    return max(range(len(posterior)), key=posterior.__getitem__)
