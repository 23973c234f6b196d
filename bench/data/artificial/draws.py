"""Draws of meanings: premises, hypotheses in a wanted relation to them, and the regions that keep uses apart.

A hypothesis is its premise after one or two kinds of change: `within` (more general), `across` (more general in places,
more specific in one) and `apart` (one slot disjoint). An affirmed hypothesis within the premise is entailed and a
negated one contradicted; for one apart it is the other way round. Both ways lead to both labels, and detailed premises
go the way `within` more often, so that neither a word nor the amount of detail of a hypothesis speaks for a label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from bench.data.artificial.meaning import (
    AGENT,
    ATTRIBUTE,
    CONTRADICTION,
    DISJOINT,
    DOMAIN,
    DOWN,
    NEUTRAL,
    NUMBER,
    PATIENT,
    PATIENT_NUMBER,
    PLACE,
    TENSE,
    UNSAID,
    UP,
    VERB,
    Description,
    Tree,
)
from bench.data.artificial.streams import Stream, hash_fraction

OPTIONAL = frozenset({ATTRIBUTE, TENSE, PLACE})
# Slots expressed by grammar or by a closed class: changes there make an item hard (see labels.py).
GRAMMATICAL = frozenset({NUMBER, ATTRIBUTE, TENSE, PATIENT_NUMBER})
_SLOT_WEIGHTS = (20, 4, 8, 20, 12, 20, 4, 16)
# An optional slot is more often open to DOWN than to UP: without these, what is added would speak for "neutral".
_DOWN_WEIGHTS = (20, 0, 3, 20, 6, 20, 0, 7)
_TRIES = 40
WITHIN, ACROSS, APART = "within", "across", "apart"
PLANS: dict[str, tuple[tuple[str, ...], ...]] = {
    WITHIN: ((UP,),),
    ACROSS: ((UP, DOWN), (UP, UP, DOWN)),
    APART: ((DISJOINT,),),
}
# One more specific slot in the premise makes `within` this much more likely, around the mean detail.
_TILT, _MEAN_DETAIL = 0.12, 5.0


@dataclass(frozen=True, slots=True)
class Genre:
    """A region of meaning space: how often an optional slot is said, how often a slot is said by a hypernym (one of
    several rates, drawn per premise, so that amounts of detail spread), and which words are frequent (by name)."""

    name: str
    hypernym: tuple[float, ...]
    said: tuple[tuple[int, float], ...]


TALES = Genre("tales", (0.2, 0.42, 0.7), ((ATTRIBUTE, 0.25), (TENSE, 0.45), (PLACE, 0.4)))
CAPTIONS = Genre("captions", (0.3, 0.5, 0.65), ((ATTRIBUTE, 0.15), (TENSE, 0.35), (PLACE, 0.55)))


@cache
def frequencies(world: int, genre: str, slot: int) -> tuple[int, ...]:
    """Return integer Zipf weights of a slot's leaves; which leaf is frequent is drawn per world and genre."""
    tree = DOMAIN[slot]
    ranks = Stream("zipf", world, genre, slot).shuffled(range(tree.leaves))
    return tuple(10000 // (rank + 2) for rank in ranks)


def draw_leaf(stream: Stream, world: int, genre: Genre, slot: int, among: Sequence[int]) -> int:
    """Return one of the leaves `among`, in proportion to its frequency."""
    weights = frequencies(world, genre.name, slot)
    return among[stream.weighted([weights[leaf] for leaf in among])]


def draw_node(stream: Stream, world: int, genre: Genre, slot: int, hypernym: float) -> int:
    """Return a leaf or, at the rate `hypernym`, a hypernym (where the slot has them)."""
    tree = DOMAIN[slot]
    leaf = draw_leaf(stream, world, genre, slot, range(tree.leaves))
    return tree.hypernym(leaf) if tree.groups and stream.chance(hypernym) else leaf


def _maybe_node(stream: Stream, world: int, genre: Genre, slot: int, hypernym: float) -> int:
    if slot in OPTIONAL and not stream.chance(dict(genre.said)[slot]):
        return UNSAID
    return draw_node(stream, world, genre, slot, hypernym)


def draw_premise(stream: Stream, world: int, genre: Genre, fits: Callable[[Description], bool]) -> Description:
    """Return an affirmed description that allows every plan and for which `fits` holds."""
    while True:
        hypernym = stream.choice(genre.hypernym)
        premise = Description(tuple(_maybe_node(stream, world, genre, slot, hypernym) for slot in range(len(DOMAIN))))
        if _places_for(premise, UP) and _places_for(premise, DOWN) and fits(premise):
            return premise


def draw_hypothesis(
    stream: Stream, world: int, genre: Genre, premise: Description, kind: str, fits: Callable[[Description], bool]
) -> Description | None:
    """Return an affirmed description of `kind` (within, across, apart) against `premise` for which `fits` holds.

    None after 40 tries: some premises have no such hypothesis in the region asked for, and another must be drawn.
    """
    for _ in range(_TRIES):
        hypothesis = _changed(stream, world, genre, premise, stream.choice(PLANS[kind]))
        if hypothesis is not None and fits(hypothesis):
            return hypothesis
    return None


def _changed(
    stream: Stream, world: int, genre: Genre, premise: Description, changes: tuple[str, ...]
) -> Description | None:
    nodes, used = list(premise.nodes), set[int]()
    for change in changes:
        open_slots = [slot for slot in _places_for(premise, change) if slot not in used]
        if not open_slots:
            return None
        weights = _DOWN_WEIGHTS if change == DOWN else _SLOT_WEIGHTS
        slot = open_slots[stream.weighted([weights[slot] for slot in open_slots])]
        nodes[slot] = _CHANGES[change](stream, world, genre, slot, nodes[slot])
        used.add(slot)
    return Description(tuple(nodes))


def _places_for(description: Description, change: str) -> list[int]:
    return [slot for slot, node in enumerate(description.nodes) if _allows(DOMAIN[slot], slot, node, change)]


def _allows(tree: Tree, slot: int, node: int, change: str) -> bool:
    if change == UP:
        return node != UNSAID and (slot in OPTIONAL or (tree.groups > 0 and tree.is_leaf(node)))
    if change == DOWN:
        return not tree.is_leaf(node)
    return node != UNSAID


def _more_general(stream: Stream, world: int, genre: Genre, slot: int, node: int) -> int:
    tree = DOMAIN[slot]
    above = tree.hypernym(node) if tree.is_leaf(node) else UNSAID
    return UNSAID if slot in OPTIONAL and stream.chance(0.5) else above


def _more_specific(stream: Stream, world: int, genre: Genre, slot: int, node: int) -> int:
    if node == UNSAID:
        return draw_node(stream, world, genre, slot, stream.choice(genre.hypernym))
    return draw_leaf(stream, world, genre, slot, DOMAIN[slot].below(node))


def _elsewhere(stream: Stream, world: int, genre: Genre, slot: int, node: int) -> int:
    while True:
        other = draw_node(stream, world, genre, slot, stream.choice(genre.hypernym))
        if DOMAIN[slot].relation(node, other) == DISJOINT:
            return other


_CHANGES: dict[str, Callable[[Stream, int, Genre, int, int], int]] = {
    UP: _more_general,
    DOWN: _more_specific,
    DISJOINT: _elsewhere,
}


def way_to(stream: Stream, premise: Description, label: int) -> tuple[str, bool]:
    """Return (kind, negated) of a hypothesis that has `label` against the affirmed `premise`."""
    if label == NEUTRAL:
        return ACROSS, stream.chance(0.5)
    within = stream.chance(min(1.0, max(0.0, 0.5 + _TILT * (detail(premise) - _MEAN_DETAIL))))
    return (WITHIN if within else APART), within == (label == CONTRADICTION)


def detail(description: Description) -> int:
    """Return the number of slots said by a leaf, and one more for a place said at all by a hypernym."""
    leaves = sum(tree.is_leaf(node) for tree, node in zip(DOMAIN, description.nodes, strict=True))
    return leaves + (description.nodes[PLACE] >= DOMAIN[PLACE].leaves)


# Shares of meaning space by the hash of a description's content: nothing is said in two uses.
_REGIONS = {"pretraining": (0.0, 0.5), "tasks": (0.5, 1.0)}
_PREMISES = {
    ("snli", "train"): (0.5, 0.65),
    ("xnli", "train"): (0.65, 0.85),
    ("xnli", "validation"): (0.85, 0.92),
    ("xnli", "test"): (0.92, 1.0),
}
_HELD_OUT = 0.1


def in_region(world: int, region: str, description: Description) -> bool:
    """Return whether the content of `description` belongs to "pretraining" or "tasks"."""
    low, high = _REGIONS[region]
    return low <= hash_fraction("region", world, description.spelled()) < high


def premise_of(world: int, task: str, split: str, description: Description) -> bool:
    """Return whether `description` may be a premise of that split; the splits share no premise."""
    low, high = _PREMISES[task, split]
    return low <= hash_fraction("region", world, description.spelled()) < high


def held_out(world: int, description: Description) -> bool:
    """Return whether pretraining must not say this: a verb with a tense and number, or a noun with a number and role.

    In languages that bind these into one word, the word is then a form first seen at evaluation.
    """
    nodes = description.nodes
    if hash_fraction("held out", world, "verb", nodes[VERB], nodes[TENSE], nodes[NUMBER]) < _HELD_OUT:
        return True
    nouns = (("agent", nodes[AGENT], nodes[NUMBER]), ("patient", nodes[PATIENT], nodes[PATIENT_NUMBER]))
    return any(_number_held_out(world, role, noun) == number for role, noun, number in nouns)


def _number_held_out(world: int, role: str, noun: int) -> int | None:
    """Return the one number that pretraining never says of some nouns: the other keeps the noun itself known."""
    drawn = hash_fraction("held out", world, role, noun) / (2 * _HELD_OUT)
    return int(2 * drawn) if drawn < 1 else None


def for_pretraining(world: int, description: Description) -> bool:
    """Return whether the pretraining corpus may say this."""
    return in_region(world, "pretraining", description) and not held_out(world, description)
