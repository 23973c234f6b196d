"""What failed in this session, known to all its workers: a failed artefact is not tried twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from bench.canonical import canonical_json
from bench.errors import BadInput
from bench.store.location import check_key

_SESSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_KEEP_SECONDS = 24 * 3600


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
        _forget_old(self._directory.parent)

    def remember(self, key: str, condition_id: str, message: str) -> Failure:
        """Keep and return the failure of `key`; the first one remembered stays."""
        if (earlier := self.find(key)) is not None:
            return earlier
        failure = Failure(key, condition_id, message)
        self._directory.mkdir(parents=True, exist_ok=True)
        temporary = self._directory / f".tmp-{uuid.uuid4().hex}"
        # A message may quote a file name that is no Unicode; backslashreplace is how JSON spells it.
        temporary.write_bytes(canonical_json(failure).encode(errors="backslashreplace"))
        temporary.replace(self._path(key))
        return failure

    def find(self, key: str) -> Failure | None:
        """Return the failure of `key` in this session, or None."""
        path = self._path(key)
        try:
            os.utime(self._directory)  # A session that still asks is not old.
            return Failure(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None

    def _path(self, key: str) -> Path:
        return self._directory / f"{check_key(key)}.json"


def _forget_old(sessions: Path) -> None:
    horizon = time.time() - _KEEP_SECONDS
    for directory in sessions.glob("*"):
        try:
            old = directory.stat().st_mtime < horizon
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(directory, ignore_errors=True)
