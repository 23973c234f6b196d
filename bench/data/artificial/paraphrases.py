"""The meanings of paraphrase pairs: two tasks, two genres, and no bag of words that tells their labels apart.

A paraphrase says one slot by its class, or by one of its class's leaves; a pair that is none says another class there,
or a leaf of another class. Both turn a leaf into a class or a class into a leaf, so neither the words of a pair nor how
many the two sentences share tell the labels apart: what does is which leaf is of which class. A fifth of the pairs
differs in grammar alone. Anywhere an optional slot may be said in one of the sentences only, whatever the label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bench.data.artificial.draws import (
    CAPTIONS,
    GRAMMATICAL,
    TALES,
    Genre,
    draw_leaf,
    draw_node,
    frequencies,
    in_region,
)
from bench.data.artificial.meaning import (
    AGENT,
    DOMAIN,
    NUMBER,
    PATIENT,
    PATIENT_NUMBER,
    PLACE,
    UNSAID,
    VERB,
    Description,
)
from bench.data.artificial.parts import draw_meaning
from bench.data.artificial.streams import Stream

OTHER, PARAPHRASE = 0, 1
GROUPS = {"train": 4000, "validation": 200, "test": 200}
_GENRES = {"qqp": CAPTIONS, "pawsx": TALES}
_WAYS = {"qqp": (1, 8, 1), "pawsx": (1, 7, 2)}
_GRAMMAR = 2
_ONE_SIDED = 0.3
# How many pairs in ten change level (a class for a leaf), change a word for its sibling, or change grammar alone.
# The probability of the true label, where an open-class slot changes and where grammar alone does.
_STRENGTH = {"qqp": (0.93, 0.78), "pawsx": (0.95, 0.8)}


@dataclass(frozen=True, slots=True)
class Rewording:
    """Two meanings, whether the second is said to paraphrase the first, and P(other), P(paraphrase)."""

    first: Description
    second: Description
    label: int
    posterior: tuple[float, float]


@lru_cache(maxsize=16)
def rewordings(world: int, task: str, split: str) -> tuple[Rewording, ...]:
    """Return the pairs of "qqp" or "pawsx": one paraphrase and one that is none for each first sentence, shuffled."""
    stream, out, used = Stream("paraphrases", world, task, split), list[Rewording](), set[str]()
    while len(out) < 2 * GROUPS[split]:
        first = draw_meaning(stream, world, _GENRES[task], split)
        group = [_rewording(stream, world, task, first, aim) for aim in stream.shuffled((OTHER, PARAPHRASE))]
        found = [drawn for drawn in group if drawn is not None]
        if len(found) == len(group) and first.spelled() not in used:
            used.add(first.spelled())
            out += found
    return tuple(out)


def one_sided(
    stream: Stream, world: int, genre: Genre, said: Description, keep: frozenset[int] = frozenset()
) -> Description:
    """Return `said` with an optional slot more or less, none of `keep`; both as often, so that detail says nothing."""
    rates = {slot: round(100 * rate) for slot, rate in genre.said if slot not in keep}
    more = [slot for slot in rates if said.nodes[slot] == UNSAID]
    less = [slot for slot in rates if said.nodes[slot] != UNSAID]
    if not more or (less and stream.chance(0.5)):
        return with_node(said, stream.choice(less), UNSAID)
    slot = more[stream.weighted([rates[slot] for slot in more])]
    return with_node(said, slot, draw_node(stream, world, genre, slot, stream.choice(genre.hypernym)))


def with_node(said: Description, slot: int, node: int) -> Description:
    """Return `said` with `node` in `slot`."""
    return Description((*said.nodes[:slot], node, *said.nodes[slot + 1 :]), said.negated)


def _rewording(stream: Stream, world: int, task: str, first: Description, aim: int) -> Rewording | None:
    """Return a pair of the kind aimed at, or None where another first sentence must be drawn."""
    way = stream.weighted(_WAYS[task])
    second = _CHANGES[way](stream, world, _GENRES[task], first, aim)
    if second is None:
        return None
    if second == first or stream.chance(_ONE_SIDED):
        # What was changed must stay, or the pair would be a paraphrase after all.
        changed = frozenset(slot for slot, node in enumerate(first.nodes) if node != second.nodes[slot])
        second = one_sided(stream, world, _GENRES[task], second, changed)
    if not in_region(world, "tasks", second):
        return None
    strength = _STRENGTH[task][way == _GRAMMAR]
    probabilities = (1 - strength, strength) if aim == PARAPHRASE else (strength, 1 - strength)
    return Rewording(first, second, int(stream.chance(probabilities[1])), probabilities)


def _change_level(stream: Stream, world: int, genre: Genre, first: Description, aim: int) -> Description:
    """Return `first` with a leaf for a class, or a class for a leaf, in one slot: a fitting one only for PARAPHRASE."""
    slot = stream.choice([slot for slot in (AGENT, VERB, PATIENT, PLACE) if first.nodes[slot] != UNSAID])
    tree, node = DOMAIN[slot], first.nodes[slot]
    if tree.is_leaf(node):
        own = tree.hypernym(node)
        groups = range(tree.leaves, tree.size)
        return with_node(
            first, slot, own if aim == PARAPHRASE else stream.choice([group for group in groups if group != own])
        )
    inside = tree.below(node)
    leaves = [leaf for leaf in range(tree.leaves) if (leaf in inside) == (aim == PARAPHRASE)]
    return with_node(first, slot, draw_leaf(stream, world, genre, slot, leaves))


def _change_to_sibling(stream: Stream, world: int, genre: Genre, first: Description, aim: int) -> Description | None:
    """Return `first` with another word of the same kind in one slot, or as it is for a paraphrase.

    What is too rare against the word it replaces is refused, so that rare words do not speak for a label: words and
    their replacements are equally frequent where first sentences with a refused one are drawn again.
    """
    if aim == PARAPHRASE:
        return first
    slot = stream.choice([slot for slot in (AGENT, VERB, PATIENT, PLACE) if first.nodes[slot] != UNSAID])
    tree, node = DOMAIN[slot], first.nodes[slot]
    kind = range(tree.leaves) if tree.is_leaf(node) else range(tree.leaves, tree.size)
    other = stream.choice([sibling for sibling in kind if sibling != node])
    old, new = (_frequency(world, genre, slot, said) for said in (node, other))
    return with_node(first, slot, other) if stream.chance(new / (old + new)) else None


def _frequency(world: int, genre: Genre, slot: int, node: int) -> int:
    weights = frequencies(world, genre.name, slot)
    return sum(weights[leaf] for leaf in DOMAIN[slot].below(node))


def _change_grammar(stream: Stream, world: int, genre: Genre, first: Description, aim: int) -> Description:
    """Return `first` with another number, tense or attribute, or as it is for a paraphrase."""
    if aim == PARAPHRASE:
        return first
    slot = stream.choice([slot for slot in sorted(GRAMMATICAL) if first.nodes[slot] != UNSAID])
    numbers = first.nodes[NUMBER], first.nodes[PATIENT_NUMBER]
    if slot in (NUMBER, PATIENT_NUMBER) and numbers[0] != numbers[1]:
        # Exchanged, the two numbers leave the bag of morphemes as it was.
        return with_node(with_node(first, NUMBER, numbers[1]), PATIENT_NUMBER, numbers[0])
    others = [leaf for leaf in range(DOMAIN[slot].leaves) if leaf != first.nodes[slot]]
    return with_node(first, slot, stream.choice(others))


_CHANGES = (_change_level, _change_to_sibling, _change_grammar)
