"""Stored predictions: the primary artefact, from which every score can be computed again without a GPU."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.canonical import canonical_json
from bench.errors import Corrupt

SCHEMA_VERSION = 1
_METADATA_KEY = b"crosscal"


@dataclass(frozen=True)
class Predictions:
    """Logits for the units of one split in one language.

    item_ids, group_ids: (n,) str; labels: (n,) int64; logits: (n, K) float32; posterior: (n, K) float64 or None;
    metadata: plain values (condition-independent: recipe key, data fingerprint, language, split, label names, flags).
    """

    item_ids: npt.NDArray[np.str_]
    group_ids: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    posterior: npt.NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

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
    header = canonical_json({"schema": SCHEMA_VERSION, **predictions.metadata})
    table = pa.table(columns).replace_schema_metadata({_METADATA_KEY: header.encode()})
    pq.write_table(table, path, compression="zstd")


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote; raises Corrupt when the file is not such a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, because read_table would take a directory or a partition for a data set.
        table = pq.ParquetFile(path).read()
        metadata = json.loads((table.schema.metadata or {})[_METADATA_KEY])
        posterior = _matrix(table["posterior"], np.float64) if "posterior" in table.column_names else None
        return Predictions(
            item_ids=np.array(table["item_id"].to_pylist(), dtype=np.str_),
            group_ids=np.array(table["group_id"].to_pylist(), dtype=np.str_),
            labels=table["label"].to_numpy().astype(np.int64),
            logits=_matrix(table["logits"], np.float32),
            posterior=posterior,
            metadata=metadata,
        )
    except (KeyError, ValueError, OSError, pa.ArrowException) as error:
        raise Corrupt(f"{path} is no predictions file ({error}); delete it and predict again.") from error


def _rows(matrix: npt.NDArray[Any], dtype: Any) -> Any:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(matrix).reshape(-1), dtype)
    return pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])


def _matrix(column: Any, dtype: Any) -> npt.NDArray[Any]:
    values = column.combine_chunks()
    flat: npt.NDArray[Any] = values.flatten().to_numpy(zero_copy_only=False).astype(dtype)
    return flat.reshape(len(values), values.type.list_size)
