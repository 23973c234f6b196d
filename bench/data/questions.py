"""Questions on a context: SQuAD 1.1 and 2.0, XQuAD, MLQA and TyDiQA-GoldP from their parquet files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from bench.data.dataset_spec import DatasetSpec, dataset_spec
from bench.data.example import Answer, Question, Split
from bench.data.parquet import read_rows
from bench.data.sources import (
    Access,
    DatasetSource,
    in_mirror,
    locate_dataset,
    provenance_of,
    require_dataset,
    whereabouts,
)
from bench.errors import DataError, Unavailable

# Id, context, question, and the answers as lists of texts and starts.
_Row: TypeAlias = tuple[str, str, str, Mapping[str, Sequence[Any]]]

_COLUMNS = ("id", "context", "question", "answers")
_DEV_AS_TEST = "dev_as_test"
# One paragraph in so many of TyDiQA's train split is put aside as a development set.
_PUT_ASIDE = 10


def read_squad(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return the train or validation split of "squad_v1" or "squad_v2".

    XQuAD is 240 paragraphs of SQuAD 1.1's development set (Artetxe et al. 2020): validation leaves out every question
    on one of them where xquad.en can be located, and the note says how many, or that it could not. An item is called
    <split>-<id>; its group is <split>-<number of the context, by first appearance>.

    Training questions with an answer that is not found at its start, or (1.1) without an answer, are left out and
    counted; of an evaluation split all stay, since only the answers' texts count there. Raises BadInput for a split or
    language the data set does not have, Unavailable when the files cannot be had, DataError for a file whose checksum,
    columns or types are not as published, and for an evaluation question that has no answer where each must have one.
    """
    source, rows = _read(spec, spec.published_split(split), language, access)
    kept, notes = (rows, []) if split == "train" else _without_xquad(rows, access)
    examples = _questions(kept, [f"{split}-{row[0]}" for row in kept], _groups(kept, split))
    return _split(spec, split, language, source, len(rows), examples, notes)


def read_xquad(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return XQuAD, all of which is test; items are test-<id> in every language, groups and errors as `read_squad`."""
    source, rows = _read(spec, spec.published_split(split), language, access)
    examples = _questions(rows, [f"{split}-{row[0]}" for row in rows], _groups(rows, split))
    return _split(spec, split, language, source, len(rows), examples)


def read_mlqa(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return MLQA's test split; where only its development split can be had, that, noted and flagged "dev_as_test".

    Items are test-<id> in every language. A group is the paragraph of the item's English version, test-<its number, by
    first appearance in English>, so that the translations of an item are in one group. Raises as `read_squad`.
    """
    published = _mlqa_published(spec, split, language, access)
    source, rows = _read(spec, published, language, access)
    _, english = _read(spec, published, "en", access)
    group_of = dict(zip((row[0] for row in english), _groups(english, split), strict=True))
    for index, row in enumerate(rows):
        if row[0] not in group_of:
            raise DataError(
                f"{whereabouts(spec, source)}: row {index} has id {row[0]}, which the English file lacks; "
                "fetch both files again."
            )
    examples = _questions(rows, [f"{split}-{row[0]}" for row in rows], [group_of[row[0]] for row in rows])
    if published == split:
        return _split(spec, split, language, source, len(rows), examples)
    notes = ["the development split stands in for the test split"]
    return _split(spec, split, language, replace(source, subset=True), len(rows), examples, notes, (_DEV_AS_TEST,))


def read_tydiqa(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return TyDiQA-GoldP in one language; the language of a row is the first part of its id.

    Test is the published development set. Train and validation share the published train split: validation is the
    tenth of its paragraphs that their sha256 puts aside, whatever else the file holds. Items are called
    <language>-<split>-<row of the file>, groups <language>-<split>-<number of the context, by first appearance>.

    Questions whose answers are all empty have their gold withheld: they are left out, and the note counts them.

    Raises as `read_squad`, and Unavailable("data") where the file has no rows in `language`, or none with an answer.
    """
    published = spec.published_split(split)
    source, rows = _read(spec, published, language, access)
    code = spec.code_of(language)
    chosen = {
        index: row
        for index, row in enumerate(rows)
        if row[0].split("-")[0] == code and (published != "train" or _part(row[1]) == split)
    }
    if not chosen:
        raise Unavailable("data", f"{whereabouts(spec, source)} has no {split} rows in {language}")
    withheld = [index for index, row in chosen.items() if not any(text.strip() for text in row[3]["text"])]
    if len(withheld) == len(chosen):
        raise Unavailable(
            "data",
            f"{whereabouts(spec, source)} withholds the answers of all {len(chosen)} {split} questions in {language}: "
            "each is the empty string; use a file that has them",
        )
    for index in withheld:
        del chosen[index]
    own, prefix = list(chosen.values()), f"{language}-{split}"
    examples = _questions(own, [f"{prefix}-{index}" for index in chosen], _groups(own, prefix))
    notes = [f"{len(withheld)} questions without an answer left out"] if withheld else []
    if published == "train":
        notes.append(f"{split} is a part of the published train split's paragraphs")
    return _split(spec, split, language, source, len(rows), examples, notes)


def require_mlqa(spec: DatasetSpec, split: str, language: str, access: Access) -> None:
    """Raise what is known to be missing for `read_mlqa`, without a download."""
    published = _mlqa_published(spec, split, language, access)
    require_dataset(spec, published, "en", access)


def require_tydiqa(spec: DatasetSpec, split: str, language: str, access: Access) -> None:
    """Raise what is known to be missing for `read_tydiqa`, without a download."""
    published = spec.published_split(split)
    require_dataset(spec, published, language, access)
    if in_mirror(spec, published, language, access):
        read_tydiqa(spec, split, language, access)


def _read(spec: DatasetSpec, published: str, language: str, access: Access) -> tuple[DatasetSource, list[_Row]]:
    source = locate_dataset(spec, published, language, access)
    rows = read_rows(spec, source, _COLUMNS)
    return source, [(name, context, question, answers) for name, context, question, answers in rows]


def _mlqa_published(spec: DatasetSpec, split: str, language: str, access: Access) -> str:
    published = spec.published_split(split)
    try:
        require_dataset(spec, published, language, access)
    except Unavailable:
        if not in_mirror(spec, "validation", language, access):
            raise
        return "validation"
    return published


def _without_xquad(rows: list[_Row], access: Access) -> tuple[list[_Row], list[str]]:
    try:
        _, xquad = _read(dataset_spec("xquad"), "validation", "en", access)
    except Unavailable:
        return rows, ["may hold XQuAD's paragraphs: xquad.en is not at hand to compare with"]
    held_out = {_letters(context) for _, context, _, _ in xquad}
    kept = [row for row in rows if _letters(row[1]) not in held_out]
    return kept, [f"{len(rows) - len(kept)} rows on XQuAD's paragraphs left out"]


def _letters(text: str) -> str:
    """Return `text` without what copies of a paragraph differ in: spaces, punctuation and case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _part(context: str) -> str:
    drawn = int(hashlib.sha256(f"tydiqa validation\0{context}".encode()).hexdigest()[:8], 16)
    return "validation" if drawn % _PUT_ASIDE == 0 else "train"


def _groups(rows: Sequence[_Row], prefix: str) -> list[str]:
    numbers: dict[str, int] = {}
    return [f"{prefix}-{numbers.setdefault(context, len(numbers))}" for _, context, _, _ in rows]


def _questions(rows: Sequence[_Row], names: Sequence[str], groups: Sequence[str]) -> list[Question]:
    return [
        Question(name, group, question, context, _answers(answers))
        for (_, context, question, answers), name, group in zip(rows, names, groups, strict=True)
    ]


def _answers(answers: Mapping[str, Sequence[Any]]) -> tuple[Answer, ...]:
    found = zip(answers["text"], answers["answer_start"], strict=True)
    return tuple(Answer(text, start) for text, start in found)


def _split(
    spec: DatasetSpec,
    split: str,
    language: str,
    source: DatasetSource,
    rows: int,
    questions: Sequence[Question],
    notes: Sequence[str] = (),
    flags: tuple[str, ...] = (),
) -> Split:
    kept, dropped = _usable(questions, spec) if split == "train" else (questions, {})
    where = whereabouts(spec, source)
    for question in kept:
        if not question.answers and not spec.unanswerable:
            raise DataError(f"{where}: question {question.item_id} has no answer, expected one; fetch the file again.")
    if not kept:
        raise DataError(f"{where} has no usable row; fetch the file again.")
    published = spec.published_rows(spec.published_split(split))
    provenance = provenance_of(source, rows, published, dropped, notes, flags)
    return Split(split, language, (), tuple(kept), provenance)


def _usable(questions: Sequence[Question], spec: DatasetSpec) -> tuple[list[Question], dict[str, int]]:
    answered = [question for question in questions if question.answers or spec.unanswerable]
    kept = [question for question in answered if all(_in_place(answer, question) for answer in question.answers)]
    return kept, {
        "without an answer": len(questions) - len(answered),
        "with an answer that is not at its start": len(answered) - len(kept),
    }


def _in_place(answer: Answer, question: Question) -> bool:
    return bool(answer.text) and question.context.startswith(answer.text, answer.start)
