"""The words of a sentence, each with the constituent it belongs to and what it marks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bench.data.artificial.grammar import Language, language
from bench.data.artificial.meaning import Description

STEM = ""
# What stands beside a noun phrase rather than in it, as adpositions do.
CASES = frozenset({"nominative", "accusative", "locative"})


@dataclass(frozen=True, slots=True)
class Morpheme:
    """One word of a sentence.

    `part` is its constituent; `mark` is what it marks where morphemes are free ("number", "tense", ...), STEM for a
    word with a stem; `left` is how many words of its constituent follow; `begins` and `closes` say that it is the first
    or last of its phrase.
    """

    word: str
    part: str
    mark: str
    left: int
    begins: bool
    closes: bool

    @property
    def phrase(self) -> str:
        """The phrase it is in: an attribute is in its agent's."""
        return _phrase(self.part)


def morphemes(speaker: Language, said: Description) -> list[Morpheme]:
    """Return the words of the sentence that says `said`, in order."""
    constituents = speaker.constituents(said)
    parts = [part for part in speaker.order() if part in constituents]
    phrases = ["", *map(_phrase, parts), ""]
    return [
        Morpheme(
            word,
            part,
            _marks(speaker.facts.token)[word] if place else STEM,
            left=len(constituents[part]) - place - 1,
            begins=place == 0 and phrases[number] != _phrase(part),
            closes=place == len(constituents[part]) - 1 and phrases[number + 2] != _phrase(part),
        )
        for number, part in enumerate(parts)
        for place, word in enumerate(constituents[part])
    ]


def _phrase(part: str) -> str:
    return "agent" if part == "attribute" else part


@cache
def _marks(token: str) -> dict[str, str]:
    """Return what each free marker of a language marks, its value left out."""
    return {word: mark[0] for mark, word in language(token).markers.items() if isinstance(mark, tuple)}
