"""The three rounds of anli: inference whose pairs differ in grammar, after Nie et al. 2020 (arXiv 1910.14599)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bench.data.artificial.draws import GRAMMATICAL, TALES, draw_hypothesis, in_region, way_to
from bench.data.artificial.labels import draw_label, posterior
from bench.data.artificial.meaning import ATTRIBUTE, EQUAL, TENSE, UNSAID, Description, slot_relations
from bench.data.artificial.parts import draw_meaning
from bench.data.artificial.streams import Stream
from bench.data.artificial.tasks import Item

# Premises of a round, with three items each.
GROUPS = {"train": 200, "validation": 45}
ROUNDS = (1, 2, 3)


@lru_cache(maxsize=16)
def round_items(world: int, number: int, split: str) -> tuple[Item, ...]:
    """Return the items of a round, one aimed at each label per premise.

    In the first round some change is one of number, tense or attribute; in the second the premise says all of these
    besides; in the third nothing else changes.
    """
    stream, out, used = Stream("rounds", world, number, split), list[Item](), set[str]()
    while len(out) < 3 * GROUPS[split]:
        premise = draw_meaning(stream, world, TALES, split)
        if premise.spelled() in used or not _PREMISES[number](premise):
            continue
        group = _group(stream, world, number, premise)
        if group:
            used.add(premise.spelled())
            out += group
    return tuple(out)


def _group(stream: Stream, world: int, number: int, premise: Description) -> list[Item]:
    def fits(drawn: Description) -> bool:
        return in_region(world, "tasks", drawn) and _CHANGES[number](_changed(premise, drawn))

    group = list[Item]()
    for aim in stream.shuffled(range(3)):
        kind, negated = way_to(stream, premise, aim)
        drawn = draw_hypothesis(stream, world, TALES, premise, kind, fits)
        if drawn is None:
            return []
        hypothesis = Description(drawn.nodes, negated)
        probabilities = posterior("anli", premise, hypothesis)
        group.append(Item(premise, hypothesis, draw_label(stream, probabilities), probabilities))
    return group


def _changed(premise: Description, hypothesis: Description) -> set[int]:
    return {slot for slot, held in enumerate(slot_relations(premise, hypothesis)) if held != EQUAL}


def _some_grammar(changed: set[int]) -> bool:
    return bool(changed & GRAMMATICAL)


def _nothing_but_grammar(changed: set[int]) -> bool:
    return changed <= GRAMMATICAL


def _says_all(premise: Description) -> bool:
    return premise.nodes[TENSE] != UNSAID and premise.nodes[ATTRIBUTE] != UNSAID


def _any(premise: Description) -> bool:
    return True


_PREMISES: dict[int, Callable[[Description], bool]] = {1: _any, 2: _says_all, 3: _any}
_CHANGES: dict[int, Callable[[set[int]], bool]] = {1: _some_grammar, 2: _some_grammar, 3: _nothing_but_grammar}
