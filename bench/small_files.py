"""Small files that are either the old ones or the new ones, never halves."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from bench.errors import BadInput


def replace_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 as `replace_bytes` does."""
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, making its directory; raises BadInput where that cannot be done.

    The bytes go to a file aside that is then renamed, so that a reader or an interruption never meets half of them.
    """
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                # Some file systems tell only now that they are full, and a rename may reach the disk before its file.
                os.fsync(stream.fileno())
            _share(Path(aside))
            os.replace(aside, path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock beside `path`, making its directory, so that what is read from it can be written back unchanged.

    Raises BadInput where there can be no such lock.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def read_text(path: Path) -> str:
    """Return the UTF-8 text of `path`, unpacked if it ends in `.gz`; raises BadInput when there is no such text."""
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be unpacked ({error}); restore it.") from error
    except OSError as error:
        raise BadInput(
            f"Cannot read {path} ({error.strerror or error}); name a file that a run has written."
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text ({error}); restore it, or delete it and run again.") from error


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of every line of `path` that is not blank; raises BadInput as `read_text` does."""
    # splitlines would also cut at U+2028, which JSON strings may hold as it is.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"Cannot write {path} ({error.strerror or error}); make room, or name a directory you may write to."
        ) from error


def _share(path: Path) -> None:
    # mkstemp makes a file for its owner alone; results are for whoever the umask lets in.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
