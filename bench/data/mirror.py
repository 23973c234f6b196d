"""Mirrors: directories that hold data sets and models under the hub's own names, for machines without a hub."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data.checksum import sha256_of
from bench.errors import BadInput, DataError
from bench.strict_json import parse_json

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
    return tuple(map(_directory, names))


def find_file(mirrors: Sequence[Path], relative: str) -> MirrorFile | None:
    """Return `relative` from the first mirror that has it, or None.

    Raises BadInput when `relative` would lead outside a mirror, DataError when a link there does, and when the file
    differs from the sha256 in its mirror's manifest. A file that no manifest lists is taken as it is, and its note says
    so.
    """
    inside = _inside(relative)
    for mirror in mirrors:
        path = mirror / inside
        # Path.is_file raises for a path that is too long.
        if os.path.isfile(path):
            return _checked(mirror, path, str(inside))
    return None


def find_model(mirrors: Sequence[Path], hub_id: str) -> Path | None:
    """Return the directory of model `hub_id` (models/<hub_id>) in the first mirror that has it, or None.

    Raises BadInput when `hub_id` would lead outside a mirror, DataError when a link there does, and when one of its
    files differs from its mirror's manifest.
    """
    inside = _inside(f"models/{hub_id}")
    for mirror in mirrors:
        if os.path.isfile(mirror / inside / "config.json"):
            _check_links(mirror, mirror / inside)
            _check_listed(mirror, inside)
            return mirror / inside
    return None


def _directory(name: str) -> Path:
    try:
        path = Path(name).expanduser().absolute()
        if path.is_dir():
            return path
    except (OSError, RuntimeError):
        # A name that is too long, or the home of somebody who is not there.
        pass
    raise BadInput(f"{VARIABLE} names {name!r}, which is no directory; correct the path or leave it out.")


def _inside(relative: str) -> PurePosixPath:
    if not all(map(_is_plain, relative.split("/"))):
        raise BadInput(f"Got path {relative!r}, but a path in a mirror is made of plain names joined by '/'.")
    return PurePosixPath(relative)


def _is_plain(part: str) -> bool:
    # Half of a surrogate pair is in no file's name, and longer names are in no file system.
    size = len(part.encode(errors="replace"))
    surrogates = any("\ud800" <= letter <= "\udfff" for letter in part)
    return 0 < size <= 255 and part not in (".", "..") and not set("\\:\0") & set(part) and not surrogates


def _check_links(mirror: Path, place: Path) -> None:
    """Raise DataError when `place`, or what lies directly in it, is a link to somewhere outside the mirror."""
    root = mirror.resolve()
    for path in (place, *(place.iterdir() if place.is_dir() else ())):
        if not path.resolve().is_relative_to(root):
            raise DataError(
                f"{path} leads outside the mirror, to {path.resolve()}; copy what it links to into the mirror."
            )


def _check_listed(mirror: Path, directory: PurePosixPath) -> None:
    for name in _manifest(mirror):
        if name.startswith(f"{directory}/"):
            _checked(mirror, mirror / _inside(name), name)


def _checked(mirror: Path, path: Path, relative: str) -> MirrorFile:
    entry = _manifest(mirror).get(relative)
    _check_links(mirror, path)
    if not path.is_file():
        raise DataError(f"{path} is missing, but {mirror / MANIFEST} lists it; copy the mirror again.")
    try:
        found = sha256_of(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); copy the mirror again.") from error
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
        entries = parse_json(path.read_bytes())
        if not isinstance(entries, list):
            raise ValueError("it is no list")
        return {_path_of(entry): entry for entry in entries}
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no manifest ({error}); it holds a list of objects with 'path', 'sha256' and 'note'."
        ) from error


def _path_of(entry: Any) -> str:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("path", "sha256")):
        raise ValueError("one of its entries has no path or no sha256")
    return str(_inside(entry["path"]))
