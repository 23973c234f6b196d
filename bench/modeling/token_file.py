"""Token rows on disk: an Arrow file that is mapped into memory, not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.errors import Corrupt
from bench.modeling.marks import Marks
from bench.modeling.tokenization import Encoded

_COLUMNS = ("ids", "types", "truncated")
_MARKS = ("first", "second", "row_first", "row_second")


def write_tokens(path: Path, encoded: Encoded) -> None:
    """Write `encoded` to `path`, a record a row: ids and segment numbers as lists, whether it lost tokens, marks."""
    columns = [
        pa.LargeListArray.from_arrays(encoded.offsets, encoded.ids),
        pa.LargeListArray.from_arrays(encoded.offsets, encoded.types),
        pa.array(encoded.truncated),
    ]
    names = list(_COLUMNS)
    if encoded.marks is not None:
        columns += _marks_columns(encoded.marks)
        names += _MARKS
    batch = pa.record_batch(columns, names=names)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)


def read_tokens(path: Path) -> Encoded:
    """Return the token rows in `path`, their arrays read-only; raises Corrupt for another file."""
    try:
        with pa.memory_map(str(path)) as file:
            batch = pa.ipc.open_file(file).get_batch(0)
        ids, types, truncated = (batch.column(name) for name in _COLUMNS)
        return Encoded(
            ids=ids.values.to_numpy(), types=types.values.to_numpy(), offsets=ids.offsets.to_numpy(),
            truncated=truncated.to_numpy(zero_copy_only=False),
            marks=_read_marks(batch) if _MARKS[0] in batch.schema.names else None,
        )  # fmt: skip
    except (OSError, KeyError, IndexError, AttributeError, pa.ArrowException) as error:
        raise Corrupt(f"{path} holds no token rows ({error}); delete it, and it is made again.") from error


def _marks_columns(marks: Marks) -> list[pa.Array]:
    lists = [pa.LargeListArray.from_arrays(marks.offsets, np.ascontiguousarray(each)) for each in marks.pairs.T]
    return [*lists, *(pa.array(each) for each in marks.rows.T)]


def _read_marks(batch: pa.RecordBatch) -> Marks:
    first, second, *rows = (batch.column(name) for name in _MARKS)
    pairs = np.stack([first.values.to_numpy(), second.values.to_numpy()], axis=1)
    return Marks(pairs, first.offsets.to_numpy(), np.stack([each.to_numpy() for each in rows], axis=1))
