"""The manifest of an artefact: what it was made from, how, and the files it consists of."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.canonical import canonical_json, digest, file_digest, plain
from bench.errors import BadInput, Corrupt
from bench.strict_json import parse_json

MANIFEST_NAME = "manifest.json"
_CHECKSUM = "sha256"
_NO_SUCH_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes, modification time in ns since the epoch, and sha256 (64 hexadecimal digits) of one file."""

    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an artefact is.

    `identity` is what the key was made from, `provenance` how it came about (device, versions, timings, ...), `files`
    maps a path relative to the artefact, with "/", to its record; `created` is UTC in ISO 8601.
    """

    kind: str
    key: str
    identity: Mapping[str, Any]
    provenance: Mapping[str, Any]
    files: Mapping[str, FileRecord]
    created: str


def seal(directory: Path, kind: str, key: str, identity: Mapping[str, Any], provenance: Mapping[str, Any]) -> Manifest:
    """Flush all files of `directory` to disk, then write and return its manifest.

    Raises BadInput when there is no file or something that is no plain file, TypeError or ValueError when identity or
    provenance hold other than plain, finite values.
    """
    files = {name: _record(directory / name) for name in _plain_files(directory)}
    if not files:
        raise BadInput(f"Got no file for {kind} {key[:12]}, but an artefact holds at least one.")
    if MANIFEST_NAME in files:
        raise BadInput(f"Got a file named {MANIFEST_NAME}, but that name belongs to the store; choose another.")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(kind, key, plain(dict(identity)), plain(dict(provenance)), files, created)
    _write(directory / MANIFEST_NAME, manifest)
    for folder in {directory, *((directory / name).parent for name in files)}:
        sync_directory(folder)
    return manifest


def read_manifest(directory: Path, kind: str, key: str) -> Manifest:
    """Return the manifest of artefact `kind`/`key` in `directory`; raises Corrupt unless it is as `seal` left it."""
    path = directory / MANIFEST_NAME
    try:
        content = path.read_bytes()
        fields = _sealed(content)
        if fields is None:
            raise Corrupt(f"{path} was changed after it was written")
        files = {_plain_name(name): FileRecord(**record) for name, record in fields.pop("files").items()}
        manifest = Manifest(**fields, files=files)
    except (*_NO_SUCH_FILE, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{path} is no manifest ({error})") from error
    if (manifest.kind, manifest.key) != (kind, key):
        raise Corrupt(f"{path} is the manifest of {manifest.kind} {manifest.key}")
    return manifest


def check_files(directory: Path, manifest: Manifest) -> None:
    """Compare sizes and modification times with the manifest; raises Corrupt at the first file that differs.

    A file that was only touched, as by a copied store, is hashed once and gets its recorded time back.
    """
    for name, record in manifest.files.items():
        try:
            problem = _quick_problem(directory / name, record)
        except _NO_SUCH_FILE:
            problem = f"{directory / name} went away while it was read"
        if problem:
            raise Corrupt(problem)


def verify_files(directory: Path, manifest: Manifest) -> list[str]:
    """Hash every file and return what differs from the manifest, one sentence each; empty when all is well."""
    problems = [
        _status_problem(directory / name, record) or _content_problem(directory / name, record)
        for name, record in manifest.files.items()
    ]
    try:
        extra = _names(directory) - set(manifest.files) - {MANIFEST_NAME}
    except _NO_SUCH_FILE:
        return [f"{directory} went away while it was read"]
    problems += [f"{directory / name} is not listed" for name in sorted(extra)]
    return [problem for problem in problems if problem]


def sync_directory(directory: Path) -> None:
    """Flush the names in `directory` to disk, where the system can."""
    if os.name == "posix":
        _sync(directory)


def _write(path: Path, manifest: Manifest) -> None:
    fields = {field.name: plain(getattr(manifest, field.name)) for field in dataclasses.fields(manifest)}
    path.write_text(canonical_json({**fields, _CHECKSUM: digest(fields)}) + "\n", encoding="utf-8", newline="\n")
    _sync(path)


def _sealed(content: bytes) -> dict[str, Any] | None:
    """Return the fields of a manifest without its checksum, or None where that is another's."""
    body, separator, rest = content.rpartition(f',"{_CHECKSUM}":"'.encode())
    if separator and rest == f'{hashlib.sha256(body + b"}").hexdigest()}"}}\n'.encode():
        # As `_write` left it: there is nothing strange in it to look for.
        return dict(json.loads(body + b"}"))
    fields = parse_json(content)
    return dict(fields) if fields.pop(_CHECKSUM) == digest(fields) else None


def _plain_name(name: str) -> str:
    if name == MANIFEST_NAME or any(part in ("", ".", "..") or set(part) & set("\\\0") for part in name.split("/")):
        raise ValueError(f"{name!r} is no name of a file in it")
    return name


def _names(directory: Path) -> set[str]:
    """Return the relative names of everything in `directory` but directories."""
    return {name for name, _ in _below(directory, "")}


def _below(directory: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the relative name and the entry of everything in `directory` but directories."""
    # Of a row's few files, pathlib's rglob would take longer than hashing them.
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(directory / entry.name, f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}", entry


def _plain_files(directory: Path) -> list[str]:
    contents = dict(sorted(_below(directory, ""), key=lambda each: each[0]))
    for name, entry in contents.items():
        if not entry.is_file(follow_symlinks=False):
            raise BadInput(
                f"Got {directory / name}, a link or device, but an artefact holds plain files; copy its content."
            )
    return list(contents)


def _record(path: Path) -> FileRecord:
    _sync(path)
    status = path.stat()
    return FileRecord(status.st_size, status.st_mtime_ns, file_digest(path))


def _quick_problem(path: Path, record: FileRecord) -> str:
    with contextlib.suppress(*_NO_SUCH_FILE):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (record.size, record.mtime_ns):
            return ""
    if problem := _status_problem(path, record):
        return problem
    if not (problem := _content_problem(path, record)):
        # Where this is not allowed, the file is hashed again next time.
        with contextlib.suppress(OSError):
            os.utime(path, ns=(path.stat().st_atime_ns, record.mtime_ns))
    return problem


def _status_problem(path: Path, record: FileRecord) -> str:
    try:
        status = path.lstat()
    except _NO_SUCH_FILE:
        return f"{path} is missing"
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a plain file"
    return "" if status.st_size == record.size else f"{path} has {status.st_size} bytes instead of {record.size}"


def _content_problem(path: Path, record: FileRecord) -> str:
    try:
        found = file_digest(path)
    except _NO_SUCH_FILE:
        return f"{path} went away while it was read"
    return "" if found == record.sha256 else f"{path} has sha256 {found} instead of {record.sha256}"


def _sync(path: Path) -> None:
    # Windows flushes only files opened for writing.
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
