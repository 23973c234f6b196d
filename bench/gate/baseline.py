"""A baseline: a file of JSON lines, one condition each, under a header that says where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.canonical import canonical_json
from bench.errors import BadInput
from bench.gate.measured import Measured, from_json
from bench.small_files import numbered_lines, replace_text
from bench.strict_json import parse_json

SCHEMA_VERSION = 1
_KIND = "crosscal baseline"


@dataclass(frozen=True)
class Baseline:
    """The conditions of a baseline by id, and its `provenance`: plain values for a reader, compared with nothing."""

    conditions: Mapping[str, Measured]
    provenance: Mapping[str, Any] = field(default_factory=dict)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline; raises BadInput naming the file, the line, what is wrong with it and the way out."""
    lines = list(numbered_lines(path))
    if not lines:
        raise BadInput(f"{path} is empty; write a baseline with --baseline {path} --update-baseline.")
    found: dict[str, Measured] = {}
    provenance: dict[str, Any] = {}
    for number, line in lines:
        try:
            data = parse_json(line)
            if number == lines[0][0]:
                provenance = _header(data)
            else:
                one = from_json(data)
                if one.id in found:
                    raise BadInput(f"It repeats {one.id}.")
                found[one.id] = one
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"{path}, line {number}: {error} Restore the file, or write it again with --update-baseline."
            ) from error
    return Baseline(found, provenance)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write `baseline` at once, one condition a line, sorted by id: a change of one condition is a diff of one line."""
    header = canonical_json({"baseline": _KIND, "schema": SCHEMA_VERSION, "provenance": dict(baseline.provenance)})
    lines = [canonical_json(baseline.conditions[each]) for each in sorted(baseline.conditions)]
    replace_text(path, "\n".join([header, *lines]) + "\n")


def updated(
    old: Baseline | None, new: Iterable[Measured], gone: Iterable[str], provenance: Mapping[str, Any]
) -> Baseline:
    """Return `old` with `new` conditions in place of its own and without those in `gone`; all others stay."""
    kept = {} if old is None else dict(old.conditions)
    for each in gone:
        kept.pop(each, None)
    return Baseline(kept | {one.id: one for one in new}, provenance)


def _header(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or data.get("baseline") != _KIND or not isinstance(data.get("provenance"), dict):
        raise BadInput(f"The first line of a baseline is an object with baseline {_KIND!r} and a provenance.")
    if data.get("schema") != SCHEMA_VERSION:
        raise BadInput(f"Got schema={data.get('schema')!r}, but this version reads {SCHEMA_VERSION}.")
    return dict(data["provenance"])
