"""The ledger: what became of every selected case, with the reason where it did not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.canonical import canonical_json
from bench.condition import Condition
from bench.errors import BadInput
from bench.small_files import locked, read_text, replace_text
from bench.strict_json import parse_json

SCHEMA_VERSION = 1
STATUSES = ("run", "cached", "stand-in", "skipped", "failed", "blocked")
SCORED = frozenset({"run", "cached", "stand-in"})
_FIELDS = ("id", "reason", "status", "study")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One selected case: its condition's id, its status, why it did not run (else empty), and its study's digest.

    Raises BadInput for a status or an id that is none, and for a case that did not run without a reason.
    """

    id: str
    status: str
    reason: str
    study: str

    def __post_init__(self) -> None:
        # First the id, which the other messages quote.
        Condition.from_id(self.id)
        if self.status not in STATUSES:
            raise BadInput(f"Got status={self.status!r} for {self.id}, but a status is one of {', '.join(STATUSES)}.")
        if self.status not in SCORED and not self.reason:
            raise BadInput(f"Got status={self.status!r} for {self.id} without a reason; say why it did not run.")

    @property
    def condition(self) -> Condition:
        """The condition of the case."""
        return Condition.from_id(self.id)

    @property
    def key(self) -> tuple[str, str]:
        """What makes an entry this entry: (study, id)."""
        return self.study, self.id


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries, one for each (study, id), sorted by that key."""

    entries: tuple[LedgerEntry, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the number of entries of every status, in the order of STATUSES, zeros included."""
        found = Counter(entry.status for entry in self.entries)
        return {status: found[status] for status in STATUSES}

    def merged(self, new: Iterable[LedgerEntry]) -> Ledger:
        """Return this ledger with `new` entries in place of those of the same key; all others stay."""
        merged = {entry.key: entry for entry in [*self.entries, *new]}
        return Ledger(tuple(merged[key] for key in sorted(merged)))


def read_ledger(path: Path) -> Ledger:
    """Read a ledger file; raises BadInput naming the file, what is wrong with it and the way out."""
    try:
        data = parse_json(read_text(path))
        if (
            not isinstance(data, dict)
            or data.get("schema") != SCHEMA_VERSION
            or not isinstance(data.get("entries"), list)
        ):
            raise BadInput(f"A ledger is an object with schema {SCHEMA_VERSION} and a list of entries.")
        return Ledger().merged(_entry(one) for one in data["entries"])
    except ValueError as error:
        raise BadInput(f"{path} is no ledger: {error} Delete it and run again; rows are kept elsewhere.") from error


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write the ledger to `path` at once, one entry a line, sorted: equal ledgers, equal bytes."""
    entries = ",\n".join(canonical_json(_writable(entry)) for entry in Ledger().merged(ledger.entries).entries)
    replace_text(path, f'{{"entries":[\n{entries}\n],"schema":{SCHEMA_VERSION}}}\n')


def update_ledger(path: Path, new: Iterable[LedgerEntry]) -> Ledger:
    """Merge `new` into the file at `path`, which need not exist, and return all of it; holds a lock beside the file."""
    with locked(path):
        known = read_ledger(path) if path.exists() else None
        ledger = (known or Ledger()).merged(new)
        if ledger != known:
            write_ledger(path, ledger)
    return ledger


def _writable(entry: LedgerEntry) -> LedgerEntry:
    # The text of an exception may quote a file name that is no Unicode, and that must not cost the ledger.
    return replace(entry, reason=entry.reason.encode(errors="backslashreplace").decode())


def _entry(data: object) -> LedgerEntry:
    if (
        not isinstance(data, dict)
        or sorted(data) != list(_FIELDS)
        or not all(isinstance(v, str) for v in data.values())
    ):
        raise BadInput(f"Got the entry {data!r}, but an entry has the strings {', '.join(_FIELDS)}.")
    return LedgerEntry(**data)
