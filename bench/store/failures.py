"""What failed in this session, known to all its workers: a failed artefact is not tried twice."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from dataclasses import dataclass, fields
from pathlib import Path

from bench.canonical import canonical_json
from bench.errors import BadInput
from bench.store.location import check_key

_SESSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
KEEP_SECONDS = 24 * 3600
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """The artefact `key` failed with `message` while it was made for the case `condition_id`."""

    key: str
    condition_id: str
    message: str


class Failures:
    """The failures of one session, as files under `root`/sessions/`session_id`.

    Sessions of which nobody asked for a day are deleted. Raises BadInput for a session id that is no file name.
    """

    def __init__(self, root: Path, session_id: str) -> None:
        if not _SESSION.match(session_id):
            raise BadInput(f"Got session_id={session_id!r}, but it consists of letters, digits, '_', '-' and '.' only.")
        self._directory = root.absolute() / "sessions" / session_id
        self._unwritten: dict[str, Failure] = {}
        _forget_old(self._directory.parent)

    def remember(self, key: str, condition_id: str, message: str) -> Failure:
        """Keep and return the failure of `key`; the first one remembered stays.

        Where it cannot be written, this process alone knows it, and a warning says so.
        """
        if (earlier := self.find(key)) is not None:
            return earlier
        failure = Failure(key, condition_id, message)
        try:
            self._write(failure)
        except OSError as error:
            # Whoever remembers a failure is about to report it: an error here would hide what went wrong.
            self._unwritten[key] = failure
            _log.warning(
                "Cannot write %s (%s), so other processes will try %s again; make room or allow writing there.",
                self._path(key), error.strerror or error, key[:12],
            )  # fmt: skip
        return failure

    def has_any(self) -> bool:
        """Return whether anything may have failed in this session: where nothing has, no key need be computed."""
        return bool(self._unwritten) or self._directory.is_dir()

    def find(self, key: str) -> Failure | None:
        """Return the failure of `key` in this session, or None; a file that holds no failure is none."""
        path = self._path(key)
        # A session that still asks is not old.
        with contextlib.suppress(OSError):
            os.utime(self._directory)
        try:
            return _parse(path.read_bytes())
        except OSError:
            return self._unwritten.get(key)
        except (ValueError, TypeError, RecursionError) as error:
            _log.warning("%s holds no failure (%s); %s will be tried again.", path, error, key[:12])
            return None

    def _path(self, key: str) -> Path:
        return self._directory / f"{check_key(key)}.json"

    def _write(self, failure: Failure) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        temporary = self._directory / f".tmp-{uuid.uuid4().hex}"
        try:
            # A message may quote a file name that is no Unicode; backslashreplace is how JSON spells it.
            temporary.write_bytes(canonical_json(failure).encode(errors="backslashreplace"))
            temporary.replace(self._path(failure.key))
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def _parse(content: bytes) -> Failure:
    failure = Failure(**json.loads(content))
    if not all(isinstance(getattr(failure, field.name), str) for field in fields(failure)):
        raise TypeError("a part of it is no text")
    return failure


def _forget_old(sessions: Path) -> None:
    now = time.time()
    for directory in sessions.glob("*"):
        try:
            asked = directory.stat().st_mtime
            if asked > now:
                # The clock was set back, or another host's is ahead: the day starts now, or it would never end.
                os.utime(directory, (now, now))
        except OSError:
            continue
        if asked < now - KEEP_SECONDS:
            shutil.rmtree(directory, ignore_errors=True)
