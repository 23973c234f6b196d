"""A text and its possible continuations or answers: hellaswag, cosmosqa and csqa, each with a construction of its own.

hellaswag: of four continuations one follows from the text and three contradict it, through polarity as well.
cosmosqa: the text is two sentences; four answers say the first again with more or less detail, three of them with
other words in two places. csqa: the text is general; of five specific sentences one is a case of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from bench.data.artificial.draws import (
    CAPTIONS,
    TALES,
    draw_hypothesis,
    draw_leaf,
    draw_premise,
    in_region,
    way_to,
)
from bench.data.artificial.meaning import AGENT, CONTRADICTION, DOMAIN, ENTAILMENT, PATIENT, VERB, Description
from bench.data.artificial.paraphrases import one_sided, with_node
from bench.data.artificial.parts import draw_meaning, in_part, prefix, provenance
from bench.data.artificial.streams import Stream
from bench.data.artificial.translation_noise import Translator
from bench.data.example import ChoiceExample, Split

SIZES = {"train": 2500, "validation": 400}
CHOICES = {"hellaswag": 4, "cosmosqa": 4, "csqa": 5}
SPLITS = frozenset((task, split) for task in CHOICES for split in SIZES)
# The probability that the choice which fits is the one that is called right.
_STRENGTH = 0.92
_TRIES = 40
_WORDS_APART = 2
# What choices differ in, and the texts of csqa say by a class alone.
_GENERAL = (AGENT, VERB, PATIENT)


@dataclass(frozen=True, slots=True)
class Riddle:
    """The meanings of a text's sentences and of its choices, which choice is called right, and P(choice is)."""

    text: tuple[Description, ...]
    choices: tuple[Description, ...]
    label: int
    posterior: tuple[float, ...]


def choice_split(task: str, split: str, into: Translator) -> Split:
    """Return one of SPLITS in the language of `into`; its labels name the choices by their number."""
    facts = into.speaker.facts
    begin = prefix(facts.world, task, split)
    examples = tuple(
        _example(f"{begin}-{index}", riddle, into) for index, riddle in enumerate(riddles(facts.world, task, split))
    )
    labels = tuple(map(str, range(CHOICES[task])))
    return Split(split, facts.token, labels, examples, provenance(facts.world, into.note))


@lru_cache(maxsize=16)
def riddles(world: int, task: str, split: str) -> tuple[Riddle, ...]:
    """Return the meanings of a split, no two with the same text."""
    stream, out, used = Stream("choices", world, task, split), list[Riddle](), set[tuple[Description, ...]]()
    while len(out) < SIZES[split]:
        drawn = _DRAWS[task](stream, world, split)
        if drawn is not None and drawn[0] not in used:
            used.add(drawn[0])
            out.append(_riddle(stream, *drawn))
    return tuple(out)


def _riddle(stream: Stream, text: tuple[Description, ...], choices: list[Description]) -> Riddle:
    """Return the riddle whose first choice is the one that fits, in a random order."""
    order = stream.shuffled(range(len(choices)))
    rest = (1 - _STRENGTH) / (len(choices) - 1)
    posterior = tuple(_STRENGTH if place == 0 else rest for place in order)
    label = order.index(0 if stream.chance(_STRENGTH) else 1 + stream.below(len(choices) - 1))
    return Riddle(text, tuple(choices[place] for place in order), label, posterior)


# A text and its choices, of which the first one fits.
_Drawn = tuple[tuple[Description, ...], list[Description]]


def _continuations(stream: Stream, world: int, split: str) -> _Drawn | None:
    text = draw_meaning(stream, world, TALES, split)

    labels = (ENTAILMENT, *[CONTRADICTION] * (CHOICES["hellaswag"] - 1))
    choices = [_continuation(stream, world, text, label) for label in labels]
    return _complete((text,), choices)


def _continuation(stream: Stream, world: int, text: Description, label: int) -> Description | None:
    kind, negated = way_to(stream, text, label)
    drawn = draw_hypothesis(stream, world, TALES, text, kind, lambda other: in_region(world, "tasks", other))
    return drawn and Description(drawn.nodes, negated)


def _retellings(stream: Stream, world: int, split: str) -> _Drawn | None:
    """Four meanings that differ in two words, any of which may be the text's, so that no word speaks for a choice."""
    base = draw_premise(stream, world, CAPTIONS, lambda _: True)
    said = [base] * CHOICES["cosmosqa"]
    for slot in stream.shuffled(_GENERAL)[:_WORDS_APART]:
        leaves = _different_leaves(stream, world, slot, len(said))
        said = [with_node(meaning, slot, leaf) for meaning, leaf in zip(said, leaves, strict=True)]
    if not in_part(world, split, said[0]):
        return None
    choices = [_in_tasks(world, partial(one_sided, stream, world, CAPTIONS, told)) for told in said]
    return _complete((said[0], draw_meaning(stream, world, CAPTIONS, split)), choices)


def _different_leaves(stream: Stream, world: int, slot: int, count: int) -> list[int]:
    """Return `count` leaves in a random order, the frequent ones more often among them."""
    leaves = list[int]()
    while len(leaves) < count:
        left = [leaf for leaf in range(DOMAIN[slot].leaves) if leaf not in leaves]
        leaves.append(draw_leaf(stream, world, CAPTIONS, slot, left))
    return stream.shuffled(leaves)


def _cases(stream: Stream, world: int, split: str) -> _Drawn | None:
    # Classes are drawn alike, so that those of the wrong choices are no rarer.
    text = draw_premise(stream, world, CAPTIONS, lambda _: True)
    for slot in _GENERAL:
        text = with_node(text, slot, stream.choice(range(DOMAIN[slot].leaves, DOMAIN[slot].size)))
    if not in_part(world, split, text):
        return None
    wrong = [place > 0 for place in range(CHOICES["csqa"])]
    return _complete((text,), [_in_tasks(world, partial(_case, stream, world, text, other)) for other in wrong])


def _case(stream: Stream, world: int, text: Description, wrong: bool) -> Description:
    """Return a case of the general `text`, or a sentence with leaves of other classes."""
    case = text
    for slot in _GENERAL:
        tree, own = DOMAIN[slot], text.nodes[slot]
        group = stream.choice([node for node in range(tree.leaves, tree.size) if (node == own) != wrong])
        case = with_node(case, slot, draw_leaf(stream, world, CAPTIONS, slot, tree.below(group)))
    return case


def _in_tasks(world: int, draw: Callable[[], Description]) -> Description | None:
    """Return the first meaning that `draw` draws of those that tasks may say, None after 40."""
    return next((said for said in (draw() for _ in range(_TRIES)) if in_region(world, "tasks", said)), None)


def _complete(text: tuple[Description, ...], choices: list[Description | None]) -> _Drawn | None:
    """Return the text and its choices, or None when one was not found or two are the same."""
    found = list(dict.fromkeys(choice for choice in choices if choice is not None))
    return (text, found) if len(found) == len(choices) else None


_DRAWS: dict[str, Callable[[Stream, int, str], _Drawn | None]] = {
    "hellaswag": _continuations,
    "cosmosqa": _retellings,
    "csqa": _cases,
}


def _example(item_id: str, riddle: Riddle, into: Translator) -> ChoiceExample:
    return ChoiceExample(
        item_id,
        item_id,
        " ".join(into.sentence(said, item_id, "text", place) for place, said in enumerate(riddle.text)),
        tuple(into.sentence(said, item_id, "choice", place) for place, said in enumerate(riddle.choices)),
        riddle.label,
        riddle.posterior,
    )
