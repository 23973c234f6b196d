"""CCG supertags of CCGbank, which is licensed and on no hub: read from a user's directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from bench.data.dataset_spec import DatasetSpec
from bench.data.example import Split, TaggedSentence
from bench.data.parquet import read_rows
from bench.data.sources import Access, DatasetSource, locate_dataset, provenance_of, whereabouts
from bench.data.tagging import check_lengths, words_of
from bench.errors import DataError

_Row: TypeAlias = tuple[Sequence[str], Sequence[str]]


def read_ccg(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return the train or validation split; its labels are the sorted supertags of train.

    A sentence is called <language>-<split>-<row> and is a group of its own. Sentences without a word, and validation
    sentences with a supertag that train lacks, are left out, and the note counts them.

    Raises BadInput for another split or language, Unavailable("data") with how to provide the files when they are in no
    mirror, DataError for a file whose checksum, columns, types or numbers of tags do not fit.
    """
    published = spec.published_split(split)
    source, rows = _read(spec, published, language, access)
    train = rows if published == "train" else _read(spec, "train", language, access)[1]
    labels = tuple(sorted({tag for _, tags in train for tag in tags}))
    dropped = {"without a word": 0, "with a supertag that train lacks": 0}
    examples = _sentences(rows, labels, f"{language}-{split}", dropped)
    if not examples:
        raise DataError(f"{whereabouts(spec, source)} has no usable row; provide the file again.")
    return Split(split, language, labels, examples, provenance_of(source, len(rows), None, dropped))


def _read(spec: DatasetSpec, published: str, language: str, access: Access) -> tuple[DatasetSource, list[_Row]]:
    source = locate_dataset(spec, published, language, access)
    rows = [(tokens, tags) for tokens, tags in read_rows(spec, source, ("tokens", "supertags"))]
    check_lengths(rows, spec, whereabouts(spec, source))
    return source, rows


def _sentences(
    rows: Sequence[_Row], labels: tuple[str, ...], prefix: str, dropped: dict[str, int]
) -> tuple[TaggedSentence, ...]:
    numbers = {label: number for number, label in enumerate(labels)}
    kept = []
    for index, (tokens, tags) in enumerate(rows):
        if not tokens:
            dropped["without a word"] += 1
        elif any(tag not in numbers for tag in tags):
            dropped["with a supertag that train lacks"] += 1
        else:
            name = f"{prefix}-{index}"
            kept.append(TaggedSentence(name, name, words_of(tokens), tuple(numbers[tag] for tag in tags)))
    return tuple(kept)
