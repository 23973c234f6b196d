"""Questions on a context of two sentences: squad_v1, squad_v2, xquad, mlqa and tydiqa.

A question says one sentence of its context again, the asked slot by its class and without some of what may be left out.
The answer is what the context says in that slot, a free case marker left out. An unanswerable question (a third of
squad_v2) asks for a class that neither sentence speaks of in this way. squad and xquad are of one genre, mlqa and
tydiqa of another; tydiqa says nothing optional in the question, and asks for verbs rather than places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from bench.data.artificial.draws import OPTIONAL, Genre
from bench.data.artificial.meaning import (
    AGENT,
    ATTRIBUTE,
    DOMAIN,
    ENTAILMENT,
    PATIENT,
    PLACE,
    SLOTS,
    TENSE,
    UNSAID,
    VERB,
    Description,
    relation,
)
from bench.data.artificial.morphemes import CASES, Morpheme, morphemes
from bench.data.artificial.parts import draw_meaning, prefix, provenance
from bench.data.artificial.streams import Stream
from bench.data.artificial.translation_noise import Translator
from bench.data.example import Answer, Question, Split

SENTENCES, QUESTIONS = 2, 2


@dataclass(frozen=True, slots=True)
class Style:
    """How the contexts and questions of a task are drawn: `left_out` is the share of optional slots not asked about
    that the question leaves out, `unanswerable` the share of questions without an answer."""

    genre: Genre
    asked: tuple[int, ...]
    left_out: float
    unanswerable: float = 0.0


_NOUNS = (AGENT, PATIENT, PLACE)
# Contexts are specific, so that the class in a question says what is asked for.
_REPORTS = Genre("reports", (0.0, 0.1, 0.2), ((ATTRIBUTE, 0.2), (TENSE, 0.4), (PLACE, 0.5)))
_LETTERS = Genre("letters", (0.0, 0.1, 0.2), ((ATTRIBUTE, 0.3), (TENSE, 0.5), (PLACE, 0.4)))
STYLES = {
    "squad_v1": Style(_REPORTS, _NOUNS, 0.5),
    "squad_v2": Style(_REPORTS, _NOUNS, 0.5, unanswerable=1 / 3),
    "xquad": Style(_REPORTS, _NOUNS, 0.5),
    "mlqa": Style(_LETTERS, _NOUNS, 0.5),
    "tydiqa": Style(_LETTERS, (AGENT, VERB, PATIENT), 1.0),
}
# Contexts of two questions each.
CONTEXTS = {"train": 2000, "validation": 200, "test": 200}
# Tasks that have a test split alone, and what they train on.
_TRAINED_ON = {"xquad": "squad_v1", "mlqa": "squad_v1"}
SPLITS = frozenset(
    {(task, split) for task in ("xquad", "mlqa", "tydiqa") for split in CONTEXTS}
    | {(task, split) for task in ("squad_v1", "squad_v2") for split in ("train", "validation")}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The meanings of a context and of a question on the slot `slot` of its sentence `place`."""

    context: tuple[Description, ...]
    question: Description
    place: int
    slot: int
    answerable: bool


def question_split(task: str, split: str, into: Translator) -> Split:
    """Return one of SPLITS in the language of `into`; xquad and mlqa train and validate on squad_v1's.

    The group of a question is its context, which is translated for each question anew, its answer always rightly.
    """
    facts = into.speaker.facts
    origin = task if split == "test" else _TRAINED_ON.get(task, task)
    begin = prefix(facts.world, origin, split)
    examples = tuple(
        _example(f"{begin}-{index}", f"{begin}-{index // QUESTIONS}", asked, into)
        for index, asked in enumerate(questions(facts.world, origin, split))
    )
    return Split(split, facts.token, (), examples, provenance(facts.world, into.note))


@lru_cache(maxsize=16)
def questions(world: int, task: str, split: str) -> tuple[Asked, ...]:
    """Return the meanings of a split, two different questions to a context, no sentence in two contexts."""
    stream, out, used = Stream("questions", world, task, split), list[Asked](), set[str]()
    while len(out) < QUESTIONS * CONTEXTS[split]:
        context = tuple(draw_meaning(stream, world, STYLES[task].genre, split) for _ in range(SENTENCES))
        spelled = {said.spelled() for said in context}
        group = _group(stream, STYLES[task], context)
        if group and len(spelled - used) == SENTENCES:
            used |= spelled
            out += group
    return tuple(out)


def _group(stream: Stream, style: Style, context: tuple[Description, ...]) -> list[Asked]:
    """Return the questions on a context, or none where too little can be asked about."""
    open_ones = [
        (place, slot)
        for place, said in enumerate(context)
        for slot in style.asked
        if DOMAIN[slot].is_leaf(said.nodes[slot])
    ]
    group = [_asked(stream, style, context, place, slot) for place, slot in stream.shuffled(open_ones)[:QUESTIONS]]
    found = [asked for asked in group if asked is not None]
    return found if len(found) == QUESTIONS else []


def _asked(stream: Stream, style: Style, context: tuple[Description, ...], place: int, slot: int) -> Asked | None:
    said, tree = context[place], DOMAIN[slot]
    answerable = not stream.chance(style.unanswerable)
    own = tree.hypernym(said.nodes[slot])
    other = stream.choice([group for group in range(tree.leaves, tree.size) if group != own])
    nodes = [UNSAID if at in OPTIONAL and stream.chance(style.left_out) else node for at, node in enumerate(said.nodes)]
    nodes[slot] = own if answerable else other
    question = Description(tuple(nodes))
    answering = [at for at, sentence in enumerate(context) if relation(sentence, question) == ENTAILMENT]
    return Asked(context, question, place, slot, answerable) if answering == [place] * answerable else None


def _example(item_id: str, group_id: str, asked: Asked, into: Translator) -> Question:
    # A verb's agreement is part of it, and comes from its agent.
    keep = frozenset({asked.slot, AGENT} if asked.slot == VERB else {asked.slot})
    question = into.sentence(asked.question, item_id, "question", keep=keep)
    context = [
        into.heard(said, item_id, place, keep=keep if place == asked.place else frozenset())
        for place, said in enumerate(asked.context)
    ]
    sentences = [morphemes(into.speaker, said) for said in context]
    answers = (_answer(sentences, asked),) if asked.answerable else ()
    return Question(item_id, group_id, question, _text(word for words in sentences for word in words), answers)


def _answer(sentences: list[list[Morpheme]], asked: Asked) -> Answer:
    words, part = sentences[asked.place], SLOTS[asked.slot]
    before = [word for other in sentences[: asked.place] for word in other]
    before += takewhile(lambda word: word.part != part, words)
    text = _text(word for word in words if word.part == part and word.mark not in CASES)
    return Answer(text, sum(len(word.word) + 1 for word in before))


def _text(words: Iterable[Morpheme]) -> str:
    return " ".join(word.word for word in words)
