"""Sentences with a tag for every word: parts of speech (udpos), named entities (panx), categorial grammar (ccg).

A stem is tagged alike in every language, but for what ccg says of word order. Where morphemes are free, markers are
words with tags of their own; where they are bound there are none. Tags are drawn from stated posteriors, in all
languages alike: an annotator who takes a noun for a name does so in each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

from bench.data.artificial import categories, entities, parts_of_speech
from bench.data.artificial.draws import CAPTIONS, TALES, Genre
from bench.data.artificial.grammar import Language
from bench.data.artificial.meaning import ATTRIBUTE, PLACE, TENSE, Description
from bench.data.artificial.morphemes import Morpheme, morphemes
from bench.data.artificial.parts import draw_meaning, prefix, provenance
from bench.data.artificial.streams import Stream, hash_fraction
from bench.data.artificial.translation_noise import Translator
from bench.data.example import Split, TaggedSentence

SIZES = {"train": 4000, "validation": 400, "test": 400}
SPLITS = frozenset(
    {(task, split) for task in ("udpos", "panx") for split in SIZES} | {("ccg", "train"), ("ccg", "validation")}
)
LABELS = {"udpos": parts_of_speech.LABELS, "panx": entities.LABELS, "ccg": categories.LABELS}
# P(tag) of a word in a sentence that says a meaning, for each task.
POSTERIORS: dict[str, Callable[[Language, Description, Morpheme], dict[str, float]]] = {
    "udpos": lambda _, said, word: parts_of_speech.part_of_speech(said, word),
    "panx": lambda _, said, word: entities.entity_tag(said, word),
    "ccg": categories.category,
}
# Specific, so that there are names to find.
_NEWS = Genre("news", (0.1, 0.3, 0.5), ((ATTRIBUTE, 0.3), (TENSE, 0.35), (PLACE, 0.55)))
_GENRES = {"udpos": TALES, "panx": _NEWS, "ccg": CAPTIONS}


def tagging_split(task: str, split: str, into: Translator) -> Split:
    """Return one of SPLITS in the language of `into`; mistranslated words keep the tags of what was meant."""
    facts = into.speaker.facts
    begin = prefix(facts.world, task, split)
    examples = tuple(
        _example(task, f"{begin}-{index}", said, into) for index, said in enumerate(sentences(facts.world, task, split))
    )
    return Split(split, facts.token, LABELS[task], examples, provenance(facts.world, into.note))


@lru_cache(maxsize=16)
def sentences(world: int, task: str, split: str) -> tuple[Description, ...]:
    """Return the meanings of a split, all different; half of them are negated."""
    stream, out = Stream("sentences", world, task, split), dict[str, Description]()
    while len(out) < SIZES[split]:
        drawn = draw_meaning(stream, world, _GENRES[task], split)
        out.setdefault(drawn.spelled(), Description(drawn.nodes, stream.chance(0.5)))
    return tuple(out.values())


def _example(task: str, item_id: str, said: Description, into: Translator) -> TaggedSentence:
    words = morphemes(into.speaker, into.heard(said, item_id))
    labels = LABELS[task]
    posteriors = [POSTERIORS[task](into.speaker, said, word) for word in words]
    drawn = [_draw(posterior, item_id, _KEYS[task](word)) for posterior, word in zip(posteriors, words, strict=True)]
    return TaggedSentence(
        item_id,
        item_id,
        tuple(word.word for word in words),
        tuple(labels.index(tag) for tag in drawn),
        tuple(tuple(posterior.get(label, 0.0) for label in labels) for posterior in posteriors),
    )


def _draw(posterior: dict[str, float], *key: str) -> str:
    """Return a tag from its posterior; equal `key` draws from the same place of it."""
    tags = list(posterior)
    edges = accumulate(posterior.values())
    point = hash_fraction("tags", *key)
    # The last edge may fall short of 1 by rounding.
    return next((tag for tag, edge in zip(tags, edges, strict=True) if point < edge), tags[-1])


def _of_word(word: Morpheme) -> str:
    return f"{word.part} {word.mark}"


def _of_phrase(word: Morpheme) -> str:
    return word.phrase


_KEYS: dict[str, Callable[[Morpheme], str]] = {"udpos": _of_word, "panx": _of_phrase, "ccg": _of_word}
