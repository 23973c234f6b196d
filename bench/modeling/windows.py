"""Questions on long contexts: token rows of the question and one stretch of the context each, overlapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.data.example import Question
from bench.errors import BadInput
from bench.modeling.tokenization import Encoded, from_rows

# Tokens between the beginnings of two windows, and the most that a question keeps (XTREME's run_squad: doc_stride and
# max_query_length; google-research/xtreme @ 838c13b6).
STRIDE = 128
LONGEST_QUESTION = 64


@dataclass(frozen=True, slots=True)
class Window:
    """One token row: the number of its question, where context tokens begin in the row, and their characters.

    `spans` are (first, last + 1) characters of the context for each context token of the row.
    """

    question: int
    begin: int
    spans: tuple[tuple[int, int], ...]


def encode_questions(
    tokenizer: Any, questions: Sequence[Question], max_length: int
) -> tuple[Encoded, tuple[Window, ...]]:
    """Return the token rows of `questions` in order, one for each window, and what each row shows of its context.

    Raises BadInput where a question leaves no token of `max_length` for its context.
    """
    backend = tokenizer.backend_tokenizer
    # A limit or a padding that was saved with the tokenizer would change the context before it is cut into windows.
    backend.no_padding()
    backend.no_truncation()
    frame = _frame(tokenizer)
    asked = backend.encode_batch([one.question for one in questions], add_special_tokens=False)
    read = backend.encode_batch([one.context for one in questions], add_special_tokens=False)
    longest = min(LONGEST_QUESTION, max_length // 2)
    ids, types, cut, windows = [], [], [], []
    for number, (question, context) in enumerate(zip(asked, read, strict=True)):
        start = (*frame.before, *question.ids[:longest], *frame.between)
        kinds = [frame.types[0]] * (len(start) - frame.second) + [frame.types[1]] * frame.second
        room = max_length - len(start) - len(frame.after)
        if room < 1:
            raise BadInput(
                f"Got max_length={max_length}, but item {questions[number].item_id!r} has {len(start)} tokens before "
                "its context; raise max_length."
            )
        for first in _beginnings(len(context.ids), room):
            part = slice(first, first + room)
            ids.append([*start, *context.ids[part], *frame.after])
            types.append(kinds + [frame.types[1]] * (len(ids[-1]) - len(kinds)))
            cut.append(len(question.ids) > longest)
            windows.append(Window(number, len(start), tuple(context.offsets[part])))
    return from_rows(ids, types, cut), tuple(windows)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The special tokens of a pair; `second` of those between the texts have the second segment's number."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[int, int]
    second: int


def _frame(tokenizer: Any) -> _Frame:
    """Read the special tokens off a pair of one-word texts: models differ in them."""
    row = tokenizer.backend_tokenizer.encode("a", "a")
    segments = row.sequence_ids
    first = [place for place, segment in enumerate(segments) if segment == 0]
    second = [place for place, segment in enumerate(segments) if segment == 1]
    types = (row.type_ids[first[0]], row.type_ids[second[0]])
    between = slice(first[-1] + 1, second[0])
    own = sum(kind == types[1] != types[0] for kind in row.type_ids[between])
    return _Frame(tuple(row.ids[: first[0]]), tuple(row.ids[between]), tuple(row.ids[second[-1] + 1 :]), types, own)


def _beginnings(tokens: int, room: int) -> Iterator[int]:
    first = 0
    while True:
        yield first
        if first + room >= tokens:
            return
        first += min(STRIDE, room)
