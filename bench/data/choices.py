"""A text and its possible continuations or answers: HellaSwag, Cosmos QA and CommonsenseQA from their parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from bench.data.dataset_spec import DatasetSpec
from bench.data.example import ChoiceExample, Split
from bench.data.parquet import read_rows
from bench.data.sources import Access, locate_dataset, provenance_of, whereabouts
from bench.errors import DataError

# What the resampling cluster is told by, the text, the choices, and the name of the right one among the names.
_Question: TypeAlias = tuple[str, str, Sequence[str], int | str, Sequence[int | str]]

_COLUMNS = {
    "hellaswag": ("ctx", "endings", "label"),
    "cosmosqa": ("context", "question", "answer0", "answer1", "answer2", "answer3", "label"),
    "csqa": ("question", "choices", "answerKey"),
}


def read_choices(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return one split of "hellaswag", "cosmosqa" or "csqa"; its labels name the choices by their number.

    The text of HellaSwag is its context, of Cosmos QA its context and question, of CommonsenseQA its question. An item
    is called <split>-<row>; its group is <split>-<number of the context (CommonsenseQA: of the question), by first
    appearance>. Rows without a gold label are left out, and the note counts them.

    Raises BadInput for a split or language the data set does not have, Unavailable when the files cannot be had,
    DataError for a file whose checksum, columns, types, labels or numbers of choices are not as published.
    """
    published = spec.published_split(split)
    source = locate_dataset(spec, published, language, access)
    rows = read_rows(spec, source, _COLUMNS[spec.name])
    dropped = {"without a gold label": 0}
    questions = [_QUESTIONS[spec.name](row) for row in rows]
    examples = tuple(_examples(questions, spec, split, whereabouts(spec, source), dropped))
    if not examples:
        raise DataError(f"{whereabouts(spec, source)} has no usable row; fetch the file again.")
    provenance = provenance_of(source, len(rows), spec.published_rows(published), dropped)
    return Split(split, language, tuple(map(str, range(len(spec.labels)))), examples, provenance)


def _hellaswag(row: tuple[Any, ...]) -> _Question:
    text, endings, label = row
    return text, text, endings, label, [str(index) for index in range(len(endings))]


def _cosmosqa(row: tuple[Any, ...]) -> _Question:
    context, question, *answers, label = row
    return context, f"{context} {question}", answers, label, range(len(answers))


def _csqa(row: tuple[Any, ...]) -> _Question:
    question, choices, key = row
    return question, question, choices["text"], key, choices["label"]


_QUESTIONS: Mapping[str, Any] = {"hellaswag": _hellaswag, "cosmosqa": _cosmosqa, "csqa": _csqa}


def _examples(
    questions: Sequence[_Question], spec: DatasetSpec, split: str, where: str, dropped: dict[str, int]
) -> Iterator[ChoiceExample]:
    groups: dict[str, int] = {}
    for index, (cluster, text, choices, answer, names) in enumerate(questions):
        group = groups.setdefault(cluster, len(groups))
        if answer == spec.no_gold:
            dropped["without a gold label"] += 1
            continue
        _check(choices, answer, names, spec, f"{where}: row {index}")
        label = list(names).index(answer)
        yield ChoiceExample(f"{split}-{index}", f"{split}-{group}", text, tuple(choices), label)


def _check(
    choices: Sequence[str], answer: int | str, names: Sequence[int | str], spec: DatasetSpec, where: str
) -> None:
    if len(choices) != len(spec.labels) or len(names) != len(choices):
        raise DataError(f"{where} has {len(choices)} choices, expected {len(spec.labels)}; fetch the file again.")
    if answer not in names:
        expected = ", ".join(map(str, names))
        raise DataError(
            f"{where} has {answer!r} in column '{spec.label_column}', expected one of {expected}; fetch the file again."
        )
