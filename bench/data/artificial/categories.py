r"""The tags of ccg: categories that say which arguments a word takes and on which side (Steedman 2000).

`X/Y` takes a `Y` on its right, `X\Y` one on its left. A noun is `NP` when it stands alone, and `N` when free markers
follow, the last of which makes the `NP`; a clause is `S[dcl]` where its tense is said and `S[b]` where it is not.
"""

from __future__ import annotations

from bench.data.artificial.grammar import Language
from bench.data.artificial.languages import VERB_ORDERS
from bench.data.artificial.meaning import TENSE, UNSAID, Description
from bench.data.artificial.morphemes import STEM, Morpheme
from bench.data.artificial.parts_of_speech import certainty

_VERBS = {"SVO": r"(S[{}]\NP)/NP", "SOV": r"(S[{}]\NP)\NP", "VSO": "(S[{}]/NP)/NP"}
_CLAUSES = ("dcl", "b")
_BEFORE_NOUN, _AFTER_NOUN = "NP/NP", r"NP\NP"
_POLARITY = r"(S\NP)/(S\NP)"
_TENSE, _AGREEMENT = r"(S[dcl]\NP)\(S[b]\NP)", r"(S\NP)\(S\NP)"
_ATTRIBUTE_MARKER = r"(NP/NP)\(NP/NP)"
_PLACE, _LOCATIVE = r"S\S", r"(S\S)\NP"
LABELS = (
    "N", "NP", r"N\N", r"NP\N", _BEFORE_NOUN, _AFTER_NOUN, _ATTRIBUTE_MARKER, _POLARITY,
    *(_VERBS[order].format(clause) for order in VERB_ORDERS for clause in _CLAUSES),
    _TENSE, _AGREEMENT, _PLACE, _LOCATIVE,
)  # fmt: skip


def category(speaker: Language, said: Description, morpheme: Morpheme) -> dict[str, float]:
    """Return P(tag) of a word: its own category, and what is left shared by all the others alike."""
    own, sure = _category(speaker, said, morpheme), certainty(said, morpheme)
    rest = (1 - sure) / (len(LABELS) - 1)
    return {label: sure if label == own else rest for label in LABELS}


def _category(speaker: Language, said: Description, morpheme: Morpheme) -> str:
    if morpheme.part in ("agent", "patient"):
        return _noun(morpheme)
    if morpheme.part == "attribute":
        beside = _BEFORE_NOUN if speaker.facts.adjective_first else _AFTER_NOUN
        return beside if morpheme.mark == STEM else _ATTRIBUTE_MARKER
    if morpheme.part == "place":
        return _place(morpheme)
    return _POLARITY if morpheme.part == "polarity" else _verb(speaker, said, morpheme)


def _noun(morpheme: Morpheme) -> str:
    if morpheme.mark == STEM:
        return "N" if morpheme.left else "NP"
    return r"N\N" if morpheme.left else r"NP\N"


def _place(morpheme: Morpheme) -> str:
    if morpheme.mark == STEM:
        return "NP" if morpheme.left else _PLACE
    return _LOCATIVE


def _verb(speaker: Language, said: Description, morpheme: Morpheme) -> str:
    if morpheme.mark == STEM:
        return _VERBS[speaker.facts.verb_order].format("b" if said.nodes[TENSE] == UNSAID else "dcl")
    return _TENSE if morpheme.mark == "tense" else _AGREEMENT
