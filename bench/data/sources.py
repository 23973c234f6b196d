"""Where files come from: the first mirror that has them, else the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.data import hub, mirror
from bench.data.dataset_spec import DatasetSpec
from bench.errors import Unavailable


@dataclass(frozen=True)
class Access:
    """What a run may read from: `mirrors` in order, then the hub where `hub_allowed`."""

    mirrors: tuple[Path, ...] = ()
    hub_allowed: bool = False


@dataclass(frozen=True)
class DatasetSource:
    """The parquet files of one split. `origin`, `files`, `subset`, `note` as in `Provenance`."""

    paths: tuple[Path, ...]
    origin: str
    files: tuple[tuple[str, str], ...]
    subset: bool
    note: str


@dataclass(frozen=True)
class ModelSource:
    """A model directory: config.json, tokenizer files, model*.safetensors.

    `origin` is "mirror", "hub" or "stand-in"; `commit` the resolved hub commit, "" for a mirror.
    """

    directory: Path
    origin: str
    commit: str


def locate_dataset(spec: DatasetSpec, split: str, language: str, access: Access) -> DatasetSource:
    """Return the files of one split; raises Unavailable("hub") where no mirror has them and the hub cannot be used.

    Raises BadInput for a language or split the data set does not have, DataError as `find_file` and `fetch_dataset`.
    """
    relative = f"datasets/{spec.repo}/{spec.config_for(language)}/{split}.parquet"
    spec.published_rows(split)
    found = mirror.find_file(access.mirrors, relative)
    if found is not None:
        note = "" if found.note == "complete" else found.note
        return DatasetSource((found.path,), "mirror", ((found.relative, found.sha256),), found.subset, note)
    _require_hub(relative, access)
    fetched = hub.fetch_dataset(spec, language, split)
    files = tuple((f"datasets/{spec.repo}@{fetched.commit}/{path}", digest) for path, digest in fetched.files)
    paths = tuple(fetched.directory / path for path, _ in fetched.files)
    return DatasetSource(paths, _hub_origin(), files, subset=False, note="")


def locate_model(hub_id: str, revision: str, access: Access) -> ModelSource:
    """Return the directory of a model; raises Unavailable("hub") where no mirror has it and the hub cannot be used.

    Raises BadInput for a directory without safetensors, DataError as `find_model` and `fetch_model`.
    """
    directory = mirror.find_model(access.mirrors, hub_id)
    if directory is not None:
        hub.require_safetensors(directory, hub_id)
        return ModelSource(directory, "mirror", "")
    _require_hub(f"models/{hub_id}", access)
    fetched = hub.fetch_model(hub_id, revision)
    return ModelSource(fetched.directory, _hub_origin(), fetched.commit)


def _require_hub(relative: str, access: Access) -> None:
    if not access.hub_allowed:
        where = " or ".join(str(path) for path in access.mirrors) or f"{mirror.VARIABLE} (unset)"
        raise Unavailable("hub", f"{relative} is not in {where}, and the hub is not to be used")


def _hub_origin() -> str:
    return "stand-in" if hub.is_stand_in() else "hub"
