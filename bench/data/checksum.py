"""sha256 of files, computed once a process for each state of a file."""

from __future__ import annotations

import functools
from pathlib import Path

from bench.canonical import file_digest


def sha256_of(path: Path) -> str:
    """Return the sha256 (64 hexadecimal digits) of the bytes of `path`; a file changed on disk is read again."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@functools.cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return file_digest(path)
