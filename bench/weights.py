"""Where a model's pretrained weights are, which bytes they are, and what must be said of them in every row."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.canonical import digest
from bench.catalog.models import ARTIFICIAL, ModelSpec, model, shipped_pocket_directory
from bench.data import hub, mirror
from bench.data.sources import Access, locate_model
from bench.errors import DataError, Unavailable
from bench.modeling.directory import EncoderShape, check_shape, weights_digest
from bench.plan import Training
from bench.store.location import default_root
from bench.strict_json import parse_json

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model directory: `digest` is the identity of its bytes, `flags` what every row made from it must carry."""

    directory: Path
    digest: str
    origin: str
    commit: str
    flags: tuple[str, ...]


# Returns the weights that a model starts from in a training.
Located = Callable[[ModelSpec, Training], Weights]


def locate(spec: ModelSpec, training: Training, access: Access) -> Weights:
    """Return the weights of `spec` for `training`; raises Unavailable where they cannot be had, DataError if broken."""
    weights = _located(spec, training, access)
    check_shape(weights.directory, _expected(spec))
    return weights


def _expected(spec: ModelSpec) -> EncoderShape:
    whole = model(spec.truncated_from) if spec.truncated_from else spec
    # A recalled row may be wrong in its smaller figures, and each pocket world has a vocabulary of its own.
    exact = not whole.recalled and whole.world != ARTIFICIAL
    return EncoderShape(whole.hidden or None, whole.layers or None, (whole.vocabulary or None) if exact else None)


def _located(spec: ModelSpec, training: Training, access: Access) -> Weights:
    if spec.world == ARTIFICIAL:
        directory = _pocket_directory(spec.token, training.world or 0)
        return _weights(directory, "artificial", "", _pretraining_flags(directory))
    if spec.local_directory:
        directory = Path(spec.local_directory)
        return _weights(directory, "local", "", ("local_model", *_stated_flags(directory)))
    source = locate_model(spec.hub_id, spec.revision, access)
    flags = ("stand_in",) if source.origin == "stand-in" else ()
    unpinned = ("unpinned",) if source.origin in ("hub", "stand-in") and not spec.revision else ()
    return _weights(
        source.directory, source.origin, source.commit, (*flags, *unpinned, *_stated_flags(source.directory))
    )


def require_gpu(spec: ModelSpec, device: str) -> None:
    """Raise Unavailable for a model that needs a GPU on another device."""
    if spec.needs_gpu and not device.startswith("cuda"):
        size = spec.body_parameters / 1e6
        raise Unavailable(
            "gpu",
            f"{spec.token} has {size:.0f} M parameters outside the embeddings: too many for {device}, use a GPU",
        )


def require_weights(spec: ModelSpec, training: Training, access: Access) -> None:
    """Raise Unavailable when it is known before any work that the weights of `spec` cannot be had here."""
    if spec.world == ARTIFICIAL:
        _pocket_directory(spec.token, training.world or 0)
    elif not spec.local_directory and mirror.find_model(access.mirrors, spec.hub_id) is None:
        _require_from_hub(spec, access)


def _require_from_hub(spec: ModelSpec, access: Access) -> None:
    if not access.hub_allowed:
        raise Unavailable("hub", f"the weights of {spec.hub_id} are in no mirror, and the hub is not to be used")
    if hub.probe() is not None:
        # Without a connection this looks into the local cache only, and says what it lacks.
        hub.fetch_model(spec.hub_id, spec.revision)


def _weights(directory: Path, origin: str, commit: str, flags: tuple[str, ...]) -> Weights:
    return Weights(directory, _digest(directory), origin, commit, tuple(sorted(flags)))


def _digest(directory: Path) -> str:
    files = sorted(path for path in directory.iterdir() if path.is_file())
    state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    # Names of files need not be Unicode, and repr spells those too.
    return _remembered_digest(directory, digest(repr([directory.resolve(), state])))


@cache
def _remembered_digest(directory: Path, state: str) -> str:
    """Hash a directory once for each state of its files: half a gigabyte takes a second, and a run asks often."""
    note = default_root() / "digests" / f"{state}.txt"
    remembered = note.read_bytes().decode("ascii", errors="replace").strip() if note.is_file() else ""
    if _DIGEST.match(remembered):
        return remembered
    value = weights_digest(directory)
    temporary = note.with_suffix(f".{os.getpid()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(value, encoding="ascii")
        temporary.replace(note)
    except OSError:
        return value
    return value


def _pocket_directory(token: str, world: int) -> Path:
    shipped = shipped_pocket_directory(world) / token
    built = default_root() / "pocket" / f"w{world}" / token
    for directory in (shipped, built):
        if (directory / "config.json").is_file():
            return directory
    raise Unavailable(
        "weights", f"{token} of world {world} does not ship; build it with `crosscal pocket build --world {world}`"
    )


def _pretraining_flags(directory: Path) -> tuple[str, ...]:
    path = directory / "pretraining.json"
    flags = read_note(path).get("flags", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise DataError(f"{path} says flags={flags!r}, but flags are a list of strings; build the model again.")
    return tuple(flags)


def _stated_flags(directory: Path) -> tuple[str, ...]:
    stated = str(read_note(directory / "provenance.json").get("weights", "")).lower()
    words = {"quantised": "quantised", "random": "random_weights"}
    return tuple(flag for word, flag in words.items() if word in stated)


def read_note(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`, empty where there is none; raises DataError for what is no JSON."""
    if not path.is_file():
        return {}
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no JSON ({error}); correct it or delete it.") from error
    return content if isinstance(content, dict) else {}
