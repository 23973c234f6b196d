"""Stems, affixes and particles of one language: its phonotactics and vocabulary, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.data.artificial.streams import Stream

_CONSONANTS = "ptkbdgmnszrlvfhj"
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Phonotactics:
    """The sounds of a language and how long its words are: `onsets`, `vowels`, `codas` (may be empty strings)."""

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]


def draw_phonotactics(stream: Stream) -> Phonotactics:
    """Return 12 of 16 consonants, all five vowels and a few codas."""
    onsets = tuple(stream.shuffled(_CONSONANTS)[:12])
    codas = ("", *stream.shuffled(onsets)[:3])
    return Phonotactics(onsets, tuple(stream.shuffled(_VOWELS)), codas)


class Coiner:
    """Coins strings of one language, never the same one twice within a kind."""

    def __init__(self, stream: Stream, sounds: Phonotactics, taken: frozenset[str] = frozenset()) -> None:
        self._stream, self._sounds, self._taken = stream, sounds, set(taken)

    def stem(self) -> str:
        """Return a stem of two syllables, such as "katos"."""
        return self._new(lambda: self._syllable() + self._syllable(coda=True))

    def particle(self) -> str:
        """Return a word of one syllable, such as "ka" or "kas"."""
        return self._new(lambda: self._syllable(coda=True))

    def suffix(self) -> str:
        """Return a vowel and a consonant, such as "-ik"; an alphabet of 60 shapes."""
        return self._new(lambda: self._stream.choice(self._sounds.vowels) + self._stream.choice(self._sounds.onsets))

    def root(self) -> str:
        """Return three different consonants, such as "ktb"."""
        return self._new(lambda: "".join(self._stream.shuffled(self._sounds.onsets)[:3]))

    def pattern(self) -> str:
        """Return vowels and a template for a root, such as "1a2i3" or "1a23u"."""
        return self._new(self._pattern)

    def _pattern(self) -> str:
        one, two = (self._stream.choice(self._sounds.vowels) for _ in range(2))
        return self._stream.choice(("1{0}2{1}3", "1{0}23{1}", "{0}12{1}3")).format(one, two)

    def _syllable(self, coda: bool = False) -> str:
        sounds = self._sounds
        tail = self._stream.choice(sounds.codas) if coda else ""
        return self._stream.choice(sounds.onsets) + self._stream.choice(sounds.vowels) + tail

    def _new(self, coin: Callable[[], str]) -> str:
        while (word := coin()) in self._taken:
            continue
        self._taken.add(word)
        return word
