"""The pretraining corpus: documents of two sentences that are true of one situation.

A document holds no connective and no label. But a text that is true of one situation does not contradict itself, so
the polarity of its second sentence depends on the first as it does in any coherent text; `STRAY` documents break that.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.artificial.draws import (
    ACROSS,
    APART,
    TALES,
    WITHIN,
    draw_hypothesis,
    draw_premise,
    for_pretraining,
)
from bench.data.artificial.meaning import Description
from bench.data.artificial.streams import Stream

# Share of documents whose second sentence has a polarity drawn blindly.
STRAY = 0.1


@dataclass(frozen=True, slots=True)
class Document:
    """The meanings of a document's two sentences."""

    first: Description
    second: Description


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
    kind = stream.choice((WITHIN, ACROSS, APART))
    second = draw_hypothesis(stream, world, TALES, first, kind, fits)
    if second is None:
        return None
    negated = stream.chance(0.5) if kind == ACROSS or stream.chance(STRAY) else kind == APART
    return Document(first, Description(second.nodes, negated))
