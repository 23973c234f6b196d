"""The hub: whether it can be reached, and files from it at a stated revision."""

from __future__ import annotations

import functools
import logging
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.checksum import sha256_of
from bench.data.dataset_spec import DatasetSpec
from bench.errors import BadInput, DataError, Unavailable

DEFAULT_ENDPOINT = "https://huggingface.co"
PROBE_SECONDS = 5.0
# How often a request is sent; the pause after the first try, which doubles; the longest pause that is waited for.
TRIES = 3
WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 20.0

# Named one by one: a repository may also hold pickles, code and other frameworks' weights, and none of these is read.
_MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "model-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.model",
)
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """Files of a hub repository in the local cache.

    `directory` is the snapshot, `commit` the resolved commit hash, `files` the (path inside the repository, sha256) of
    what was asked for, sorted by path.
    """

    directory: Path
    commit: str
    files: tuple[tuple[str, str], ...]


def endpoint() -> str:
    """Return the address of the hub in use: HF_ENDPOINT, or https://huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def is_stand_in() -> bool:
    """Return whether HF_ENDPOINT puts something else in the place of https://huggingface.co."""
    return endpoint() != DEFAULT_ENDPOINT


def probe(timeout: float = PROBE_SECONDS) -> str | None:
    """Return why the hub cannot be used, or None when it answers; asked once a process, within `timeout` seconds."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"}:
            return f"{name} is set"
    return _probe(endpoint(), timeout)


def fetch_dataset(spec: DatasetSpec, language: str, split: str) -> Fetched:
    """Return the parquet files of one split at the revision of `spec`, downloaded unless the cache has them.

    A broken connection, a cut answer and an answer like 429 or 503 are asked for again, TRIES times in all. Raises
    Unavailable("hub") when the hub cannot be reached and the cache lacks the files; DataError when the hub refuses
    (401, 404) or answers no better when asked again, a file's content differs from its checksum, or files of the split
    are missing; BadInput when the cache cannot be written. Files that arrived whole stay in the cache.
    """
    stem = spec.hub_stem(language, split)
    snapshot = _snapshot("dataset", spec.repo, spec.revision, [f"{stem}.parquet", f"{stem}-*.parquet"])
    paths = sorted(snapshot.glob(f"{stem}-*.parquet")) or sorted(snapshot.glob(f"{stem}.parquet"))
    _check_shards(f"{spec.repo} at {snapshot.name}", stem, paths)
    return _fetched(spec.repo, snapshot, paths)


def fetch_model(hub_id: str, revision: str) -> Fetched:
    """Return the configuration, tokenizer and safetensors weights of `hub_id`; an empty revision means main.

    Raises Unavailable("hub") and DataError like `fetch_dataset`, BadInput when the repository has no safetensors.
    """
    snapshot = _snapshot("model", hub_id, revision, _MODEL_FILES)
    require_safetensors(snapshot, hub_id)
    return _fetched(hub_id, snapshot, sorted(path for path in snapshot.iterdir() if path.is_file()))


def require_safetensors(directory: Path, name: str) -> None:
    """Raise BadInput unless the model directory of `name` holds weights as safetensors."""
    if not any(directory.glob("model*.safetensors")):
        raise BadInput(
            f"Model {name} has no model.safetensors in {directory}, and pickled weights are never read; "
            "convert them to safetensors and give the new directory."
        )


class _Trouble(Exception):
    """The hub may answer better when asked again; `pause` are the seconds it asks to be left alone before."""

    def __init__(self, answer: str, detail: str, pause: float | None = None) -> None:
        super().__init__(f"{answer} ({detail})")
        self.answer = answer
        self.detail = detail
        self.pause = pause


class _BrokenOff(_Trouble):
    """There was no answer, or not the whole of it."""

    def __init__(self, detail: object) -> None:
        super().__init__("gave no whole answer", str(detail))


class _Watch:
    """Sees all requests of one snapshot, to put bounds where the hub's client library has wide ones or none.

    The library waits as long as Retry-After says, asks again without end while some bytes arrive, and may wait for an
    answer for ever. A request may be sent TRIES times; one that resumes a file further on is another request.
    """

    def __init__(self) -> None:
        self.exhausted = False
        self._sent: Counter[tuple[str, str, str]] = Counter()

    def before(self, request: Any) -> None:
        """Limit the silence a request waits for; raises _BrokenOff when it was sent often enough."""
        from huggingface_hub import constants

        longest = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        timeouts = request.extensions.get("timeout", {})
        kinds = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = {kind: min(timeouts.get(kind) or longest, longest) for kind in kinds}
        sent = (request.method, str(request.url), request.headers.get("Range", ""))
        self._sent[sent] += 1
        if self._sent[sent] > TRIES:
            self.exhausted = True
            raise _BrokenOff(f"{request.method} {_shown(request)}")

    def after(self, response: Any) -> None:
        """Raise _Trouble for an answer that may be another a moment later."""
        if response.status_code in _TRANSIENT:
            after = response.headers.get("Retry-After", "").strip()
            pause = float(after) if after.isdecimal() else None
            raise _Trouble(f"answered {response.status_code}", _shown(response), pause)


def _snapshot(kind: str, repo: str, revision: str, patterns: Sequence[str]) -> Path:
    from huggingface_hub import errors

    what = f"{kind} {repo} at revision {revision or 'main'}"
    find = functools.partial(_ask_library, kind, repo, revision, patterns)
    reason = probe()
    try:
        return find(cached=True) if reason is not None else _ask_again(what, find)
    except errors.HFValidationError as error:
        raise BadInput(f"Got hub id {repo!r}, but a hub id reads owner/name or name: {error}") from error
    except errors.HfHubHTTPError as error:
        raise _refused(what, error) from error
    except errors.LocalEntryNotFoundError as error:
        raise Unavailable("hub", f"{reason}; the cache lacks {what}") from error
    except OSError as error:
        raise BadInput(
            f"Cannot keep {what} in the hub's cache ({error}); make room there, or name another directory with HF_HOME."
        ) from error


def _ask_library(kind: str, repo: str, revision: str, patterns: Sequence[str], *, cached: bool) -> Path:
    from huggingface_hub import snapshot_download

    found = snapshot_download(
        repo,
        repo_type=kind,
        revision=revision or None,
        endpoint=endpoint(),
        allow_patterns=list(patterns),
        # A pattern's * also matches '/': without this, model weights in subfolders would come along.
        ignore_patterns=["*/*"] if kind == "model" else None,
        local_files_only=cached,
    )
    return Path(found)


def _ask_again(what: str, find: Callable[..., Path]) -> Path:
    """Return what `find` does, tried TRIES times, or what the cache has when all fail."""
    from huggingface_hub import errors

    watch = _Watch()
    with _watched(watch):
        for tries in range(1, TRIES + 1):
            try:
                return _ask_once(find)
            except _Trouble as error:
                trouble = error
            pause = WAIT_SECONDS * 2 ** (tries - 1) if trouble.pause is None else trouble.pause
            if tries == TRIES or watch.exhausted or pause > LONGEST_WAIT_SECONDS:
                break
            _log.warning("%s %s for %s; asking again in %g s", endpoint(), trouble, what, pause)
            time.sleep(pause)
    try:
        return find(cached=True)
    except errors.LocalEntryNotFoundError:
        raise _given_up(what, trouble, TRIES if watch.exhausted else tries) from trouble


def _ask_once(find: Callable[..., Path]) -> Path:
    from huggingface_hub import errors

    # The base class of the HTTP client the hub library is built on, whose name differs between its versions.
    client_error = errors.HTTPError  # type: ignore[attr-defined]

    try:
        return find(cached=False)
    except (errors.HfHubHTTPError, errors.HFValidationError):
        raise
    except errors.LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            raise error.__cause__ from error
        raise _BrokenOff(error.__cause__ or error) from error
    # A cut listing is no JSON, a ValueError. A connection that fails in one thread closes the client in the others, a
    # RuntimeError. A cut file is an OSError without a number.
    except (client_error, ConnectionError, TimeoutError, ValueError, RuntimeError) as error:
        raise _BrokenOff(error) from error
    except OSError as error:
        if error.errno is None:
            raise _BrokenOff(error) from error
        raise


@contextmanager
def _watched(watch: _Watch) -> Iterator[None]:
    """Show `watch` every request and every answer of the hub's client library."""
    from huggingface_hub import get_session, set_client_factory

    plain = get_session()
    hooks = plain.event_hooks

    def client(before: Sequence[Any], after: Sequence[Any]) -> Any:
        asked = {"request": [*hooks["request"], *before], "response": [*hooks["response"], *after]}
        return type(plain)(event_hooks=asked, follow_redirects=plain.follow_redirects, timeout=plain.timeout)

    # A hook on the client at hand would not do: the library takes a new client after a failed connection.
    set_client_factory(lambda: client([watch.before], [watch.after]))
    try:
        yield
    finally:
        set_client_factory(lambda: client([], []))


def _given_up(what: str, trouble: _Trouble, tries: int) -> DataError | Unavailable:
    if isinstance(trouble, _BrokenOff):
        # The hub may have gone since it was first asked; the cases that follow need not find that out again.
        _probe.cache_clear()
        if (reason := probe()) is not None:
            return Unavailable("hub", f"{reason}; the cache lacks {what}")
    pause = "" if trouble.pause is None else f"; it wants a pause of {trouble.pause:g} s"
    return DataError(
        f"{endpoint()} {trouble.answer} for {what} ({trouble.detail}) in try {tries} of {TRIES}{pause}. "
        "Run again later, which fetches what is still missing, or use a mirror."
    )


def _shown(message: Any) -> str:
    # The query of a signed address is a credential.
    return str(message.url.copy_with(query=None))


def _refused(what: str, error: Exception) -> DataError:
    response = error.response  # type: ignore[attr-defined]
    return DataError(
        f"{endpoint()} answered {response.status_code} for {what} ({response.url}); check the id and the revision in "
        "the catalog, set HF_TOKEN if access is restricted, or use a mirror."
    )


def _check_shards(where: str, stem: str, paths: Sequence[Path]) -> None:
    if not paths:
        raise DataError(f"{where} has no file {stem}.parquet or {stem}-*.parquet; check the revision in the catalog.")
    numbered = [match for path in paths if (match := _SHARD.search(path.name))]
    if numbered and len({match[1] for match in numbered}) != int(numbered[0][2]):
        raise DataError(
            f"{where} has {len(numbered)} of {int(numbered[0][2])} files {stem}-*.parquet; "
            "delete the snapshot from the cache and fetch it again."
        )


def _fetched(repo: str, snapshot: Path, paths: Sequence[Path]) -> Fetched:
    files = tuple((path.relative_to(snapshot).as_posix(), sha256_of(path)) for path in paths)
    for path, (_, found) in zip(paths, files, strict=True):
        # The cache names a large file's blob after the sha256 the hub states for it.
        stated = path.resolve().name
        if _SHA256.match(stated) and stated != found:
            raise DataError(
                f"{path} of {repo} has sha256 {found}, but the hub states {stated}; "
                f"delete {path.resolve()} and fetch it again."
            )
    return Fetched(snapshot, snapshot.name, files)


@functools.cache
def _probe(address: str, timeout: float) -> str | None:
    answers: list[str | None] = []
    # A thread, because the time limit of urlopen does not cover the name's resolution.
    thread = threading.Thread(target=lambda: answers.append(_ask(address, timeout)), daemon=True)
    thread.start()
    thread.join(timeout)
    return answers[0] if answers else f"{address} did not answer within {timeout:g} s"


def _ask(address: str, timeout: float) -> str | None:
    try:
        request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "crosscal"})
        with urllib.request.urlopen(request, timeout=timeout):
            return None
    except urllib.error.HTTPError as error:
        return f"{address} answered {error.code}" if error.code >= 500 else None
    except (OSError, ValueError) as error:
        return f"{address} cannot be reached ({getattr(error, 'reason', error)})"
