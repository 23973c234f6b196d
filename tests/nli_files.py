"""Small parquet files in the shape of the published NLI data sets, with invented sentences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str, str, int]


def triples(groups: int, prefix: str = "") -> list[Row]:
    """Return `groups` premises with one hypothesis of each label."""
    return [
        (f"{prefix}box {group} is red", f"{prefix}claim {label} on box {group}", label)
        for group in range(groups)
        for label in range(3)
    ]


def write_nli(path: Path, rows: Iterable[Row], **columns: Sequence[Any]) -> Path:
    """Write `rows` as premise, hypothesis, label; `columns` replace a column (None removes it) or add one."""
    premises, hypotheses, labels = zip(*rows, strict=True)
    table: dict[str, Any] = {"premise": premises, "hypothesis": hypotheses, "label": labels, **columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(values) for name, values in table.items() if values is not None}), path)
    return path


def write_manifest(mirror: Path, note: str = "complete", **wrong: str) -> None:
    """List every parquet file of `mirror` in its manifest; `wrong` overrides fields of every entry."""
    entries = [
        {
            "path": path.relative_to(mirror).as_posix(),
            "rows": pq.ParquetFile(path).metadata.num_rows,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "note": note,
            **wrong,
        }
        for path in sorted(mirror.rglob("*.parquet"))
    ]
    (mirror / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
