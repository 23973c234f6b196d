"""Sentences and their translations: tatoeba to be looked up, bucc to be mined. The pivot is the world's source.

tatoeba: families of four sentences, three of which differ from the first in one slot, so that the right translation has
near neighbours. bucc: two corpora of unrelated sentences, 15 % of each with a translation in the other.
"""

from __future__ import annotations

from functools import lru_cache

from bench.data.artificial.draws import APART, CAPTIONS, TALES, draw_hypothesis
from bench.data.artificial.grammar import language
from bench.data.artificial.languages import SOURCE
from bench.data.artificial.meaning import Description
from bench.data.artificial.parts import draw_meaning, in_part, prefix, provenance
from bench.data.artificial.streams import Stream
from bench.data.artificial.translation_noise import Translator
from bench.data.example import CorpusSentence, Split, Translation
from bench.errors import BadInput

FAMILIES, FAMILY = 100, 4
# The sentences of each of the two corpora.
CORPUS = {"validation": 600, "test": 800}
PAIRED = 0.15
SPLITS = frozenset({("tatoeba", "test"), *(("bucc", split) for split in CORPUS)})


def bitext_split(task: str, split: str, into: Translator) -> Split:
    """Return one of SPLITS for the language of `into`; raises BadInput for the source, which is the pivot itself."""
    facts = into.speaker.facts
    if facts.source:
        raise BadInput(
            f"Got task={task!r}, language={facts.token!r}, but the source is what {task} translates to; use another."
        )
    examples = _mined(into, split) if task == "bucc" else _looked_up(into)
    return Split(split, facts.token, (), examples, provenance(facts.world))


@lru_cache(maxsize=4)
def families(world: int) -> tuple[tuple[Description, ...], ...]:
    """Return the sentences of tatoeba, by family; no two are the same."""
    stream, out, used = Stream("families", world), list[tuple[Description, ...]](), set[str]()
    while len(out) < FAMILIES:
        family = _family(stream, world)
        spelled = {said.spelled() for said in family}
        if len(spelled - used) == FAMILY:
            used |= spelled
            out.append(family)
    return tuple(out)


def _family(stream: Stream, world: int) -> tuple[Description, ...]:
    first = draw_meaning(stream, world, TALES, "test")
    others = [
        draw_hypothesis(stream, world, TALES, first, APART, lambda drawn: in_part(world, "test", drawn))
        for _ in range(FAMILY - 1)
    ]
    return (first, *(other for other in others if other is not None))


@lru_cache(maxsize=4)
def corpora(world: int, split: str) -> tuple[tuple[Description, int | None], ...]:
    """Return (meaning, None) for a sentence of both corpora, (meaning, 0 or 1) for one of the first or second alone."""
    stream, meanings = Stream("corpora", world, split), dict[str, Description]()
    paired = round(PAIRED * CORPUS[split])
    while len(meanings) < 2 * CORPUS[split] - paired:
        drawn = draw_meaning(stream, world, CAPTIONS, split)
        meanings.setdefault(drawn.spelled(), Description(drawn.nodes, stream.chance(0.5)))
    return tuple(
        (said, None if index < paired else (index - paired) % 2) for index, said in enumerate(meanings.values())
    )


def _looked_up(into: Translator) -> tuple[Translation, ...]:
    world = into.speaker.facts.world
    begin, pivot = prefix(world, "tatoeba", "test"), language(f"w{world}_{SOURCE}")
    return tuple(
        Translation(
            f"{begin}-{FAMILY * number + place}", f"{begin}-{number}", into.sentence(said), pivot.sentence(said)
        )
        for number, family in enumerate(families(world))
        for place, said in enumerate(family)
    )


def _mined(into: Translator, split: str) -> tuple[CorpusSentence, ...]:
    """Return both corpora, the language's first, each in an order of its own."""
    world = into.speaker.facts.world
    begin = prefix(world, "bucc", split)
    out = list[CorpusSentence]()
    for corpus, speaker in enumerate((into.speaker, language(f"w{world}_{SOURCE}"))):
        members = [(n, said, only) for n, (said, only) in enumerate(corpora(world, split)) if only in (None, corpus)]
        for number, said, only in Stream("order", world, split, corpus).shuffled(members):
            partner = f"{begin}-{1 - corpus}-{number}" if only is None else ""
            group = f"{begin}-{number}"
            out.append(
                CorpusSentence(f"{begin}-{corpus}-{number}", group, speaker.sentence(said), bool(corpus), partner)
            )
    return tuple(out)
