"""Translation pairs and documents drawn for each step, as token ids with what each constituent means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.data.artificial import describe, language_tokens
from bench.data.artificial.corpus import Document, documents
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


@dataclass(frozen=True, slots=True)
class Constituent:
    """The tokens `start` to `end` (excluded) of a text: constituent `part` of sentence 0 or 1, saying `meaning`."""

    sentence: int
    part: str
    start: int
    end: int
    meaning: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Two sentences as one row of token ids, and their constituents in order."""

    ids: tuple[int, ...]
    constituents: tuple[Constituent, ...]

    def polarity(self) -> Constituent:
        """Return the polarity of the second sentence."""
        return next(one for one in self.constituents if (one.sentence, one.part) == (1, "polarity"))


@dataclass
class Reader:
    """Draws texts of one world as the recipe says, the same on every machine."""

    world: int
    recipe: Recipe
    tokenizer: Any

    def __post_init__(self) -> None:
        self._stream = Stream("reading", self.world, self.recipe.seed)
        self._pieces: dict[str, tuple[int, ...]] = {}
        # The identical clone's texts are the source's.
        tokens = [token for token in language_tokens(self.world) if describe(token).control != "identical"]
        self.languages: list[Language] = [language(token) for token in tokens]

    @cached_property
    def corpus(self) -> list[Document]:
        """The documents of a plentiful language; a scarce one has the first few."""
        return documents(self.world, self.recipe.plentiful)

    def pair(self) -> tuple[Text, Text]:
        """Return two unrelated sentences as said in two languages."""
        stream = self._stream
        one = self.languages[0] if stream.chance(self.recipe.source_share) else stream.choice(self.languages)
        two = stream.choice(self.languages)
        first, other = self._drawn(one, two), self._drawn(one, two)
        said = Document(first.first, replace(other.second, negated=stream.chance(0.5)))
        return self.text(said, one), self.text(said, two)

    def document(self) -> Text:
        """Return a coherent document, in the source language but for the dose."""
        speaker = self.languages[0]
        if self._stream.chance(self.recipe.dose):
            speaker = self._stream.choice(self.languages)
        return self.text(self._drawn(speaker, speaker), speaker)

    def text(self, document: Document, speaker: Language) -> Text:
        """Return `document` as `speaker` says it, laid out as pairs of sentences are in fine-tuning."""
        ids: list[int] = [BEGIN]
        found: list[Constituent] = []
        for number, said in enumerate((document.first, document.second)):
            if number:
                ids += [END, END]
            for part, words in self._said(said, speaker):
                pieces = [piece for word in words for piece in self._word(word)]
                found.append(Constituent(number, part, len(ids), len(ids) + len(pieces), meaning(part, said)))
                ids += pieces
        return Text((*ids, END), tuple(found))

    def _said(self, said: Description, speaker: Language) -> list[tuple[str, tuple[str, ...]]]:
        constituents = speaker.constituents(said)
        return [(part, constituents[part]) for part in speaker.order() if part in constituents]

    def _word(self, word: str) -> tuple[int, ...]:
        if word not in self._pieces:
            self._pieces[word] = tuple(self.tokenizer.encode(word, add_special_tokens=False).ids)
        return self._pieces[word]

    def _drawn(self, one: Language, two: Language) -> Document:
        scarce = "scarce" in (one.facts.data, two.facts.data)
        return self.corpus[self._stream.below(self.recipe.scarce if scarce else self.recipe.plentiful)]


def meaning(part: str, said: Description) -> tuple[str | int | bool, ...]:
    """Return what constituent `part` of `said` says: equal in all languages, different for different meanings."""
    if part == "polarity":
        return part, said.negated
    return (part, *(said.nodes[slot] for slot in _SAID[part]))


def shared(one: Text, two: Text) -> list[tuple[Constituent, Constituent]]:
    """Return the constituents that two renderings of one document have in common."""
    there = {(other.sentence, other.part): other for other in two.constituents}
    keys = [(mine, (mine.sentence, mine.part)) for mine in one.constituents]
    return [(mine, there[key]) for mine, key in keys if key in there]
