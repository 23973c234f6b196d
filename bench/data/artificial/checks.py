"""Manipulation checks of a world: what its languages turn out to be, measured on their texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from bench.data.artificial.corpus import Document, documents
from bench.data.artificial.grammar import Language, language, names
from bench.data.artificial.languages import language_tokens
from bench.data.artificial.meaning import Description
from bench.data.artificial.tasks import items

# Splits a word into the ids of its pieces.
Segment = Callable[[str], Sequence[int]]
# `<s> premise </s></s> hypothesis </s>`
_SPECIALS_OF_A_PAIR = 4


@dataclass(frozen=True, slots=True)
class Check:
    """What was measured of one language. Shares are in [0, 1] of running words unless said otherwise.

    `fertility`: pieces a word; `words`, `tokens`: a sentence's mean; `longest`: pieces of the longest pair with its
    special tokens; `truncated`: pairs above the length limit; `vocabulary_share`: pieces ever used, of all; `variety`:
    distinct words to running words (type/token ratio); `unseen`: test words that the pretraining corpus never shows;
    `unknown`: test pieces that are <unk>; `cognates`: words a sentence that all languages share on purpose;
    `homographs`: distinct words that another language also has, cognates apart; `zipf`: exponent of the rank-frequency
    law.
    """

    token: str
    fertility: float
    words: float
    tokens: float
    longest: int
    truncated: int
    vocabulary_share: float
    variety: float
    unseen: float
    unknown: float
    cognates: float
    homographs: float
    zipf: float


@dataclass(frozen=True, slots=True)
class Material:
    """The sentences checked: meanings of the test split, and of the pretraining corpus."""

    test: tuple[Description, ...]
    corpus: tuple[Description, ...]
    scarce: tuple[Description, ...]


def material(world: int, plentiful: int, scarce: int) -> Material:
    """Return the test sentences of `world` and those of its first `plentiful` and `scarce` documents."""
    test = tuple(said for item in items(world, "xnli", "test") for said in (item.premise, item.hypothesis))
    read = documents(world, plentiful)
    return Material(test, _sentences(read), _sentences(read[:scarce]))


def check_world(
    world: int, texts: Material, segment: Segment, vocabulary: int, unknown: int, max_length: int
) -> list[Check]:
    """Return the checks of every language of `world` read by a tokenizer of `vocabulary` pieces."""
    tokens = language_tokens(world)
    lexicons = {token: _words(language(token), texts.corpus).keys() for token in tokens}
    checks = []
    for token in tokens:
        # The identical clone has every word of the source by construction: neither counts against the other.
        twins = {
            token,
            *(other for other in tokens if token.endswith(("src", "idn")) and other.endswith(("src", "idn"))),
        }
        others = set[str]().union(*(lexicons[other] for other in tokens if other not in twins))
        checks.append(_check(language(token), token, texts, segment, vocabulary, unknown, max_length, others))
    return checks


def _check(
    speaker: Language,
    token: str,
    texts: Material,
    segment: Segment,
    vocabulary: int,
    unknown: int,
    max_length: int,
    others: set[str],
) -> Check:
    counts = _words(speaker, texts.test)
    read = _words(speaker, texts.scarce if speaker.facts.data == "scarce" else texts.corpus)
    pieces = {word: segment(word) for word in {*counts, *read}}
    running, sentences = counts.total(), len(texts.test)
    lengths = _pair_lengths(speaker, texts.test, pieces)
    shared = set(names(speaker.facts.world))
    ids = [piece for word, count in counts.items() for piece in pieces[word] for _ in range(count)]
    own = set(counts) - shared

    def share(holds: Callable[[str], bool]) -> float:
        return sum(count for word, count in counts.items() if holds(word)) / running

    return Check(
        token=token,
        fertility=len(ids) / running,
        words=running / sentences,
        tokens=len(ids) / sentences,
        longest=max(lengths),
        truncated=sum(length > max_length for length in lengths),
        vocabulary_share=len({piece for word in read for piece in pieces[word]}) / vocabulary,
        variety=len(counts) / running,
        unseen=share(lambda word: word not in read),
        unknown=sum(piece == unknown for piece in ids) / len(ids),
        cognates=share(lambda word: word in shared) * running / sentences,
        homographs=len(own & others) / len(own),
        zipf=_zipf_exponent(counts),
    )


def _sentences(read: Sequence[Document]) -> tuple[Description, ...]:
    return tuple(said for document in read for said in (document.first, document.second))


def _words(speaker: Language, said: Sequence[Description]) -> Counter[str]:
    return Counter(word for description in said for word in speaker.sentence(description).split())


def _pair_lengths(speaker: Language, test: Sequence[Description], pieces: dict[str, Sequence[int]]) -> list[int]:
    lengths = [sum(len(pieces[word]) for word in speaker.sentence(said).split()) for said in test]
    pairs = zip(lengths[::2], lengths[1::2], strict=True)
    return [premise + hypothesis + _SPECIALS_OF_A_PAIR for premise, hypothesis in pairs]


def _zipf_exponent(counts: Counter[str]) -> float:
    """Return minus the least-squares slope of log frequency over log rank."""
    points = [(log(rank), log(count)) for rank, (_, count) in enumerate(counts.most_common(), start=1)]
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope: float = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return -slope
