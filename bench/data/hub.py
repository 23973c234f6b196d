"""The hub: whether it can be reached, and files from it at a stated revision."""

from __future__ import annotations

import functools
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.checksum import sha256_of
from bench.data.dataset_spec import DatasetSpec
from bench.errors import BadInput, DataError, Unavailable

DEFAULT_ENDPOINT = "https://huggingface.co"
PROBE_SECONDS = 5.0

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

    Raises Unavailable("hub") when the hub cannot be reached and the cache lacks them; DataError when the hub refuses
    (401, 404), a file's content differs from its checksum, or files of the split are missing.
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


def _snapshot(kind: str, repo: str, revision: str, patterns: Sequence[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    # The base class of the HTTP client the hub library is built on, whose name differs between its versions.
    client_error = errors.HTTPError  # type: ignore[attr-defined]

    reason = probe()
    what = f"{kind} {repo} at revision {revision or 'main'}"
    try:
        found = snapshot_download(
            repo,
            repo_type=kind,
            revision=revision or None,
            endpoint=endpoint(),
            allow_patterns=list(patterns),
            # A pattern's * also matches '/': without this, model weights in subfolders would come along.
            ignore_patterns=["*/*"] if kind == "model" else None,
            local_files_only=reason is not None,
        )
    except errors.HFValidationError as error:
        raise BadInput(f"Got hub id {repo!r}, but a hub id reads owner/name or name: {error}") from error
    except errors.HfHubHTTPError as error:
        raise _refused(what, error) from error
    except errors.LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            raise _refused(what, error.__cause__) from error
        raise Unavailable("hub", f"{reason or 'the connection failed'}; the cache lacks {what}") from error
    except client_error as error:
        raise Unavailable("hub", f"the connection broke while fetching {what}: {error}") from error
    except OSError as error:
        raise DataError(f"Fetching {what} from {endpoint()} failed: {error}. Try again, or use a mirror.") from error
    return Path(found)


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
