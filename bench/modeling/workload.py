"""Examples of one kind as token rows: what the head answers on them, and what it should."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.data.example import ChoiceExample, Example, Question, Split, TaggedSentence
from bench.errors import BadInput
from bench.modeling.marks import Marks, marks_of
from bench.modeling.tokenization import Encoded, encode, encode_texts, encode_words
from bench.modeling.windows import Window, encode_questions

Ints = npt.NDArray[np.int64]
Row = npt.NDArray[np.float32]

# Returns the token rows of a split for a tokenizer and a length: those made before, or what the function makes.
Kept = Callable[[Any, Split, int, Callable[[], Encoded]], Encoded]

# Low enough that a forbidden token gets no probability, small enough for half precision.
_FORBIDDEN = -1e4


@dataclass(frozen=True)
class Workload(ABC):
    """Tokenized examples. `starts` (n + 1,): example i has the token rows starts[i] to starts[i + 1]."""

    encoded: Encoded
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Ints:
        """(n,) tokens of each example, all its rows together."""
        return np.diff(self.encoded.offsets[self.starts])

    @cached_property
    def truncated(self) -> npt.NDArray[np.bool_]:
        """(n,) whether an example lost tokens."""
        return np.logical_or.reduceat(self.encoded.truncated, self.starts[:-1])

    def rows(self, items: Ints) -> Ints:
        """Return the token rows of `items`, in order."""
        if len(self.encoded) == len(self):
            return items
        return np.concatenate([np.arange(self.starts[item], self.starts[item + 1]) for item in items])

    @abstractmethod
    def targets(self, items: Ints) -> Ints:
        """Return what the loss compares the scores of `items` with: (terms,)."""

    @abstractmethod
    def scores(self, head: Any, states: Tensor, mask: Tensor, items: Ints) -> Tensor:
        """Return (terms, classes) scores of `items` from the states of their rows."""

    @abstractmethod
    def read(self, head: Any, states: Tensor, mask: Tensor, rows: Ints) -> list[Row]:
        """Return what is to be kept of each of `rows`, whichever examples they belong to."""


@dataclass(frozen=True)
class Labelled(Workload):
    """One right class an example: a score for each class from its one row, or one score from the row of each choice.

    `labels`: (n,), the class, or the place of the right choice; every example has as many choices.
    """

    labels: Ints

    def targets(self, items: Ints) -> Ints:  # noqa: D102
        return self.labels[items]

    def scores(self, head: Any, states: Tensor, mask: Tensor, items: Ints) -> Tensor:  # noqa: D102
        scores: Tensor = head(states, mask)
        return scores.reshape(len(items), -1)

    def read(self, head: Any, states: Tensor, mask: Tensor, rows: Ints) -> list[Row]:  # noqa: D102
        return list(_kept(head(states, mask)))


@dataclass(frozen=True)
class Words(Workload):
    """One row a sentence, one score a word and class.

    `first`, `last`: (words,) the tokens of each word that was not lost, `tags` its tag; `words` (n + 1,): sentence i
    has the entries words[i] to words[i + 1] of them. `places` (n,) lists which words of each sentence these are.
    """

    first: Ints
    last: Ints
    tags: Ints
    words: Ints
    places: tuple[tuple[int, ...], ...]

    def targets(self, items: Ints) -> Ints:  # noqa: D102
        return self.tags[self._words(items)[1]]

    def scores(self, head: Any, states: Tensor, mask: Tensor, items: Ints) -> Tensor:  # noqa: D102
        rows, chosen = self._words(items)
        where = (torch.from_numpy(each).to(states.device) for each in (rows, self.first[chosen], self.last[chosen]))
        scores: Tensor = head(states, *where)
        return scores

    def read(self, head: Any, states: Tensor, mask: Tensor, rows: Ints) -> list[Row]:  # noqa: D102
        counts = np.diff(self.words)[rows]
        return np.split(_kept(self.scores(head, states, mask, rows)), np.cumsum(counts)[:-1])

    def _words(self, items: Ints) -> tuple[Ints, Ints]:
        """Return for every word of `items` the place of its sentence among them, and its entry."""
        counts = np.diff(self.words)[items]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(np.arange(len(items)), counts), np.repeat(self.words[items], counts) + within


@dataclass(frozen=True)
class Spans(Workload):
    """One row a window on the context of a question, a start and an end score a token.

    Every window is trained on by itself, as in Devlin et al. 2019: one that does not show the answer points to its
    first token. `windows`: what each row shows; `answers` (n, 2): first and last token of the answer.
    """

    windows: tuple[Window, ...]
    answers: Ints

    def targets(self, items: Ints) -> Ints:  # noqa: D102
        return self.answers[items].T.reshape(-1)

    def scores(self, head: Any, states: Tensor, mask: Tensor, items: Ints) -> Tensor:  # noqa: D102
        scores = self._masked(head, states, items)
        return torch.cat([scores[..., 0], scores[..., 1]])

    def read(self, head: Any, states: Tensor, mask: Tensor, rows: Ints) -> list[Row]:  # noqa: D102
        lengths = self.encoded.lengths[rows]
        return [scores[:length] for scores, length in zip(_kept(head(states)), lengths, strict=True)]

    def _masked(self, head: Any, states: Tensor, items: Ints) -> Tensor:
        begin = np.array([self.windows[item].begin for item in items])
        end = begin + np.array([len(self.windows[item].spans) for item in items])
        place = np.arange(states.shape[1])
        allowed = (place >= begin[:, None]) & (place < end[:, None]) | (place == 0)
        scores: Tensor = head(states)
        return scores.masked_fill(~torch.from_numpy(allowed).to(states.device)[..., None], _FORBIDDEN)


def anew(tokenizer: Any, split: Split, max_length: int, make: Callable[[], Encoded]) -> Encoded:
    """Return the token rows that `make` makes."""
    return make()


def workload(tokenizer: Any, split: Split, max_length: int, kept: Kept = anew) -> Workload:
    """Return the examples of `split` as token rows of at most `max_length`; raises BadInput for a kind with no head.

    `kept` returns rows that were made before, or makes them.
    """
    examples: Sequence[Any] = split.examples
    if isinstance(examples[0], Example):
        return _sentences(kept(tokenizer, split, max_length, lambda: encode(tokenizer, examples, max_length)), examples)
    if isinstance(examples[0], ChoiceExample):
        texts = _choice_texts(examples)
        encoded = kept(tokenizer, split, max_length, lambda: encode_texts(tokenizer, texts, max_length))
        return Labelled(encoded, np.arange(len(examples) + 1) * len(examples[0].choices), _labels(examples))
    if isinstance(examples[0], TaggedSentence):
        return _words(kept(tokenizer, split, max_length, lambda: _word_rows(tokenizer, examples, max_length)), examples)
    if isinstance(examples[0], Question):
        return _spans(kept(tokenizer, split, max_length, lambda: _windows(tokenizer, examples, max_length)), examples)
    raise BadInput(f"Got a split of kind {split.kind!r}, which no head answers; embed its sentences instead.")


def _sentences(encoded: Encoded, examples: Sequence[Example]) -> Labelled:
    return Labelled(encoded, np.arange(len(encoded) + 1), _labels(examples))


def _choice_texts(examples: Sequence[ChoiceExample]) -> list[tuple[str, str]]:
    count = len(examples[0].choices)
    for one in examples:
        if len(one.choices) != count:
            raise BadInput(
                f"Got {len(one.choices)} choices for item {one.item_id!r} and {count} for the first; "
                "a task has one number of choices."
            )
    return [(one.text, choice) for one in examples for choice in one.choices]


def _labels(examples: Sequence[Example] | Sequence[ChoiceExample]) -> Ints:
    return np.array([one.label for one in examples], dtype=np.int64)


def _word_rows(tokenizer: Any, examples: Sequence[TaggedSentence], max_length: int) -> Encoded:
    """Return rows that are marked with the tokens of each word."""
    encoded, found = encode_words(tokenizer, [one.words for one in examples], max_length)
    return replace(encoded, marks=marks_of(found))


def _words(encoded: Encoded, examples: Sequence[TaggedSentence]) -> Words:
    marks = _marks(encoded)
    found = [marks.of_row(row) for row in range(len(encoded))]
    places = tuple(tuple(i for i, (_, last) in enumerate(words) if last) for words in found)
    kept = [found[row][word] for row, words in enumerate(places) for word in words]
    return Words(
        encoded,
        np.arange(len(examples) + 1),
        first=np.array([first for first, _ in kept], dtype=np.int64),
        last=np.array([last for _, last in kept], dtype=np.int64),
        tags=np.array([examples[row].tags[word] for row, words in enumerate(places) for word in words], dtype=np.int64),
        words=np.concatenate([[0], np.cumsum([len(words) for words in places])]).astype(np.int64),
        places=places,
    )


def _windows(tokenizer: Any, examples: Sequence[Question], max_length: int) -> Encoded:
    """Return rows that are marked with the characters of each context token, and with question and first such token."""
    encoded, windows = encode_questions(tokenizer, examples, max_length)
    rows = [(window.question, window.begin) for window in windows]
    return replace(encoded, marks=marks_of([window.spans for window in windows], rows))


def _spans(encoded: Encoded, examples: Sequence[Question]) -> Spans:
    marks = _marks(encoded)
    windows = tuple(
        Window(question, begin, tuple(marks.of_row(row))) for row, (question, begin) in enumerate(marks.rows.tolist())
    )
    answers = np.array([_answer(examples[window.question], window) for window in windows], dtype=np.int64)
    return Spans(encoded, np.arange(len(windows) + 1), windows, answers)


def _marks(encoded: Encoded) -> Marks:
    assert encoded.marks is not None, "rows of words and windows are marked when they are made"
    return encoded.marks


def _answer(question: Question, window: Window) -> tuple[int, int]:
    """Return the first and last token of the first answer in a row; (0, 0) where the window does not show all of it."""
    if not question.answers:
        return 0, 0
    text = question.answers[0].text
    # Spaces around an answer are in no token.
    begin = question.answers[0].start + len(text) - len(text.lstrip())
    end = begin + len(text.strip())
    shown = [place for place, (first, last) in enumerate(window.spans) if first < end and last > begin]
    if not shown or window.spans[shown[0]][0] > begin or window.spans[shown[-1]][1] < end:
        return 0, 0
    return window.begin + shown[0], window.begin + shown[-1]


def _kept(scores: Tensor) -> Row:
    kept: Row = scores.float().cpu().numpy()
    return kept
