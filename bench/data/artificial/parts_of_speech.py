"""The tags of udpos: which part of speech a word of an artificial language is, and how sure an annotator is."""

from __future__ import annotations

from bench.data.artificial.grammar import NAMED_PLACES
from bench.data.artificial.meaning import DOMAIN, PLACE, SLOTS, Description
from bench.data.artificial.morphemes import STEM, Morpheme

# Names of Universal Dependencies, the ones that occur.
LABELS = ("ADJ", "ADP", "ADV", "AUX", "DET", "NOUN", "PART", "PROPN", "VERB")
# What a word is, and what it is taken for.
_STEMS = {
    "agent": ("NOUN", "PROPN"),
    "attribute": ("ADJ", "NOUN"),
    "polarity": ("PART", "ADV"),
    "verb": ("VERB", "AUX"),
    "patient": ("NOUN", "PROPN"),
    "place": ("ADV", "NOUN"),
}
_NAMED_PLACE = ("PROPN", "NOUN")
_MARKERS = {
    "number": ("DET", "ADJ"),
    "tense": ("AUX", "PART"),
    "locative": ("ADP", "ADV"),
    "nominative": ("ADP", "PART"),
    "accusative": ("ADP", "PART"),
    "agreed number": ("DET", "AUX"),
    "agreed class": ("DET", "PART"),
}
_OF_LEAF, _OF_CLASS = 0.95, 0.82


def part_of_speech(said: Description, morpheme: Morpheme) -> dict[str, float]:
    """Return P(tag) of a word; annotators agree less on words for classes."""
    tag, other = _tags(said, morpheme)
    sure = certainty(said, morpheme)
    return {tag: sure, other: 1 - sure}


def certainty(said: Description, morpheme: Morpheme) -> float:
    """Return the probability of a word's own tag."""
    if morpheme.mark != STEM or morpheme.part not in SLOTS:
        return _OF_LEAF
    slot = SLOTS.index(morpheme.part)
    return _OF_LEAF if DOMAIN[slot].is_leaf(said.nodes[slot]) else _OF_CLASS


def _tags(said: Description, morpheme: Morpheme) -> tuple[str, str]:
    if morpheme.mark != STEM:
        return _MARKERS[morpheme.mark]
    return _NAMED_PLACE if morpheme.part == "place" and said.nodes[PLACE] in NAMED_PLACES else _STEMS[morpheme.part]
