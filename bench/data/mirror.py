"""Mirrors: directories that hold data sets and models under the hub's own names, for machines without a hub."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data.checksum import sha256_of
from bench.errors import BadInput, DataError

VARIABLE = "CROSSCAL_MIRROR"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class MirrorFile:
    """A file found in a mirror: where it lies, its path inside the mirror, its sha256, and the manifest's note.

    `subset` says that the manifest calls it a subset of the published file ("SUBSET ...", "... only").
    """

    path: Path
    relative: str
    sha256: str
    note: str
    subset: bool


def mirrors_from_environment() -> tuple[Path, ...]:
    """Return the directories CROSSCAL_MIRROR lists, in order; raises BadInput for one that is no directory."""
    names = [name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    mirrors = tuple(Path(name).expanduser().absolute() for name in names)
    for name, mirror in zip(names, mirrors, strict=True):
        if not mirror.is_dir():
            raise BadInput(f"{VARIABLE} names {name!r}, which is no directory; correct the path or leave it out.")
    return mirrors


def find_file(mirrors: Sequence[Path], relative: str) -> MirrorFile | None:
    """Return `relative` from the first mirror that has it, or None.

    Raises BadInput when `relative` would lead outside a mirror, DataError when the file differs from the sha256 in its
    mirror's manifest. A file that no manifest lists is taken as it is, and its note says so.
    """
    inside = _inside(relative)
    for mirror in mirrors:
        path = mirror / inside
        if path.is_file():
            return _checked(mirror, path, str(inside))
    return None


def find_model(mirrors: Sequence[Path], hub_id: str) -> Path | None:
    """Return the directory of model `hub_id` (models/<hub_id>) in the first mirror that has it, or None.

    Raises BadInput when `hub_id` would lead outside a mirror, DataError when one of its files differs from its mirror's
    manifest.
    """
    inside = _inside(f"models/{hub_id}")
    for mirror in mirrors:
        if (mirror / inside / "config.json").is_file():
            _check_listed(mirror, inside)
            return mirror / inside
    return None


def _inside(relative: str) -> PurePosixPath:
    parts = relative.split("/")
    if any(part in ("", ".", "..") or any(letter in part for letter in "\\:\0") for part in parts):
        raise BadInput(f"Got path {relative!r}, but a path in a mirror is made of plain names joined by '/'.")
    return PurePosixPath(relative)


def _check_listed(mirror: Path, directory: PurePosixPath) -> None:
    for name in _manifest(mirror):
        if name.startswith(f"{directory}/"):
            _checked(mirror, mirror / _inside(name), name)


def _checked(mirror: Path, path: Path, relative: str) -> MirrorFile:
    entry = _manifest(mirror).get(relative)
    if not path.is_file():
        raise DataError(f"{path} is missing, but {mirror / MANIFEST} lists it; copy the mirror again.")
    found = sha256_of(path)
    if entry is None:
        return MirrorFile(path, relative, found, "not listed in the mirror's manifest", subset=False)
    if found != entry["sha256"]:
        raise DataError(
            f"{path} has sha256 {found}, but {mirror / MANIFEST} states {entry['sha256']}; "
            "copy the file again or correct the manifest."
        )
    note = str(entry.get("note", ""))
    return MirrorFile(path, relative, found, note, subset=note.startswith("SUBSET") or note.endswith(" only"))


def _manifest(mirror: Path) -> Mapping[str, Mapping[str, Any]]:
    path = mirror / MANIFEST
    return _read_manifest(path, path.stat().st_mtime_ns) if path.is_file() else {}


@functools.cache
def _read_manifest(path: Path, mtime_ns: int) -> Mapping[str, Mapping[str, Any]]:
    try:
        entries = {entry["path"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}
        if not all(isinstance(entry["sha256"], str) for entry in entries.values()):
            raise TypeError("a sha256 is no string")
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} is no manifest ({error!r}); it holds a list of objects with 'path', 'sha256' and 'note'."
        ) from error
    return entries
