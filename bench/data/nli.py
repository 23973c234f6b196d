"""Sentence pairs with entailment, neutral or contradiction: XNLI, MultiNLI and SNLI from their parquet files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.data.dataset_spec import NLI_LABELS, DatasetSpec, dataset_spec
from bench.data.example import Example, Provenance, Split
from bench.data.sources import Access, DatasetSource, locate_dataset
from bench.errors import DataError

_COLUMNS = ("premise", "hypothesis", "label")


def load_nli(spec_name: str, split: str, language: str, access: Access) -> Split:
    """Return one split of "xnli", "mnli" or "snli" with labels (entailment, neutral, contradiction) = 0, 1, 2.

    An item is called <split>-<row>, in every language alike. Its group is <split>-<row // 3> where the published rows
    come in threes with one premise (XNLI validation and test), else <split>-<number of the premise, by first
    appearance>. Training rows without a gold label or with an empty text are left out, and the note counts them.

    Raises BadInput for an unknown name, split or language, Unavailable("hub") when the files cannot be had, DataError
    for a file whose checksum, columns, types, labels, row order or texts are not as published.
    """
    spec = dataset_spec(spec_name)
    source = locate_dataset(spec, split, language, access)
    rows = [row for path in source.paths for row in _read(path, spec)]
    groups = _groups(rows, spec, split, source)
    examples, dropped = _examples(rows, groups, spec, split, source)
    if not examples:
        raise DataError(f"{_where(spec, source)} has no usable row; fetch the file again.")
    provenance = _provenance(spec, split, source, len(rows), dropped)
    return Split(split, language, NLI_LABELS, examples, provenance)


def _where(spec: DatasetSpec, source: DatasetSource) -> str:
    return f"{spec.repo} ({', '.join(str(path) for path in source.paths)})"


def _read(path: Path, spec: DatasetSpec) -> list[tuple[str, str, int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, because read_table would take a directory or a partition for a data set.
        file = pq.ParquetFile(path)
        _check_schema(path, spec, file.schema_arrow)
        table = file.read(columns=list(_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{spec.repo}: {path} is no readable parquet file ({error}); fetch it again.") from error
    for name in _COLUMNS:
        if table[name].null_count:
            raise DataError(
                f"{spec.repo}: column '{name}' of {path} has {table[name].null_count} missing values, expected none; "
                "fetch the file again."
            )
    return list(zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True))


def _check_schema(path: Path, spec: DatasetSpec, schema: Any) -> None:
    for name, kind in spec.columns:
        if name not in schema.names:
            raise DataError(
                f"{spec.repo}: {path} has no column '{name}', expected {_columns(spec)}, found "
                f"{', '.join(schema.names) or 'none'}; fetch the file again or rename the column."
            )
        found = schema.field(name).type
        if not _is_kind(found, kind):
            raise DataError(
                f"{spec.repo}: column '{name}' of {path} has type {found}, expected {kind}; fetch the file again."
            )
    stated = _stated_labels(schema.metadata)
    if stated and stated != spec.labels:
        raise DataError(
            f"{spec.repo}: {path} states the labels {', '.join(stated)}, expected {', '.join(spec.labels)} in this "
            "order; fetch the file again or correct its labels."
        )


def _columns(spec: DatasetSpec) -> str:
    return ", ".join(name for name, _ in spec.columns)


def _is_kind(found: Any, kind: str) -> bool:
    import pyarrow.types as types

    if kind == "integer":
        return bool(types.is_integer(found))
    return bool(types.is_string(found) or types.is_large_string(found))


def _stated_labels(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    """Return the label names the `datasets` library wrote into the file, () where there are none."""
    try:
        stated = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return ()
    return tuple(str(name) for name in stated)


def _groups(
    rows: Sequence[tuple[str, str, int]], spec: DatasetSpec, split: str, source: DatasetSource
) -> Sequence[int]:
    if split not in spec.triples:
        numbers: dict[str, int] = {}
        return [numbers.setdefault(premise, len(numbers)) for premise, _, _ in rows]
    for index, (premise, _, _) in enumerate(rows):
        if premise != rows[index - index % 3][0]:
            raise DataError(
                f"{_where(spec, source)}: row {index} has another premise than row {index - index % 3}, expected one "
                "premise for each three rows; restore the published order."
            )
    return [index // 3 for index in range(len(rows))]


def _examples(
    rows: Sequence[tuple[str, str, int]], groups: Sequence[int], spec: DatasetSpec, split: str, source: DatasetSource
) -> tuple[tuple[Example, ...], dict[str, int]]:
    dropped = {"without a gold label": 0, "with an empty text": 0}
    kept = []
    for index, ((premise, hypothesis, value), group) in enumerate(zip(rows, groups, strict=True)):
        if value == spec.no_gold:
            dropped["without a gold label"] += 1
        elif not premise.strip() or not hypothesis.strip():
            _require_train(split, f"{_where(spec, source)}: row {index}")
            dropped["with an empty text"] += 1
        else:
            label = _label(value, spec, f"{_where(spec, source)}: row {index}")
            kept.append(Example(f"{split}-{index}", f"{split}-{group}", premise, hypothesis, label))
    return tuple(kept), dropped


def _require_train(split: str, where: str) -> None:
    if split != "train":
        raise DataError(f"{where} has an empty premise or hypothesis, expected text; fetch the file again.")


def _label(value: int, spec: DatasetSpec, where: str) -> int:
    if not 0 <= value < len(spec.labels):
        names = ", ".join(f"{index} ({name})" for index, name in enumerate(spec.labels))
        raise DataError(f"{where} has {value} in column 'label', expected {names}; fetch the file again.")
    return NLI_LABELS.index(spec.labels[value])


def _provenance(spec: DatasetSpec, split: str, source: DatasetSource, rows: int, dropped: dict[str, int]) -> Provenance:
    published = spec.published_rows(split)
    notes = [source.note] if source.note else []
    if rows != published:
        notes.append(f"{rows} rows of the {published} published")
    notes += [f"{count} rows {why} left out" for why, count in dropped.items() if count]
    return Provenance(source.origin, source.files, subset=source.subset or rows != published, note="; ".join(notes))
