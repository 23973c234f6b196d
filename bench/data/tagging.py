"""Sentences as words with a tag each: parts of speech (UD-POS) and named entities (PAN-X) from their parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.data.dataset_spec import DatasetSpec
from bench.data.example import Split, TaggedSentence
from bench.data.parquet import label_index, read_rows
from bench.data.sources import Access, locate_dataset, provenance_of, whereabouts
from bench.errors import DataError

# Stands in for a word without a visible character, so that a sentence keeps its number of words.
_BLANK = "_"


def read_tagging(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return one split of "udpos", "udpos_sw" or "panx"; words are the file's own tokens.

    A sentence is called <language>-<split>-<row> and is a group of its own. A blank word becomes "_"; sentences without
    a word are left out, and the note counts them.

    Raises BadInput for a split or language the data set does not have, Unavailable when the files cannot be had,
    DataError for a file whose checksum, columns, types, labels or numbers of tags are not as published.
    """
    published = spec.published_split(split)
    source = locate_dataset(spec, published, language, access)
    rows = read_rows(spec, source, ("tokens", spec.label_column))
    where = whereabouts(spec, source)
    check_lengths(rows, spec, where)
    examples = tuple(_sentences(rows, spec, f"{language}-{split}", where))
    if not examples:
        raise DataError(f"{where} has no usable row; fetch the file again.")
    dropped = {"without a word": len(rows) - len(examples)}
    provenance = provenance_of(source, len(rows), spec.published_rows(published), dropped)
    return Split(split, language, spec.labels, examples, provenance)


def words_of(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return `tokens` with "_" for every blank one."""
    return tuple(token if token.strip() else _BLANK for token in tokens)


def check_lengths(rows: Sequence[tuple[Sequence[str], Sequence[object]]], spec: DatasetSpec, where: str) -> None:
    """Raise DataError, naming the row, unless every sentence has a tag for each word."""
    for index, (tokens, tags) in enumerate(rows):
        if len(tokens) != len(tags):
            raise DataError(
                f"{where}: row {index} has {len(tags)} values in column '{spec.label_column}', expected {len(tokens)}, "
                "one for each token; fetch the file again."
            )


def _sentences(
    rows: Sequence[tuple[Sequence[str], Sequence[int]]], spec: DatasetSpec, prefix: str, where: str
) -> Iterator[TaggedSentence]:
    for index, (tokens, tags) in enumerate(rows):
        if tokens:
            name = f"{prefix}-{index}"
            labels = tuple(label_index(tag, spec, spec.labels, f"{where}: row {index}") for tag in tags)
            yield TaggedSentence(name, name, words_of(tokens), labels)
