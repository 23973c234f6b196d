"""What may go from the store: leftovers and, on request, what is old and needed by no baseline."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import BadInput, Corrupt, StoreFailed
from bench.store.failures import KEEP_SECONDS
from bench.store.location import KINDS, artefact_directory, stored
from bench.store.manifest import read_manifest
from bench.store.pins import Artefact, held, needed, others, release
from bench.store.store import Store, remove_published

_DAY = 24 * 3600
_NEVER = float("-inf")
_LEFTOVER = re.compile(r"\.tmp-([0-9a-f]{64})-[0-9a-f]{8}\Z")
_QUARANTINED = re.compile(rf"({'|'.join(KINDS)})-([0-9a-f]{{64}})-[0-9a-f]{{8}}\Z")

Rule = Callable[[Path, Artefact | None], str]


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that may go: where it is, why it may, and its size in bytes."""

    path: Path
    reason: str
    size: int


def collect(
    store: Store, older_than: float | None = None, released: str | None = None, dry_run: bool = False
) -> Iterator[Garbage]:
    """Yield what may go, each after it was removed; with `dry_run` the same things, and nothing is removed.

    These are leftovers of killed processes, snapshots of trainings that were published since, sessions of more than
    a day ago and, where `older_than` (days) is given, artefacts, interrupted trainings and quarantine older than that
    and needed by no baseline. The pin of the baseline `released` is deleted first. What belongs to an artefact whose
    lock somebody holds stays. Raises BadInput for a bad number of days or an unknown baseline, Corrupt for a pin that
    cannot be read, StoreFailed for what cannot be removed; before the first removal in all cases but the last.
    """
    horizon = _horizon(older_than)
    with held(store.root):
        kept = needed(store.root, None if released is None else others(store.root, released))
        if released is not None and not dry_run:
            release(store.root, released)
        for candidate in _candidates(_Rules(store.root, kept, horizon)):
            if (found := _take(store, candidate, dry_run)) is not None:
                yield found


def damage(path: Path, kind: str, key: str) -> str:
    """Return what is visibly wrong with the artefact in `path`, "" for nothing; hashes, moves and touches nothing."""
    try:
        for name, record in read_manifest(path, kind, key).files.items():
            status = (path / name).lstat()
            if not stat.S_ISREG(status.st_mode):
                return f"{name} is not a plain file"
            if status.st_size != record.size:
                return f"{name} has {status.st_size} bytes instead of {record.size}"
    except (Corrupt, OSError) as error:
        return str(error)
    return ""


def leftovers(root: Path) -> list[Path]:
    """Return what killed processes left half-written or half-deleted beside artefacts, and running ones use."""
    beside = (path for kind in KINDS for path in (root / kind).glob("??/.tmp-*"))
    return sorted(path for path in beside if _LEFTOVER.match(path.name))


def unfinished(root: Path) -> list[Path]:
    """Return the directories of snapshots, `unfinished/<kind>/<key>`."""
    return sorted(path for kind in KINDS for path in (root / "unfinished" / kind).glob("[0-9a-f]" * 64))


def sessions(root: Path) -> list[Path]:
    """Return where sessions remember what failed."""
    return sorted((root / "sessions").glob("*"))


def quarantined(root: Path) -> list[Path]:
    """Return damaged artefacts that were moved aside."""
    return sorted((root / "quarantine").glob("*"))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a directory; what goes away meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        total += sum(_file_size(Path(folder, name)) for name in names)
    return total if path.is_dir() and not path.is_symlink() else _file_size(path)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What `rule` may allow to go, while nobody else holds the lock of `owner`, by `delete`."""

    path: Path
    owner: Artefact | None
    rule: Rule
    delete: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class _Rules:
    """Each rule returns the reason why something may go, or "" when it may not. `horizon`: seconds since the epoch."""

    root: Path
    kept: Collection[Artefact]
    horizon: float

    def leftover(self, path: Path, owner: Artefact | None) -> str:
        return "left by a killed process"

    def unfinished(self, path: Path, owner: Artefact | None) -> str:
        if owner is not None and not damage(artefact_directory(self.root, *owner), *owner):
            return "snapshots of what is published"
        touched = _last_touched(path)
        return f"interrupted, last touched {_date(touched)}" if self._old(touched, owner) else ""

    def session(self, path: Path, owner: Artefact | None) -> str:
        return "a session of more than a day ago" if path.lstat().st_mtime < time.time() - KEEP_SECONDS else ""

    def artefact(self, path: Path, owner: Artefact | None) -> str:
        created = _created(path, owner)
        return f"made {_date(created)}, needed by no baseline" if self._old(created, owner) else ""

    def quarantined(self, path: Path, owner: Artefact | None) -> str:
        # Moving aside keeps the modification time, which says when the artefact was made.
        since = path.lstat().st_ctime
        replaced = owner is not None and not damage(artefact_directory(self.root, *owner), *owner)
        return f"damaged, set aside {_date(since)}" if self._old(since, None if replaced else owner) else ""

    def _old(self, time_: float, owner: Artefact | None) -> bool:
        return time_ < self.horizon and owner not in self.kept


def _candidates(rules: _Rules) -> Iterator[_Candidate]:
    # Artefacts come after snapshots, whose rule asks for them: a dry run must not say other things.
    root = rules.root
    for path in leftovers(root):
        yield _Candidate(path, (path.parents[1].name, path.name[5:69]), rules.leftover, _delete)
    for path in unfinished(root):
        yield _Candidate(path, (path.parent.name, path.name), rules.unfinished, _delete)
    for path in sessions(root):
        yield _Candidate(path, None, rules.session, _delete)
    if rules.horizon > _NEVER:
        yield from _aged(rules)


def _aged(rules: _Rules) -> Iterator[_Candidate]:
    root = rules.root
    for kind, key, path in stored(root):
        yield _Candidate(path, (kind, key), rules.artefact, remove_published)
    for path in quarantined(root):
        match = _QUARANTINED.match(path.name)
        yield _Candidate(path, (match[1], match[2]) if match else None, rules.quarantined, _delete)


def _take(store: Store, candidate: _Candidate, dry_run: bool) -> Garbage | None:
    """Remove the candidate, unless `dry_run`, and return it; None when it is in use, gone or has to stay."""
    path = candidate.path
    try:
        with _unwaited(store, candidate.owner):
            if not (reason := candidate.rule(path, candidate.owner)):
                return None
            found = Garbage(path, reason, size_of(path))
            if not dry_run:
                candidate.delete(path)
            return found
    except (_InUse, FileNotFoundError):
        return None
    except OSError as error:
        raise StoreFailed(f"Cannot remove {path} ({error.strerror or error}); remove it yourself.") from error


class _InUse(Exception):
    """Another process or thread holds the lock."""


def _unwaited(store: Store, owner: Artefact | None) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of `owner`; raises _InUse instead of waiting for it."""

    def refuse(message: str) -> None:
        raise _InUse(message)

    return contextlib.nullcontext() if owner is None else store.lock(*owner, refuse)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _horizon(older_than: float | None) -> float:
    if older_than is None:
        return _NEVER
    if not 0 <= older_than < float("inf"):
        raise BadInput(f"Got older_than={older_than:g}, but an age is a number of days of 0 or more.")
    return time.time() - older_than * _DAY


def _created(path: Path, owner: Artefact | None) -> float:
    """Return when the artefact was made, in seconds since the epoch; never old where that cannot be told."""
    try:
        return datetime.fromisoformat(read_manifest(path, *(owner or ("", ""))).created).timestamp()
    except (Corrupt, ValueError, TypeError, OverflowError):
        return float("inf")


def _last_touched(path: Path) -> float:
    return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))


def _file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
