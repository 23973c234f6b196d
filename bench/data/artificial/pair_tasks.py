"""Pairs of sentences in a language: inference (xnli, snli, mnli, anli) and paraphrase (qqp, pawsx)."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.artificial import paraphrases, tasks
from bench.data.artificial.inference_rounds import ROUNDS, round_items
from bench.data.artificial.meaning import Description
from bench.data.artificial.paraphrases import Rewording, rewordings
from bench.data.artificial.parts import prefix, provenance
from bench.data.artificial.tasks import Item, items
from bench.data.artificial.translation_noise import Translator
from bench.data.dataset_spec import NLI_LABELS
from bench.data.example import Example, Split

_PARAPHRASE_LABELS = {"qqp": ("not_duplicate", "duplicate"), "pawsx": ("0", "1")}
SPLITS = frozenset(
    {
        *tasks.GROUPS,
        ("mnli", "train"),
        ("anli", "train"),
        ("anli", "validation"),
        ("qqp", "train"),
        ("qqp", "validation"),
        *(("pawsx", split) for split in paraphrases.GROUPS),
    }
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two meanings with what an Example says of them."""

    item_id: str
    group_id: str
    first: Description
    second: Description
    label: int
    posterior: tuple[float, ...]


def pair_split(task: str, split: str, into: Translator) -> Split:
    """Return one of SPLITS in the language of `into`.

    mnli's training set is xnli's; anli's are snli's, mnli's and three small rounds, with ids of their own origin.
    """
    facts = into.speaker.facts
    examples = tuple(_example(pair, into) for pair in pairs(facts.world, task, split))
    labels = _PARAPHRASE_LABELS.get(task, NLI_LABELS)
    return Split(split, facts.token, labels, examples, provenance(facts.world, into.note))


def pairs(world: int, task: str, split: str) -> list[Pair]:
    """Return the meanings of a split."""
    if task in _PARAPHRASE_LABELS:
        return _paraphrases(world, task, split)
    return _inference(world, task, split)


def _inference(world: int, task: str, split: str) -> list[Pair]:
    if task != "anli":
        origin = "xnli" if task == "mnli" else task
        return [
            _pair(prefix(world, origin, split), 3, index, item.premise, item.hypothesis, item)
            for index, item in enumerate(items(world, origin, split))
        ]
    rounds = [
        _pair(prefix(world, f"anli{number}", split), 3, index, item.premise, item.hypothesis, item)
        for number in ROUNDS
        for index, item in enumerate(round_items(world, number, split))
    ]
    return rounds if split != "train" else _inference(world, "snli", split) + _inference(world, "mnli", split) + rounds


def _paraphrases(world: int, task: str, split: str) -> list[Pair]:
    return [
        _pair(prefix(world, task, split), 2, index, drawn.first, drawn.second, drawn)
        for index, drawn in enumerate(rewordings(world, task, split))
    ]


def _pair(begin: str, group: int, index: int, first: Description, second: Description, drawn: Item | Rewording) -> Pair:
    return Pair(f"{begin}-{index}", f"{begin}-{index // group}", first, second, drawn.label, drawn.posterior)


def _example(pair: Pair, into: Translator) -> Example:
    return Example(
        pair.item_id,
        pair.group_id,
        into.sentence(pair.first, pair.item_id, "first"),
        into.sentence(pair.second, pair.item_id, "second"),
        pair.label,
        pair.posterior,
    )
