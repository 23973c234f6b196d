"""Documents and translations drawn for each step, as token ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.data.artificial import describe, language_tokens
from bench.data.artificial.corpus import Document, documents
from bench.data.artificial.grammar import Language, language
from bench.data.artificial.meaning import Description
from bench.data.artificial.streams import Stream
from bench.pretraining.recipe import Recipe
from bench.pretraining.tokenizer import BEGIN, END

# The token ids of a text, and which of them are the polarity of a document's second sentence.
Row = tuple[list[int], list[bool]]


@dataclass
class Reader:
    """Draws texts of one world as the recipe says, the same on every machine."""

    world: int
    recipe: Recipe
    tokenizer: Any

    def __post_init__(self) -> None:
        self._stream = Stream("reading", self.world, self.recipe.seed)
        self._pieces: dict[str, list[int]] = {}
        # The identical clone's texts are the source's.
        tokens = [token for token in language_tokens(self.world) if describe(token).control != "identical"]
        self.languages: list[Language] = [language(token) for token in tokens]

    @cached_property
    def corpus(self) -> list[Document]:
        """The documents of a plentiful language; a scarce one has the first few."""
        return documents(self.world, self.recipe.plentiful)

    def document(self) -> tuple[Row, bool]:
        """Return a document and whether its second sentence's polarity follows from the first."""
        recipe, stream = self.recipe, self._stream
        point = stream.below(1_000_000) / 1_000_000
        one = self._language()
        two = one if point < recipe.own else self._language()
        coherent = recipe.coherent == "all" or (one.facts.source and two.facts.source)
        drawn = self._document(one, two)
        if not coherent:
            other = self._document(one, two).second
            drawn = Document(drawn.first, replace(other, negated=stream.chance(0.5)))
        switched = point >= recipe.own + recipe.cross
        first, _ = self.ids(drawn.first, one, two if switched else None)
        second, polarity = self.ids(drawn.second, one if switched else two, two if switched else None)
        ids = [BEGIN, *first, END, END, *second, END]
        return (ids, [False] * (len(first) + 3) + polarity + [False]), coherent

    def translation(self) -> tuple[list[int], list[int]]:
        """Return one sentence in two languages."""
        one, two = self._language(), self._language()
        drawn = self._document(one, two)
        said = drawn.first if self._stream.chance(0.5) else drawn.second
        first, second = (self.ids(said, speaker, None)[0] for speaker in (one, two))
        return [BEGIN, *first, END], [BEGIN, *second, END]

    def ids(self, said: Description, speaker: Language, mixed: Language | None) -> Row:
        """Return a sentence of `speaker`, each constituent said by `mixed` instead at the recipe's rate."""
        own = speaker.constituents(said)
        other = mixed.constituents(said) if mixed is not None else own
        ids, polarity = list[int](), list[bool]()
        for part in speaker.order():
            if part in own:
                words = other[part] if mixed is not None and self._stream.chance(self.recipe.switch_rate) else own[part]
                pieces = [piece for word in words for piece in self._word(word)]
                ids += pieces
                polarity += [part == "polarity"] * len(pieces)
        return ids, polarity

    def _word(self, word: str) -> list[int]:
        if word not in self._pieces:
            self._pieces[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
        return self._pieces[word]

    def _language(self) -> Language:
        if self._stream.chance(self.recipe.source_share):
            return self.languages[0]
        return self._stream.choice(self.languages)

    def _document(self, one: Language, two: Language) -> Document:
        scarce = "scarce" in (one.facts.data, two.facts.data)
        return self.corpus[self._stream.below(self.recipe.scarce if scarce else self.recipe.plentiful)]
