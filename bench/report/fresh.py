"""Whether the reports of a directory are those of the rows and ledger in it, so that none is written for nothing."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.canonical import canonical_json, digest, file_digest
from bench.errors import BadInput
from bench.small_files import read_text, replace_text
from bench.strict_json import parse_json

STAMP = ".reports.json"
_LIBRARIES = ("matplotlib", "numpy", "scipy", "tabulate")
# Code that is compiled, and weights, which no report reads.
_UNREAD = (".pyc", ".safetensors")


def write_stamp(output: Path, of: str, reports: Iterable[Path]) -> None:
    """Note in `output` that its `reports` were made from what has the digest `of` (`made_from`).

    Whoever writes reports holds a lock from before it reads their sources until they are noted.
    """
    files = {path.name: file_digest(path) for path in sorted(reports)}
    replace_text(output / STAMP, canonical_json({"made_from": of, "files": files}) + "\n")


def are_fresh(output: Path, of: str) -> bool:
    """Return whether the reports noted in `output` are as they were left, made from what has the digest `of`."""
    try:
        noted = parse_json(read_text(output / STAMP))
        unchanged = [file_digest(output / name) == sha256 for name, sha256 in noted["files"].items()]
        return all([noted["made_from"] == of, *unchanged])
    except (BadInput, ValueError, TypeError, KeyError, AttributeError, OSError):
        return False


def made_from(sources: Iterable[Path]) -> str:
    """Return the digest of all that a report of `sources` depends on."""
    return digest([_code(), _versions(), [(path.name, file_digest(path)) for path in sources]])


@cache
def _code() -> str:
    """Return the digest of everything in the package that reports can depend on, tables and templates too."""
    package = Path(__file__).parents[1]
    files = sorted(path for path in package.rglob("*") if path.is_file() and path.suffix not in _UNREAD)
    return digest([(path.relative_to(package).as_posix(), file_digest(path)) for path in files])


def _versions() -> list[str]:
    return [platform.python_version(), *map(importlib.metadata.version, _LIBRARIES)]
