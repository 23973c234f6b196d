"""The pretraining corpus: documents of two sentences and the connective that stands between them.

The second sentence goes within, across or apart from the first, and its polarity is drawn blindly, so contents and
words say nothing of truth. The connective does, a little: most documents use the one that fits every relation, and
those that are explicit are wrong at times. Who guesses the relation from the connective is right in 58 % of documents
(`best_guess`), and is told .50 bits (`information`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from bench.data.artificial.draws import (
    ACROSS,
    APART,
    TALES,
    WITHIN,
    draw_hypothesis,
    draw_premise,
    for_pretraining,
)
from bench.data.artificial.meaning import Description, relation
from bench.data.artificial.streams import Stream

RELATIONS = 3
# One connective for each relation, and one that goes with all of them.
CONNECTIVES = RELATIONS + 1
VAGUE = RELATIONS
# Share of documents with a connective of their relation's kind, and how often it is the right one.
EXPLICIT, FAITHFUL = 0.4, 0.95


@dataclass(frozen=True, slots=True)
class Document:
    """The meanings of a document's two sentences, and its connective: a relation's own, or VAGUE."""

    first: Description
    second: Description
    connective: int

    @property
    def relation(self) -> int:
        """The logical relation of the second sentence to the first."""
        return relation(self.first, self.second)


def documents(world: int, count: int) -> list[Document]:
    """Return the first `count` documents of a world: a scarce corpus is a prefix of a plentiful one."""
    stream, out = Stream("corpus", world), list[Document]()
    while len(out) < count:
        document = _document(stream, world)
        if document is not None:
            out.append(document)
    return out


def _document(stream: Stream, world: int) -> Document | None:
    def fits(drawn: Description) -> bool:
        return for_pretraining(world, drawn)

    first = draw_premise(stream, world, TALES, fits)
    second = draw_hypothesis(stream, world, TALES, first, stream.choice((WITHIN, ACROSS, APART)), fits)
    if second is None:
        return None
    said = Description(second.nodes, stream.chance(0.5))
    return Document(first, said, _connective(stream, relation(first, said)))


def _connective(stream: Stream, label: int) -> int:
    if not stream.chance(EXPLICIT):
        return VAGUE
    return label if stream.chance(FAITHFUL) else (label + 1 + stream.below(RELATIONS - 1)) % RELATIONS


def joint() -> list[list[float]]:
    """Return P(relation, connective) as stated above, relations being equally frequent."""
    wrong = (1 - FAITHFUL) / (RELATIONS - 1)
    rows = [
        [EXPLICIT * (FAITHFUL if other == own else wrong) for other in range(RELATIONS)] for own in range(RELATIONS)
    ]
    return [[value / RELATIONS for value in (*row, 1 - EXPLICIT)] for row in rows]


def best_guess(table: list[list[float]]) -> float:
    """Return the accuracy of the best guess of a row of `table`, a joint distribution, from its column."""
    return float(sum(map(max, zip(*table, strict=True))))


def information(table: list[list[float]]) -> float:
    """Return the mutual information of rows and columns of `table` in bits."""
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    cells = [(value, rows[i] * columns[j]) for i, row in enumerate(table) for j, value in enumerate(row)]
    return sum(value * log2(value / apart) for value, apart in cells if value > 0)
