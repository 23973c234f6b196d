"""Entities in sequences of tags, by the rules of seqeval 1.2.2 (Nakayama 2018), which are those of conlleval.

They are lenient: an inside tag begins an entity where none of its type is open. XTREME, and so Phang et al. 2020, read
parts of speech by the same rules, although their tags have no B or I: the first letter is taken for the prefix and the
rest for the type. So neighbours with one tag are one chunk, SCONJ and CCONJ have one type, every SYM is a chunk of its
own, and X has no type. What is then counted is reproduced here, not recommended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import IntArray

# Type, first word and last word.
Entity: TypeAlias = tuple[str, int, int]

OUTSIDE = "O"
_UNTYPED = "_"


def has_entities(names: Iterable[str]) -> bool:
    """Tell whether the tags `names` mark entities (B-PER, I-PER) and not words (NOUN)."""
    return any(name.startswith("B-") for name in names)


def entities(tags: Sequence[str]) -> set[Entity]:
    """Return (type, first word, last word) of the entities in `tags`, which are of one sentence."""
    found = set()
    start, before, type_before = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, type_ = tag[0], tag[1:].split("-", maxsplit=1)[-1] or _UNTYPED
        changed = type_ != type_before
        if _ends(before, prefix, changed):
            found.add((type_before, start, place - 1))
        if _starts(before, prefix, changed):
            start = place
        before, type_before = prefix, type_
    return found


def entities_of_sentences(tags: Sequence[str], sentence: npt.ArrayLike) -> set[Entity]:
    """Return the entities in `tags` of many sentences; words are counted through all of them.

    sentence: (words,) which one each word is in; the words of one are beside each other. They are read as one sequence
    with an O behind each sentence, as seqeval does: that matters for tags without a type alone.
    """
    places = _places(np.asarray(sentence))
    joined = [OUTSIDE] * (int(places[-1]) + 1 if len(places) else 0)
    for place, tag in zip(places.tolist(), tags, strict=True):
        joined[place] = tag
    word = {place: number for number, place in enumerate(places.tolist())}
    return {(type_, word[start], word[last]) for type_, start, last in entities(joined)}


def _places(sentence: npt.NDArray[np.integer]) -> IntArray:
    """Return the places of the words, (words,), where every sentence has one more behind it."""
    begun = np.concatenate([[0], np.cumsum(sentence[1:] != sentence[:-1])])[: len(sentence)]
    places: IntArray = (np.arange(len(sentence)) + begun).astype(np.intp)
    return places


def _ends(before: str, prefix: str, changed: bool) -> bool:
    if before in "ES" or (before in "BI" and prefix in "BSO"):
        return True
    return before not in "O." and changed


def _starts(before: str, prefix: str, changed: bool) -> bool:
    if prefix in "BS" or (before in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and changed
