"""Artefacts on disk: never visible half-written, made once however many processes ask, never lost when damaged."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from bench.canonical import canonical_json
from bench.errors import Corrupt, CrosscalError, StoreFailed
from bench.store.location import artefact_directory, check_key, check_kind, stored, writable_root
from bench.store.manifest import (
    Manifest,
    check_files,
    read_manifest,
    seal,
    sync_directory,
    verify_files,
)

_log = logging.getLogger(__name__)
_TOLD_NUMBER = re.compile(r"\(os error (\d+)\)")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

Make = Callable[[Path], Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A stored artefact: its files are in the directory `path`, under the names in `manifest.files`."""

    kind: str
    key: str
    path: Path
    manifest: Manifest


class Store:
    """The artefacts under `root`, each in `<kind>/<key[:2]>/<key>/` with its manifest.

    Every method raises BadInput for a kind that is not in KINDS or a key that is not 64 hexadecimal digits, and
    StoreFailed when the disk is full, permission is missing or the directory went away; the constructor raises BadInput
    for a root that cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = writable_root(root)

    def find(self, kind: str, key: str, hashed: bool = False) -> Entry | None:
        """Return the artefact, or None when it is missing; a damaged one is moved to quarantine, and is missing.

        Sizes and times are compared, which costs nothing; `hashed` is for who is about to read the files: it also
        compares their sha256, so that no flipped bit is ever parsed.
        """
        with self._reporting(kind, key):
            try:
                return self._read(kind, key, hashed)
            except Corrupt:
                return self._set_aside(kind, key, hashed)

    def ensure(
        self,
        kind: str,
        key: str,
        identity: Mapping[str, Any],
        make: Make,
        waiting: Callable[[str], None] = _log.info,
    ) -> tuple[Entry, bool]:
        """Return the artefact and whether it was made now, by `make`.

        `make` gets an empty directory, writes the artefact's files into it and returns the provenance; identity and
        provenance are plain, finite values. Of all processes and threads that ask at the same time one makes it;
        `waiting` is told when this one has to wait. When `make` raises, nothing is left behind. What was made before
        is hashed, as by `find`.
        """
        canonical_json(identity)  # An identity that cannot be written must not be found out after hours of training.
        if (entry := self.find(kind, key, hashed=True)) is not None:
            # Whoever published it may have been killed before it cleared what it kept until then.
            shutil.rmtree(self.unfinished(kind, key), ignore_errors=True)
            return entry, False
        with self.lock(kind, key, waiting):
            if (entry := self.find(kind, key, hashed=True)) is not None:
                return entry, False
            return self._make(kind, key, identity, make)

    def publish(
        self,
        kind: str,
        key: str,
        identity: Mapping[str, Any],
        provenance: Mapping[str, Any],
        write: Callable[[Path], None],
    ) -> Entry:
        """Return the artefact, written by `write` unless somebody else has published it before."""

        def make(directory: Path) -> Mapping[str, Any]:
            write(directory)
            return provenance

        return self.ensure(kind, key, identity, make)[0]

    @contextlib.contextmanager
    def lock(self, kind: str, key: str, waiting: Callable[[str], None] = _log.info) -> Iterator[None]:
        """Hold the artefact's lock, which ends with the process; the same thread may take it again."""
        with self._reporting(kind, key):
            lock = self._file_lock(kind, key)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting(f"waiting for another process to make {kind} {key[:12]} (lock {lock.lock_file})")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def unfinished(self, kind: str, key: str) -> Path:
        """Return the directory, which need not exist, for what the maker of an artefact keeps until it is published.

        It outlives a killed process. Only who holds the artefact's lock may use it; publishing empties it.
        """
        return self.root / "unfinished" / check_kind(kind) / check_key(key)

    def remove(self, entry: Entry) -> None:
        """Delete the artefact; no harm when it is gone already."""
        kind, key = entry.kind, entry.key
        with self.lock(kind, key), self._reporting(kind, key), contextlib.suppress(FileNotFoundError):
            remove_published(self._path(kind, key))

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Yield every sound artefact (of one kind), ordered by kind and key."""
        for found in stored(self.root, kind):
            if (entry := self.find(*found[:2])) is not None:
                yield entry

    def verify(self, entry: Entry) -> list[str]:
        """Hash all files of the artefact and return what is wrong, one sentence each; empty when all is well."""
        path = self._path(entry.kind, entry.key)
        with self._reporting(entry.kind, entry.key):
            try:
                return verify_files(path, read_manifest(path, entry.kind, entry.key))
            except Corrupt as error:
                return [str(error)]

    def _path(self, kind: str, key: str) -> Path:
        return artefact_directory(self.root, kind, key)

    def _read(self, kind: str, key: str, hashed: bool) -> Entry | None:
        path = self._path(kind, key)
        try:
            manifest = read_manifest(path, kind, key)
        except Corrupt:
            if not os.path.lexists(path):
                return None
            raise
        if not hashed:
            check_files(path, manifest)
        elif problems := verify_files(path, manifest):
            raise Corrupt(problems[0])
        return Entry(kind, key, path, manifest)

    def _set_aside(self, kind: str, key: str, hashed: bool) -> Entry | None:
        # Without the lock, two finders could move away first the damaged artefact and then its replacement.
        lock = self._file_lock(kind, key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        try:
            return self._read(kind, key, hashed)
        except Corrupt as error:
            self._quarantine(kind, key, str(error))
            return None
        finally:
            lock.release()

    def _quarantine(self, kind: str, key: str, problem: str) -> None:
        refuge = self.root / "quarantine" / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
        refuge.parent.mkdir(exist_ok=True)
        self._path(kind, key).rename(refuge)
        _log.warning("%s; the damaged %s is now %s and will be made again", problem, kind, refuge)

    def _make(self, kind: str, key: str, identity: Mapping[str, Any], make: Make) -> tuple[Entry, bool]:
        path = self._path(kind, key)
        with self._reporting(kind, key), _staging(path) as staging:
            provenance = make(staging)
            if not staging.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(staging))
            manifest = seal(staging, kind, key, identity, provenance)
            try:
                staging.rename(path)
            except OSError:
                # Where locks do not reach (another host on a network file system) the first to publish wins.
                if (winner := self.find(kind, key)) is None:
                    raise
                return winner, False
            sync_directory(path.parent)
        shutil.rmtree(self.unfinished(kind, key), ignore_errors=True)
        return Entry(kind, key, path, manifest), True

    @contextlib.contextmanager
    def _reporting(self, kind: str, key: str) -> Iterator[None]:
        """Raise StoreFailed for what the file system refuses below the root, and for a full disk."""
        try:
            yield
        except Exception as error:
            if isinstance(error, CrosscalError) or not _concerns(error, self.root):
                raise
            raise StoreFailed(
                f"Cannot read or write {kind} {key[:12]} in {self.root} ({error}); nothing published is lost: make "
                "room with `crosscal store gc`, allow reading and writing there, or name another directory with "
                "--store or CROSSCAL_HOME, and run again."
            ) from error

    def _file_lock(self, kind: str, key: str) -> BaseFileLock:
        path = self.root / "locks" / check_kind(kind) / f"{check_key(key)}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path, is_singleton=True)


def _concerns(error: Exception, root: Path) -> bool:
    """Say whether the disk is full, or what failed is a file below `root`: what a maker meets elsewhere is its own."""
    name = getattr(error, "filename", None)
    if isinstance(name, str | bytes):
        return isinstance(error, OSError) and Path(os.fsdecode(name)).is_relative_to(root)
    # The library that writes weights has errors of its own, with the number in their text.
    told = _TOLD_NUMBER.search(str(error))
    return (int(told[1]) if told else getattr(error, "errno", None)) in _NO_ROOM


def remove_published(path: Path) -> None:
    """Delete the artefact in `path`: nobody finds it half deleted, and a killed process leaves a leftover.

    Whoever calls it holds the artefact's lock. Raises FileNotFoundError when there is none.
    """
    aside = _aside(path)
    path.rename(aside)
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink()


def _aside(path: Path) -> Path:
    return path.with_name(f".tmp-{path.name}-{uuid.uuid4().hex[:8]}")


@contextlib.contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """Give an empty directory beside `path`; leftovers of killed processes go, so the caller holds the lock."""
    for leftover in path.parent.glob(f".tmp-{path.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    staging = _aside(path)
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
