"""A row as one flat record, one column a number (described in docs/rows.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from sys import float_info
from typing import Any

from bench.condition import Condition
from bench.rows import Row

Value = str | int | float | list[str] | None
_PARTS = ("low", "high", "floor", "p")
_CONDITION = tuple(Condition.__dataclass_fields__)
_STATED = ("pairing", "device", "provenance")
_SETS = ("coverage", "gap", "mean_size")


def flat(row: Row) -> dict[str, Value]:
    """Return the row's columns: what it is, then its numbers; what a row lacks is None or no column at all.

    Units are those of the row. A metric's name that is one of the first columns loses against it.
    """
    identity = _identity(row)
    return identity | {name: value for name, value in _numbers(row) if name not in identity}


def _identity(row: Row) -> dict[str, Value]:
    score, baseline = row.baseline or (None, None)
    return {
        "study": row.study,
        "id": row.id,
        "recalibration": row.recalibration,
        **{name: getattr(row.condition, name) for name in _CONDITION},
        "protocol": row.protocol,
        "world": row.world,
        "split": row.split,
        "n": row.n,
        "groups": int(row.data["groups"]),
        "flags": list(row.flags),
        "baseline_score": score,
        "baseline": baseline,
        **{name: _text(row.data.get(name)) for name in _STATED},
        "throughput_note": row.throughput_note,
    }


def _numbers(row: Row) -> Iterator[tuple[str, Value]]:
    data = row.data
    yield from _estimates("", data["metrics"])
    yield from _estimates("transfer_", data["transfer"] or {})
    yield from _estimates("score_", data.get("task_scores") or {})
    for view, seen in sorted((data.get("views") or {}).items()):
        yield from _estimates(f"view_{view}_", (seen or {}).get("metrics") or {})
        yield from _estimates(f"view_{view}_transfer_", (seen or {}).get("transfer") or {})
    for method, sets in sorted((data.get("prediction_sets") or {}).items()):
        # Only the methods that this version knows were checked when the row was read.
        stated = sets if isinstance(sets, dict) else {}
        yield from ((f"sets_{method}_{name}", _number(stated.get(name))) for name in _SETS)
    for part in ("throughput", "timings"):
        yield from ((name, _number(value)) for name, value in sorted(data[part].items()))
    yield from ((f"digest_{name}", _text(value)) for name, value in sorted(data["digests"].items()))


def _estimates(prefix: str, entries: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, entry in sorted(entries.items()):
        stated = entry or {}
        yield prefix + name, _number(stated.get("value"))
        yield from (
            (f"{prefix}{name}_{part}", _number(stated[part])) for part in _PARTS if stated.get(part) is not None
        )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > float_info.max:
        return None
    return float(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def columns_of(records: Iterable[Mapping[str, Value]]) -> list[str]:
    """Return the columns of all records: those of every record first, in their order, then the others by name."""
    records = list(records)
    fixed = [name for name in (records[0] if records else {}) if all(name in record for record in records)]
    return [*fixed, *sorted({name for record in records for name in record} - set(fixed))]
