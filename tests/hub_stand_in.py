"""A hub on this machine: serves directories the way the hub's client library asks for them, on loopback only."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_LARGE = (".safetensors", ".parquet")


@dataclass(frozen=True)
class Repo:
    """A repository to serve: kind "models" or "datasets", its id, the directory with its files, its only commit."""

    kind: str
    id: str
    directory: Path
    commit: str = "0123456789abcdef0123456789abcdef01234567"

    @property
    def resolve_prefix(self) -> str:
        return f"/{self.id}/resolve/" if self.kind == "models" else f"/{self.kind}/{self.id}/resolve/"

    @property
    def files(self) -> dict[str, Path]:
        found = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return {path.relative_to(self.directory).as_posix(): path for path in found}

    def has(self, revision: str) -> bool:
        return revision in ("main", self.commit)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the first `times` requests, or with all of them.

    `what` is a status to answer, with Retry-After where `retry_after` is not empty, or what becomes of the body of a
    GET: "cut" (half of it, though Content-Length is of the whole), "short" (half of it, with the Content-Length of the
    half), "reset" (half of it, then the connection is reset), "silent" (no answer for 30 s), "gone" (half of it, and
    the hub is never reached again).
    """

    what: int | str
    times: int = 1_000_000
    retry_after: str = ""


@dataclass(frozen=True)
class StandIn:
    """What is served. `statuses` maps a part of a URL path to the status to answer instead; `corrupted` are file names
    whose content is sent with its first byte changed; `requests` are the "METHOD path" lines seen so far; `faults`
    maps a part of a URL path to what goes wrong there.
    """

    repos: Sequence[Repo]
    statuses: Mapping[str, int] = field(default_factory=dict)
    corrupted: frozenset[str] = frozenset()
    requests: list[str] = field(default_factory=list)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    _met: Counter[str] = field(default_factory=Counter)

    def fault(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        for part, fault in self.faults.items():
            concerned = part in path and (isinstance(fault.what, int) or method == "GET")
            if concerned and self._met[part] < fault.times:
                self._met[part] += 1
                return fault
        return None

    @cached_property
    def server(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.stand_in = self  # type: ignore[attr-defined]
        return server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve `stand_in` until the block ends; set HF_ENDPOINT to its `url` in a subprocess."""
    thread = threading.Thread(target=stand_in.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.stopped.set()
        stand_in.server.shutdown()
        stand_in.server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _fault: Fault | None = None

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""

    @property
    def _stand_in(self) -> StandIn:
        return self.server.stand_in  # type: ignore[attr-defined]

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if self._stand_in.gone.is_set():
            return self._reset()
        self._stand_in.requests.append(f"{self.command} {path}")
        self._fault = self._stand_in.fault(self.command, path)
        if self._fault and isinstance(self._fault.what, int):
            retry = {"Retry-After": self._fault.retry_after} if self._fault.retry_after else {}
            return self._send(b"{}", retry, self._fault.what)
        for part, status in self._stand_in.statuses.items():
            if part in path:
                return self._refuse(status, "EntryNotFound" if "/resolve/" in path else "RepoNotFound")
        if path == "/":
            return self._send(b"stand-in", {})
        for repo in self._stand_in.repos:
            if path.startswith(repo.resolve_prefix):
                return self._resolve(repo, *path.removeprefix(repo.resolve_prefix).split("/", 1))
            if path == f"/api/{repo.kind}/{repo.id}" or path.startswith(f"/api/{repo.kind}/{repo.id}/"):
                return self._api(repo, path.removeprefix(f"/api/{repo.kind}/{repo.id}").strip("/").split("/"))
        return self._refuse(404, "RepoNotFound")

    def _api(self, repo: Repo, parts: list[str]) -> None:
        if len(parts) > 1 and not repo.has(parts[1]):
            return self._refuse(404, "RevisionNotFound")
        if parts == [""] or parts[0] == "revision":
            siblings = [{"rfilename": name} for name in repo.files]
            return self._send_json({"id": repo.id, "sha": repo.commit, "private": False, "siblings": siblings})
        if parts[0] == "tree" and len(parts) == 2:
            return self._send_json([_entry(name, path) for name, path in repo.files.items()])
        return self._refuse(404, "EntryNotFound")

    def _resolve(self, repo: Repo, revision: str, name: str) -> None:
        if not repo.has(revision):
            return self._refuse(404, "RevisionNotFound")
        if name not in repo.files:
            return self._refuse(404, "EntryNotFound", {"X-Repo-Commit": repo.commit})
        content = repo.files[name].read_bytes()
        headers = {"ETag": f'"{_etag(name, content)}"', "X-Repo-Commit": repo.commit, "Accept-Ranges": "none"}
        if name in self._stand_in.corrupted:
            content = bytes([content[0] ^ 1]) + content[1:]
        return self._send(content, headers)

    def _send_json(self, value: Any) -> None:
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(b"{}", {"X-Error-Code": code, **(headers or {})}, status)

    def _send(self, content: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        what = self._fault.what if self._fault else ""
        if what == "silent":
            self._stand_in.stopped.wait(30)
        if what == "short":
            content = content[: len(content) // 2]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[: len(content) // 2] if what in ("cut", "reset", "gone") else content)
        if what == "gone":
            self._stand_in.gone.set()
            self.server.shutdown()
            self.server.server_close()
        if what in ("reset", "gone"):
            self._reset()
        if what == "cut":
            self.close_connection = True

    def _reset(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        # A socket that does not linger is closed with a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _entry(name: str, path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": _git_sha1(content)}
    if name.endswith(_LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def _etag(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if name.endswith(_LARGE) else _git_sha1(content)


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
