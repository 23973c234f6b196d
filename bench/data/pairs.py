"""Sentence pairs that are paraphrases or not: QQP and PAWS-X from their parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.data.dataset_spec import DatasetSpec
from bench.data.example import Example, Split
from bench.data.parquet import label_index, read_rows
from bench.data.sources import Access, DatasetSource, locate_dataset, provenance_of, whereabouts
from bench.errors import DataError

# The columns of an id shared by languages ("" for none), of both texts, and of the label.
_COLUMNS = {
    "qqp": ("", "question1", "question2", "label"),
    "pawsx": ("id", "sentence1", "sentence2", "label"),
}
# What the note of a mirror says of rows whose ids are its own.
_NOT_ALIGNED = "not aligned"


def read_pairs(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return one split of "qqp" or "pawsx", with labels as in the file; every pair is a group of its own.

    A pair of QQP is called <split>-<row>. A pair of PAWS-X is called <split>-<id>, shared by its translations, unless
    the note of its file says that rows are not aligned with other languages: then <language>-<split>-<row>. Rows
    without a gold label or with an empty text are left out, and the note counts them.

    Raises BadInput for a split or language the data set does not have, Unavailable when the files cannot be had,
    DataError for a file whose checksum, columns, types, labels or ids are not as published.
    """
    published = spec.published_split(split)
    source = locate_dataset(spec, published, language, access)
    id_column, *columns = _COLUMNS[spec.name]
    rows = read_rows(spec, source, columns)
    names = _item_ids(spec, split, language, source, id_column, len(rows))
    dropped = {"without a gold label": 0, "with an empty text": 0}
    examples = tuple(_examples(rows, names, spec, whereabouts(spec, source), dropped))
    if not examples:
        raise DataError(f"{whereabouts(spec, source)} has no usable row; fetch the file again.")
    provenance = provenance_of(source, len(rows), spec.published_rows(published), dropped)
    return Split(split, language, spec.labels, examples, provenance)


def _item_ids(
    spec: DatasetSpec, split: str, language: str, source: DatasetSource, column: str, rows: int
) -> Sequence[str]:
    if not column:
        return [f"{split}-{row}" for row in range(rows)]
    if _NOT_ALIGNED in source.note:
        return [f"{language}-{split}-{row}" for row in range(rows)]
    ids = [value for (value,) in read_rows(spec, source, (column,))]
    if len(set(ids)) < rows:
        raise DataError(
            f"{whereabouts(spec, source)} has {len(set(ids))} different values in column '{column}', expected {rows}, "
            "one for each row; fetch the file again."
        )
    return [f"{split}-{value}" for value in ids]


def _examples(
    rows: Sequence[tuple[str, str, int]], names: Sequence[str], spec: DatasetSpec, where: str, dropped: dict[str, int]
) -> Iterator[Example]:
    for index, ((text, text_pair, value), name) in enumerate(zip(rows, names, strict=True)):
        if value == spec.no_gold:
            dropped["without a gold label"] += 1
        elif not text.strip() or not text_pair.strip():
            dropped["with an empty text"] += 1
        else:
            label = label_index(value, spec, spec.labels, f"{where}: row {index}")
            yield Example(name, name, text, text_pair, label)
