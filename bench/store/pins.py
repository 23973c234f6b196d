"""Pins: artefacts that named baselines need, with all that these were made from; clearing the store spares them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.canonical import canonical_json, digest, plain
from bench.errors import BadInput, Corrupt
from bench.small_files import locked, replace_text
from bench.store.location import check_key, check_kind, stored
from bench.store.manifest import read_manifest

Artefact = tuple[str, str]
"""Kind and key."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_KEYS = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_CHECKSUM = "sha256"


@dataclass(frozen=True, slots=True)
class Pin:
    """What the baseline `name` needs, in order of kind and key; `described_as` tells people which baseline that is."""

    name: str
    described_as: str
    artefacts: tuple[Artefact, ...]


def pin(root: Path, name: str, described_as: str, artefacts: Iterable[Artefact]) -> Pin:
    """Keep `artefacts` of the store at `root` for the baseline `name`, instead of what it needed before.

    What they were made from is pinned too, as far as it is stored: should one be damaged later, the rest is still
    there to make it from. An artefact that is not stored is kept once it is. Raises BadInput for a name that is no
    file name, a bad kind or key, and where the file `baselines/<name>.json` cannot be written.
    """
    first = {(check_kind(kind), check_key(key)) for kind, key in artefacts}
    path = _path(root, name)
    with held(root):
        made = Pin(name, described_as, tuple(sorted(_closure(first, _sources(root)))))
        replace_text(path, _text(made))
    return made


def pins(root: Path) -> list[Pin]:
    """Return the pins of the store at `root`, by name; raises Corrupt at the first one that cannot be read."""
    directory = _directory(root)
    try:
        # A glob would take a directory that must not be read for an empty one.
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Corrupt(
            f"Cannot read {directory} ({error.strerror or error}), where the pins are; restore it."
        ) from error
    return [_read(path) for path in paths]


def others(root: Path, name: str) -> list[Pin]:
    """Return all pins but that of `name`; raises BadInput when it is not one of them."""
    found = pins(root)
    if name not in (names := [each.name for each in found]):
        raise BadInput(f"Got release={name!r}, but the pinned baselines are: {', '.join(names) or 'none'}.")
    return [each for each in found if each.name != name]


def release(root: Path, name: str) -> None:
    """Delete the pin of the baseline `name`, not its artefacts; raises BadInput when there is none."""
    others(root, name)
    _path(root, name).unlink(missing_ok=True)


def needed(root: Path, among: Iterable[Pin] | None = None) -> dict[Artefact, tuple[str, ...]]:
    """Return every artefact that a baseline needs, with the names of those baselines; `among` is all pins if None.

    An artefact needs those whose keys its identity holds, wherever in it. Raises Corrupt for a pin that cannot be read.
    """
    names: dict[Artefact, set[str]] = {}
    sources = _sources(root)
    for each in pins(root) if among is None else among:
        for artefact in _closure(each.artefacts, sources):
            names.setdefault(artefact, set()).add(each.name)
    return {artefact: tuple(sorted(found)) for artefact, found in sorted(names.items())}


def keys_in(identity: Any) -> set[str]:
    """Return everything in a plain value that has the form of a key."""
    return set(_KEYS.findall(canonical_json(identity)))


def held(root: Path) -> AbstractContextManager[None]:
    """Keep others from pinning, so that what is needed by nobody stays so."""
    return locked(_directory(root) / "all")


def _directory(root: Path) -> Path:
    return root / "baselines"


def _path(root: Path, name: str) -> Path:
    if not _NAME.match(name):
        raise BadInput(f"Got name={name!r}, but a baseline's name consists of letters, digits, '_', '-' and '.' only.")
    return _directory(root) / f"{name}.json"


def _text(pin: Pin) -> str:
    fields = plain(pin)
    return canonical_json({**fields, _CHECKSUM: digest(fields)}) + "\n"


def _read(path: Path) -> Pin:
    try:
        text = path.read_bytes().decode()
        fields = json.loads(text)
        pairs = ((check_kind(kind), check_key(key)) for kind, key in fields["artefacts"])
        found = Pin(fields["name"], fields["described_as"], tuple(pairs))
        problem = "" if (_text(found), path.stem) == (text, found.name) else "it was changed after it was written"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        problem = str(error)
    if problem:
        raise Corrupt(
            f"{path} is no pin ({problem}); write the baseline again, or delete the file to give up what it pins."
        )
    return found


def _sources(root: Path) -> dict[Artefact, set[Artefact]]:
    """Return for every stored artefact the stored ones its identity names; damaged manifests name none."""
    named: dict[Artefact, set[str]] = {}
    for kind, key, path in stored(root):
        named[kind, key] = set()
        with suppress(Corrupt, OSError):
            named[kind, key] = keys_in(read_manifest(path, kind, key).identity)
    homes: dict[str, set[Artefact]] = {}
    for artefact in named:
        homes.setdefault(artefact[1], set()).add(artefact)
    return {artefact: {each for key in keys for each in homes.get(key, ())} for artefact, keys in named.items()}


def _closure(first: Iterable[Artefact], sources: Mapping[Artefact, Iterable[Artefact]]) -> set[Artefact]:
    found: set[Artefact] = set()
    open_ = list(first)
    while open_:
        if (each := open_.pop()) not in found:
            found.add(each)
            open_ += sources.get(each, ())
    return found
