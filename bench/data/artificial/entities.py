"""The tags of panx: leaves of some classes are names of persons, organisations and places; classes are no names.

The entity is a whole phrase with its attribute and free markers, but for a case marker at its end.
"""

from __future__ import annotations

from bench.data.artificial.grammar import NAMED_PLACES
from bench.data.artificial.meaning import AGENTS, PATIENTS, PLACE, SLOTS, Description, Tree
from bench.data.artificial.morphemes import CASES, Morpheme

OUTSIDE = "O"
LABELS = (OUTSIDE, "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
# The entity type of the leaves of each class, and who takes which for which.
_TYPES = {"agent": (AGENTS, ("PER", "PER", "ORG")), "patient": (PATIENTS, ("ORG", "ORG", "LOC"))}
_TAKEN_FOR = {
    "PER": {"PER": 0.94, "ORG": 0.04, OUTSIDE: 0.02},
    "ORG": {"PER": 0.06, "ORG": 0.89, OUTSIDE: 0.05},
    "LOC": {"ORG": 0.04, "LOC": 0.94, OUTSIDE: 0.02},
    OUTSIDE: {"PER": 0.03, "ORG": 0.03, OUTSIDE: 0.94},
}


def entity_tag(said: Description, morpheme: Morpheme) -> dict[str, float]:
    """Return P(tag) of a word, always in the order of types, so that one draw tags the words of a phrase alike."""
    if morpheme.phrase not in (*_TYPES, "place") or (morpheme.closes and morpheme.mark in CASES):
        return {OUTSIDE: 1.0}
    begin = "B-" if morpheme.begins else "I-"
    taken = _TAKEN_FOR[_type(said, morpheme.phrase)]
    return {kind if kind == OUTSIDE else begin + kind: share for kind, share in taken.items()}


def _type(said: Description, phrase: str) -> str:
    if phrase == "place":
        return "LOC" if said.nodes[PLACE] in NAMED_PLACES else OUTSIDE
    tree, types = _TYPES[phrase]
    return _of_leaf(tree, types, said.nodes[SLOTS.index(phrase)])


def _of_leaf(tree: Tree, types: tuple[str, ...], node: int) -> str:
    return types[tree.hypernym(node) - tree.leaves] if tree.is_leaf(node) else OUTSIDE
