"""Translation pairs and documents drawn for each step, as token ids with what each constituent means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.data.artificial import describe, language_tokens
from bench.data.artificial.corpus import CONNECTIVES, Document, documents
from bench.data.artificial.grammar import Language, language
from bench.data.artificial.meaning import (
    AGENT,
    ATTRIBUTE,
    NUMBER,
    PATIENT,
    PATIENT_NUMBER,
    PLACE,
    TENSE,
    VERB,
    Description,
)
from bench.data.artificial.streams import Stream
from bench.pretraining.recipe import Recipe
from bench.pretraining.tokenizer import BEGIN, END

# The slots that each constituent says, agreement apart.
_SAID = {
    "agent": (AGENT, NUMBER),
    "attribute": (ATTRIBUTE,),
    "verb": (VERB, TENSE),
    "patient": (PATIENT, PATIENT_NUMBER),
    "place": (PLACE,),
}

Meaning = tuple[str | int | bool, ...]
_Rendered = tuple[tuple[int, ...], tuple[tuple[str, int, int, Meaning], ...]]


@dataclass(frozen=True, slots=True)
class Constituent:
    """The tokens `start` to `end` (excluded) of a text: constituent `part` of sentence 0 or 1, saying `meaning`."""

    sentence: int
    part: str
    start: int
    end: int
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Text:
    """Two sentences as one row of token ids, their constituents in order, and the places of the four marks."""

    ids: tuple[int, ...]
    constituents: tuple[Constituent, ...]
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as read: its token ids, which connective of which language stood in it, and the relation meant."""

    ids: tuple[int, ...]
    language: int
    connective: int
    relation: int


@dataclass
class Reader:
    """Draws texts of one world as the recipe says, the same on every machine."""

    world: int
    recipe: Recipe
    tokenizer: Any

    def __post_init__(self) -> None:
        self._pairs = Stream("reading", "pairs", self.world, self.recipe.seed)
        self._documents = Stream("reading", "documents", self.world, self.recipe.seed)
        self._pieces: dict[str, tuple[int, ...]] = {}
        self._rendered: dict[tuple[str, Description], _Rendered] = {}
        # The identical clone's texts are the source's.
        tokens = [token for token in language_tokens(self.world) if describe(token).control != "identical"]
        self.languages: list[Language] = [language(token) for token in tokens]

    @cached_property
    def corpus(self) -> list[Document]:
        """The documents of the source; a plentiful language has the first of them, a scarce one the first few."""
        return documents(self.world, max(self.recipe.coherent, self.recipe.plentiful))

    def pair(self) -> tuple[Text, Text]:
        """Return two unrelated sentences as said in the source language and in another one."""
        source, other = self.languages[0], self._pairs.choice(self.languages[1:])
        known = self._known(other)
        first, second = (self.corpus[self._pairs.below(known)] for _ in range(2))
        return self.text(first.first, second.second, source), self.text(first.first, second.second, other)

    def document(self) -> Reading:
        """Return a coherent document, in the source language but for the dose."""
        number, known = 0, self.recipe.coherent
        if self._documents.chance(self.recipe.dose):
            number = self._documents.below(len(self.languages))
            known = self._known(self.languages[number])
        document = self.corpus[self._documents.below(known)]
        marked = self.corpus[self._documents.below(known)] if self.recipe.permuted else document
        ids = self.text(document.first, document.second, self.languages[number]).ids
        return Reading(ids, number, marked.connective, document.relation)

    @property
    def connectives(self) -> int:
        """How many connectives the languages have: each has its own."""
        return CONNECTIVES * len(self.languages)

    def text(self, first: Description, second: Description, speaker: Language) -> Text:
        """Return both sentences as `speaker` says them, laid out as pairs of sentences are in fine-tuning."""
        (one, parts), (two, others) = self._sentence(first, speaker), self._sentence(second, speaker)
        begin = len(one) + 3
        constituents = [Constituent(0, part, 1 + start, 1 + end, said) for part, start, end, said in parts]
        constituents += [Constituent(1, part, begin + start, begin + end, said) for part, start, end, said in others]
        ids = (BEGIN, *one, END, END, *two, END)
        return Text(ids, tuple(constituents), (0, begin - 2, begin - 1, len(ids) - 1))

    def _sentence(self, said: Description, speaker: Language) -> _Rendered:
        key = (speaker.facts.token, said)
        if key not in self._rendered:
            self._rendered[key] = self._render(said, speaker)
        return self._rendered[key]

    def _render(self, said: Description, speaker: Language) -> _Rendered:
        words = speaker.constituents(said)
        ids: list[int] = []
        parts = []
        for part in speaker.order():
            if part in words:
                start = len(ids)
                ids += [piece for word in words[part] for piece in self._word(word)]
                parts.append((part, start, len(ids), meaning(part, said)))
        return tuple(ids), tuple(parts)

    def _word(self, word: str) -> tuple[int, ...]:
        if word not in self._pieces:
            self._pieces[word] = tuple(self.tokenizer.encode(word, add_special_tokens=False).ids)
        return self._pieces[word]

    def _known(self, speaker: Language) -> int:
        return self.recipe.scarce if speaker.facts.data == "scarce" else self.recipe.plentiful


def meaning(part: str, said: Description) -> Meaning:
    """Return what constituent `part` of `said` says: equal in all languages, different for different meanings."""
    if part == "polarity":
        return part, said.negated
    return (part, *(said.nodes[slot] for slot in _SAID[part]))


def shared(one: Text, two: Text) -> list[tuple[Constituent, Constituent]]:
    """Return the constituents that two renderings of one text have in common."""
    there = {(other.sentence, other.part): other for other in two.constituents}
    keys = [(mine, (mine.sentence, mine.part)) for mine in one.constituents]
    return [(mine, there[key]) for mine, key in keys if key in there]
