"""The rows of one condition as an artefact of the store, and notes in its manifest: what a replay says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import Corrupt
from bench.rows import Key, Row, line_digest, written_row
from bench.small_files import numbered_lines

_ROWS_FILE = "rows.jsonl"
# What a JUnit file says of a case.
_METRICS = ("accuracy", "confidence", "gap", "ece15", "l2sq15", "nll")


@dataclass(frozen=True, slots=True)
class NotedRow:
    """A row whose line is read only when somebody asks for it: it is in `file`, or else it is `held`.

    `metrics` are the values of the main ones, without those that are not defined; `digest` is the line's sha256.
    """

    study: str
    id: str
    recalibration: str
    n: int
    flags: tuple[str, ...]
    metrics: Mapping[str, float]
    digest: str
    file: str = ""
    held: str = ""

    @property
    def key(self) -> Key:
        """What makes a row this row, as `Row.key`."""
        return self.study, self.id, self.recalibration

    def line(self) -> str:
        """Return the row as canonical JSON; raises Corrupt where its file was changed after it was looked for."""
        if self.held:
            return self.held
        for _, line in numbered_lines(Path(self.file)):
            if line_digest(line) == self.digest:
                return line
        raise Corrupt(f"{self.file} has lost the row of {self.id} since it was found; run again, and it is made anew")

    def with_flag(self, flag: str) -> NotedRow:
        """Return the row with a further flag."""
        row = written_row(self.line())
        return noted(Row({**row.data, "flags": sorted({*row.flags, flag})}))

    def plain(self) -> dict[str, Any]:
        """Return this as plain values, which `from_plain` takes."""
        return asdict(self)


def from_plain(told: Mapping[str, Any], file: str = "") -> NotedRow:
    """Return what was told by `NotedRow.plain`; `file` is where the line is, unless that is told too."""
    return NotedRow(**{"file": file, **told, "flags": tuple(told["flags"])})


def noted(row: Row) -> NotedRow:
    """Return the notes of a row, which holds its line."""
    values = {name: row.metric(name) for name in _METRICS}
    metrics = {name: each.value for name, each in values.items() if each is not None}
    digest = line_digest(row.line)
    return NotedRow(row.study, row.id, row.recalibration, row.n, row.flags, metrics, digest, held=row.line)


def write_stored_rows(directory: Path, rows: Sequence[Row]) -> None:
    """Write rows into the directory of an artefact."""
    (directory / _ROWS_FILE).write_text("".join(row.line + "\n" for row in rows), encoding="utf-8")


def notes_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the notes of rows as plain values, for the manifest of their artefact."""
    told = [noted(row).plain() for row in rows]
    return [{name: value for name, value in one.items() if name not in ("file", "held")} for one in told]


def stored_rows(directory: Path, notes: Sequence[Mapping[str, Any]]) -> list[NotedRow]:
    """Return the rows in the directory of an artefact whose manifest has these notes."""
    file = str(directory / _ROWS_FILE)
    return [from_plain(each, file) for each in notes]
