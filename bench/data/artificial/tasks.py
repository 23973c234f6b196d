"""The task data of an artificial world: the same items in every language, in groups of three like XNLI's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bench.data.artificial.draws import (
    CAPTIONS,
    TALES,
    draw_hypothesis,
    draw_premise,
    in_region,
    premise_of,
    way_to,
)
from bench.data.artificial.grammar import language
from bench.data.artificial.labels import draw_label, posterior
from bench.data.artificial.languages import describe
from bench.data.artificial.meaning import Description
from bench.data.artificial.streams import Stream
from bench.data.dataset_spec import NLI_LABELS
from bench.data.example import Example, Provenance, Split
from bench.errors import BadInput

# Premise groups of three items each. snli stands for another genre with its own label noise.
GROUPS = {("xnli", "train"): 4000, ("xnli", "validation"): 500, ("xnli", "test"): 400, ("snli", "train"): 4000}
_GENRES = {"xnli": TALES, "snli": CAPTIONS}


@dataclass(frozen=True, slots=True)
class Item:
    """One pair of meanings, before any language: its logical label is `relation(premise, hypothesis)`."""

    premise: Description
    hypothesis: Description
    label: int
    posterior: tuple[float, float, float]


def nli_split(task: str, split: str, token: str) -> Split:
    """Return one split of "xnli", "snli" or "mnli" in the language `token`, drawn the same on every machine.

    xnli has "train", "validation" and "test" in every language; snli has "train", and mnli's "train" is xnli's, as
    XNLI's training set is MNLI's. Item and group ids are shared by all languages. Raises BadInput for anything else.
    """
    facts, speaker = describe(token), language(token)
    kind = "xnli" if task == "mnli" and split == "train" else task
    if (kind, split) not in GROUPS:
        known = ", ".join(f"{name} {part}" for name, part in GROUPS)
        raise BadInput(f"Got task={task!r}, split={split!r}, but an artificial world has {known}, mnli train.")
    prefix = f"w{facts.world}-{kind}-{split}"
    examples = tuple(
        Example(
            f"{prefix}-{index}",
            f"{prefix}-{index // 3}",
            speaker.sentence(item.premise),
            speaker.sentence(item.hypothesis),
            item.label,
            item.posterior,
        )
        for index, item in enumerate(items(facts.world, kind, split))
    )
    return Split(split, token, NLI_LABELS, examples, Provenance("artificial", note=f"artificial world {facts.world}"))


@lru_cache(maxsize=16)
def items(world: int, task: str, split: str) -> tuple[Item, ...]:
    """Return the meanings and labels of a split, three hypotheses to a premise: one aimed at each label, shuffled."""
    stream, out = Stream("items", world, task, split), list[Item]()
    used = set[str]()
    while len(out) < 3 * GROUPS[task, split]:
        group = _group(stream, world, task, split)
        if group and group[0].premise.spelled() not in used:
            used.add(group[0].premise.spelled())
            out += group
    return tuple(out)


def _group(stream: Stream, world: int, task: str, split: str) -> list[Item]:
    """Return the three items of one premise, or none if the premise has no hypothesis of some kind."""
    genre = _GENRES[task]
    premise = draw_premise(stream, world, genre, lambda drawn: premise_of(world, task, split, drawn))
    group = list[Item]()
    for aim in stream.shuffled(range(3)):
        kind, negated = way_to(stream, premise, aim)
        drawn = draw_hypothesis(stream, world, genre, premise, kind, lambda other: in_region(world, "tasks", other))
        if drawn is None:
            return []
        hypothesis = Description(drawn.nodes, negated)
        probabilities = posterior(task, premise, hypothesis)
        group.append(Item(premise, hypothesis, draw_label(stream, probabilities), probabilities))
    return group
