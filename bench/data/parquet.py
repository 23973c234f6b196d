"""Rows of the parquet files of a data set, once their columns, types and label names are those of its specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.data.dataset_spec import DatasetSpec
from bench.data.sources import DatasetSource
from bench.errors import DataError


def read_rows(spec: DatasetSpec, source: DatasetSource, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the rows of all files of `source` as plain values of `columns`, in the order of the files.

    Raises DataError for a file that is no parquet, and for one with a missing column, another type, another set of
    label names, or missing values in one of `columns`; it names data set, file, column and what was expected.
    """
    return [row for path in source.paths for row in _read(path, spec, columns)]


def label_index(value: int, spec: DatasetSpec, labels: Sequence[str], where: str) -> int:
    """Return the place in `labels` of what the file calls `value`; raises DataError, naming `where`, for another."""
    if not 0 <= value < len(spec.labels):
        names = ", ".join(f"{index} ({name})" for index, name in enumerate(spec.labels))
        raise DataError(f"{where} has {value} in column '{spec.label_column}', expected {names}; fetch the file again.")
    return labels.index(spec.labels[value])


def _read(path: Path, spec: DatasetSpec, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, because read_table would take a directory or a partition for a data set.
        file = pq.ParquetFile(path)
        _check_schema(path, spec, file.schema_arrow)
        table = file.read(columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{spec.repo}: {path} is no readable parquet file ({error}); fetch it again.") from error
    for name in columns:
        missing = _missing(table[name].combine_chunks())
        if missing:
            raise DataError(
                f"{spec.repo}: column '{name}' of {path} has {missing} missing values, expected none; "
                "fetch the file again."
            )
    return list(zip(*(table[name].to_pylist() for name in columns), strict=True))


def _missing(values: Any) -> int:
    """Count the missing values of an Arrow array, inside its lists and structs too."""
    import pyarrow.types as types

    inner = values.flatten() if types.is_nested(values.type) else []
    parts = inner if isinstance(inner, list) else [inner]
    return int(values.null_count) + sum(_missing(part) for part in parts)


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
    stated = _stated_labels(schema.metadata, spec.label_column)
    if stated and stated != spec.labels:
        raise DataError(
            f"{spec.repo}: {path} states the labels {', '.join(stated)}, expected {', '.join(spec.labels)} in this "
            "order; fetch the file again or correct its labels."
        )


def _columns(spec: DatasetSpec) -> str:
    return ", ".join(name for name, _ in spec.columns)


def _is_kind(found: Any, kind: str) -> bool:
    import pyarrow.types as types

    if kind.startswith("list<"):
        lists = types.is_list(found) or types.is_large_list(found)
        return lists and _is_kind(found.value_type, kind.removeprefix("list<").removesuffix(">"))
    if kind.startswith("struct<"):
        fields = dict(part.split(": ") for part in kind.removeprefix("struct<").removesuffix(">").split(", "))
        names = {field.name for field in found} if types.is_struct(found) else set()
        return all(name in names and _is_kind(found.field(name).type, inner) for name, inner in fields.items())
    if kind == "integer":
        return bool(types.is_integer(found))
    return bool(types.is_string(found) or types.is_large_string(found))


def _stated_labels(metadata: dict[bytes, bytes] | None, column: str) -> tuple[str, ...]:
    """Return the label names the `datasets` library wrote into the file, () where there are none."""
    try:
        feature = json.loads((metadata or {})[b"huggingface"])["info"]["features"][column]
        # The labels of a list stand in the feature of its elements, in the versions of the library that name it and in
        # those that write a list of one.
        while "names" not in feature:
            feature = feature[0] if isinstance(feature, list) else feature["feature"]
        return tuple(str(name) for name in feature["names"])
    except (KeyError, IndexError, TypeError, ValueError):
        return ()
