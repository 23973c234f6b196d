"""Rows as a Parquet file, for pandas, polars, R or DuckDB."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from bench.export.flat import columns_of, flat
from bench.rows import Row
from bench.small_files import replace_bytes

# Where no row has a value the type cannot be seen from one.
_TEXT = ("baseline_score", "pairing", "device", "provenance")
_WHOLE = ("seed", "n", "groups")


def write_parquet(rows: Iterable[Row], path: Path) -> None:
    """Write one record a row, sorted by key: equal rows give equal bytes with one version of pyarrow.

    Raises BadInput where there are no rows or `path` cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    records = [flat(row) for row in sorted(rows, key=lambda row: row.key)]
    if not records:
        raise BadInput("Got no rows to export; run some cases first, or name another results directory.")
    names = columns_of(records)
    arrays = [_array(name, records) for name in names]
    content = BytesIO()
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), content, compression="zstd")
    replace_bytes(path, content.getvalue())


def _array(name: str, records: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    try:
        return pa.array([record.get(name) for record in records], _type(name, records))
    except (pa.ArrowException, OverflowError) as error:
        raise BadInput(f"Got a column {name} that Parquet cannot hold ({error}); look for it in the rows.") from error


def _type(name: str, records: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    if name == "flags":
        return pa.list_(pa.string())
    if name in _WHOLE:
        return pa.int64()
    if name in _TEXT or any(isinstance(record.get(name), str) for record in records):
        return pa.string()
    return pa.float64()
