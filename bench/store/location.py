"""Where the store is, and which names may become paths in it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BadInput

KINDS = ("intermediate", "checkpoint", "predictions", "row", "weights", "tokens")
_KEY = re.compile(r"[0-9a-f]{64}\Z")


def default_root() -> Path:
    """Return CROSSCAL_HOME, or `crosscal` in the user's cache directory; raises BadInput if there is no home."""
    try:
        if home := os.environ.get("CROSSCAL_HOME"):
            return Path(home).expanduser()
        return _user_cache() / "crosscal"
    except RuntimeError as error:
        raise BadInput(f"No place for the store ({error}); name a directory with --store or CROSSCAL_HOME.") from error


def _user_cache() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    # The XDG specification asks to ignore a relative path here.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return xdg if xdg.is_absolute() else Path.home() / ".cache"


def writable_root(root: Path) -> Path:
    """Return `root` as an absolute path to a directory, made if needed; raises BadInput when it cannot be written."""
    root = root.absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Access bits say little for root users and network file systems, so try.
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError as error:
        raise BadInput(
            f"Got store={str(root)!r}, which cannot be written ({error.strerror}); "
            "name another directory with --store or CROSSCAL_HOME."
        ) from error


def check_kind(kind: str) -> str:
    """Return `kind`; raises BadInput unless it is one of KINDS."""
    if kind not in KINDS:
        raise BadInput(f"Got kind={kind!r}, but the store keeps only {', '.join(KINDS)}.")
    return kind


def check_key(key: str) -> str:
    """Return `key`; raises BadInput unless it is 64 lower-case hexadecimal digits, so that it cannot lead outside."""
    if not isinstance(key, str) or not _KEY.match(key):
        raise BadInput(f"Got key={key!r}, but a key is 64 digits of 0-9 and a-f; make one with bench.canonical.digest.")
    return key


def artefact_directory(root: Path, kind: str, key: str) -> Path:
    """Return where an artefact is in the store at `root`; raises BadInput for a kind or key that is none."""
    # In one step: a run asks for tens of thousands.
    return root / f"{check_kind(kind)}/{check_key(key)[:2]}/{key}"


def stored(root: Path, kind: str | None = None) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, key and directory of everything with the name of an artefact, sound or not, by kind and key."""
    for each in KINDS if kind is None else (check_kind(kind),):
        for path in sorted((root / each).glob("??/" + "[0-9a-f]" * 64)):
            if path.parent.name == path.name[:2]:
                yield each, path.name, path
