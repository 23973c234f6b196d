"""Stored predictions: the primary artefact, from which every score can be computed again without a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.canonical import canonical_json
from bench.errors import Corrupt
from bench.strict_json import parse_json

SCHEMA_VERSION = 1
_METADATA_KEY = b"crosscal"
_OWN = frozenset({"item_id", "group_id", "label", "logits", "posterior"})
_PREFIX = "column:"
# What the program itself asks of the metadata; predictions of a test need not have all of it.
_METADATA: Mapping[str, type] = {
    "kind": str, "language": str, "split": str, "labels": list, "flags": list, "digests": dict, "baseline": dict,
}  # fmt: skip

# What each kind of task stores beside label and logits. The unit of "tagging" is a word: `sentence` is the place of
# its sentence in the split, `lost` says that it was cut off; its logits are 0 then. Of "span" it is a question: `em`
# and `f1` are (n, 20) credits of the candidates whose scores the logits are, best first, `answer` is the best one's
# text. Of "retrieval" it is a query in the pivot: logits are its cosines with 300 candidates, `everything` (n, N) those
# with all, `place` (n,) says which of these is right, `reverse` (n,) whether the way back finds it. Of "mining" it is a
# sentence: `mined` says that it was put into a pair, `gold` that it has a translation, `hit` that the pair is right.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sentence_pair": (),
    "multiple_choice": (),
    "tagging": ("sentence", "lost"),
    "span": ("em", "f1", "answer"),
    "retrieval": ("everything", "place", "reverse"),
    "mining": ("mined", "gold", "hit"),
}


# One set of predictions equals itself alone: what it holds are arrays.
@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits for the units of one split in one language.

    item_ids, group_ids: (n,) str; labels: (n,) int64; logits: (n, K) float32; posterior: (n, K) float64 or None;
    metadata: plain values (condition-independent: recipe key, data fingerprint, language, split, label names, flags);
    columns: what else the outcome of this kind of task needs (`COLUMNS`), (n,) or (n, M) each.
    """

    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    posterior: npt.NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """How the task is answered: "sentence_pair" unless the metadata say otherwise."""
        return str(self.metadata.get("kind", "sentence_pair"))

    def take(self, rows: npt.NDArray[Any]) -> Predictions:
        """Return the predictions at `rows`."""
        return Predictions(
            self.item_ids[rows], self.group_ids[rows], self.labels[rows], self.logits[rows],
            None if self.posterior is None else self.posterior[rows], self.metadata,
            {name: values[rows] for name, values in self.columns.items()},
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.labels)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write `predictions` as one parquet file; equal predictions give equal bytes with one version of pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "item_id": pa.array([str(value) for value in predictions.item_ids], pa.string()),
        "group_id": pa.array([str(value) for value in predictions.group_ids], pa.string()),
        "label": pa.array(predictions.labels, pa.int64()),
        "logits": _rows(predictions.logits, pa.float32()),
    }
    if predictions.posterior is not None:
        columns["posterior"] = _rows(predictions.posterior, pa.float64())
    for name, values in predictions.columns.items():
        columns[f"{_PREFIX}{name}"] = _column(values)
    header = canonical_json({"schema": SCHEMA_VERSION, **predictions.metadata})
    table = pa.table(columns).replace_schema_metadata({_METADATA_KEY: header.encode()})
    pq.write_table(table, path, compression="zstd")


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote; raises Corrupt when the file is not such a file.

    Whether the numbers are those of predictions is for `bench.calibration.validation` to say.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, because read_table would take a directory or a partition for a data set.
        file = pq.ParquetFile(path)
        metadata = _metadata(file.schema_arrow)
        _check_types(file.schema_arrow)
        table = file.read()
        _check_present(table)
        posterior = _matrix(table["posterior"], np.float64) if "posterior" in table.column_names else None
        return Predictions(
            item_ids=np.array(table["item_id"].to_pylist(), dtype=np.str_),
            group_ids=np.array(table["group_id"].to_pylist(), dtype=np.str_),
            labels=table["label"].to_numpy(),
            logits=_matrix(table["logits"], np.float32),
            posterior=posterior,
            metadata=metadata,
            columns={
                name.removeprefix(_PREFIX): _array(table[name])
                for name in table.column_names
                if name.startswith(_PREFIX)
            },
        )
    except (ValueError, OSError, MemoryError, pa.ArrowException) as error:
        raise Corrupt(f"{path} is no predictions file ({error}); delete it and predict again.") from error


def _metadata(schema: Any) -> dict[str, Any]:
    metadata = parse_json((schema.metadata or {}).get(_METADATA_KEY, b""))
    if not isinstance(metadata, dict) or metadata.get("schema") != SCHEMA_VERSION:
        raise ValueError(f"its metadata are no object with schema {SCHEMA_VERSION}")
    for name, kind in _METADATA.items():
        found = metadata.get(name, kind())
        strings = all(isinstance(one, str) for one in found) if isinstance(found, list) else True
        if not isinstance(found, kind) or not strings:
            raise ValueError(f"its metadata say {name}={found!r}")
    return metadata


def _check_types(schema: Any) -> None:
    import pyarrow as pa

    if len(set(schema.names)) < len(schema.names):
        raise ValueError("a column stands twice in it")
    for name, kind in {"item_id": pa.string(), "group_id": pa.string(), "label": pa.int64()}.items():
        if name not in schema.names or schema.field(name).type != kind:
            raise ValueError(f"it has no column {name} of type {kind}")
    for name, kind in {"logits": pa.float32(), "posterior": pa.float64()}.items():
        if (name in schema.names or name == "logits") and not _is_matrix(schema, name, kind):
            raise ValueError(f"it has no column {name} of rows of {kind}")
    for column in schema:
        if column.name not in _OWN and not (column.name.startswith(_PREFIX) and _is_plain(column.type)):
            raise ValueError(f"its column {column.name} of type {column.type} is none of predictions")


def _is_matrix(schema: Any, name: str, kind: Any) -> bool:
    import pyarrow as pa

    found = schema.field(name).type if name in schema.names else None
    return isinstance(found, pa.FixedSizeListType) and found.value_type == kind


def _is_plain(found: Any) -> bool:
    import pyarrow.types as types

    if types.is_fixed_size_list(found):
        return _is_number(found.value_type)
    return bool(types.is_string(found)) or _is_number(found)


def _is_number(found: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(found) or types.is_floating(found) or types.is_boolean(found))


def _check_present(table: Any) -> None:
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.combine_chunks()
        missing = values.null_count + (values.flatten().null_count if hasattr(values, "flatten") else 0)
        if missing:
            raise ValueError(f"its column {name} lacks {missing} values")


def _column(values: npt.NDArray[Any]) -> Any:
    import pyarrow as pa

    if values.ndim == 2:
        return _rows(values, pa.from_numpy_dtype(values.dtype))
    return pa.array(values.tolist() if values.dtype.kind == "U" else values)


def _array(column: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    if isinstance(column.type, pa.FixedSizeListType):
        return _matrix(column, column.type.value_type.to_pandas_dtype())
    values = column.combine_chunks()
    return np.array(values.to_pylist(), dtype=np.str_) if pa.types.is_string(column.type) else values.to_numpy(False)


def _rows(matrix: npt.NDArray[Any], dtype: Any) -> Any:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(matrix).reshape(-1), dtype)
    return pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])


def _matrix(column: Any, dtype: Any) -> npt.NDArray[Any]:
    values = column.combine_chunks()
    flat: npt.NDArray[Any] = values.flatten().to_numpy(zero_copy_only=False).astype(dtype)
    return flat.reshape(len(values), values.type.list_size)
