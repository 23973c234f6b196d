"""The shapes every source of data is read into: one shape for each kind of task, whatever world it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from bench.canonical import digest

# How the examples of a task are read, what a model answers, and hence which head it has.
SENTENCE_PAIR, MULTIPLE_CHOICE, TAGGING, SPAN = "sentence_pair", "multiple_choice", "tagging", "span"
RETRIEVAL, MINING = "retrieval", "mining"
KINDS = (SENTENCE_PAIR, MULTIPLE_CHOICE, TAGGING, SPAN, RETRIEVAL, MINING)


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text, or pair of texts (kind "sentence_pair").

    `item_id` is shared by the translations of an item, `group_id` is the resampling cluster (for XNLI the English row
    index // 3), `label` indexes the split's `labels`, `posterior` is P(y | meaning) where the world states it.
    """

    item_id: str
    group_id: str
    text: str
    text_pair: str
    label: int
    posterior: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A text and its possible continuations or answers (kind "multiple_choice"); `choices[label]` is the right one."""

    item_id: str
    group_id: str
    text: str
    choices: tuple[str, ...]
    label: int
    posterior: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence as words with a tag each (kind "tagging"); tags index the split's `labels`.

    `posterior` holds P(tag | meaning) of every word where the world states it.
    """

    item_id: str
    group_id: str
    words: tuple[str, ...]
    tags: tuple[int, ...]
    posterior: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One right answer: its text, and the character of the context where it starts."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question on a context (kind "span"); every one of `answers` is right, none at all means unanswerable."""

    item_id: str
    group_id: str
    question: str
    context: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """A sentence of a language and the same in the pivot, English or a world's source (kind "retrieval")."""

    item_id: str
    group_id: str
    text: str
    pivot: str


@dataclass(frozen=True, slots=True)
class CorpusSentence:
    """A sentence of one of two corpora to be mined for translations (kind "mining").

    `in_pivot` says which corpus it is in; `partner` is the item id of its translation in the other, "" for none.
    """

    item_id: str
    group_id: str
    text: str
    in_pivot: bool
    partner: str = ""


AnyExample: TypeAlias = Example | ChoiceExample | TaggedSentence | Question | Translation | CorpusSentence
_KIND_OF: dict[type, str] = {
    Example: SENTENCE_PAIR,
    ChoiceExample: MULTIPLE_CHOICE,
    TaggedSentence: TAGGING,
    Question: SPAN,
    Translation: RETRIEVAL,
    CorpusSentence: MINING,
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a split came from. `origin` is "artificial", "mirror", "hub", "stand-in" or "local".

    `files` are (path inside its source, sha256); `subset` says that the source itself holds only a part of the
    published split, `capped` that a limit of the study left examples out; `note` says of what; `flags` are what every
    row made from it must carry besides.
    """

    origin: str
    files: tuple[tuple[str, str], ...] = ()
    subset: bool = False
    capped: bool = False
    note: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """The examples of one split in one language, all of one kind, in a fixed order.

    Item ids are shared between languages exactly where the data are parallel. `labels` names classes or tags, and is
    empty for spans and sentences.
    """

    name: str
    language: str
    labels: tuple[str, ...]
    examples: tuple[AnyExample, ...]
    provenance: Provenance

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return _KIND_OF[type(self.examples[0])]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the label names and of every field of every example, in order: the identity of the rows used."""
        return digest([self.labels, self.examples])
