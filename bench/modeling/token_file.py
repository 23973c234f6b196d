"""Token rows on disk: an Arrow file that is mapped into memory, not read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from bench.errors import Corrupt
from bench.modeling.tokenization import Encoded

_COLUMNS = ("ids", "types", "truncated")


def write_tokens(path: Path, encoded: Encoded) -> None:
    """Write `encoded` to `path`, a record a row: ids and segment numbers as lists, and whether it lost tokens."""
    columns = [
        pa.LargeListArray.from_arrays(encoded.offsets, encoded.ids),
        pa.LargeListArray.from_arrays(encoded.offsets, encoded.types),
        pa.array(encoded.truncated),
    ]
    batch = pa.record_batch(columns, names=list(_COLUMNS))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)


def read_tokens(path: Path) -> Encoded:
    """Return the token rows in `path`, their ids and segment numbers read-only; raises Corrupt for another file."""
    try:
        with pa.memory_map(str(path)) as file:
            batch = pa.ipc.open_file(file).get_batch(0)
        ids, types, truncated = (batch.column(name) for name in _COLUMNS)
        return Encoded(
            ids=ids.values.to_numpy(), types=types.values.to_numpy(), offsets=ids.offsets.to_numpy(),
            truncated=truncated.to_numpy(zero_copy_only=False),
        )  # fmt: skip
    except (OSError, KeyError, IndexError, AttributeError, pa.ArrowException) as error:
        raise Corrupt(f"{path} holds no token rows ({error}); delete it, and it is made again.") from error
