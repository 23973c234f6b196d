"""Where files come from: the first mirror that has them, else the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data import hub, mirror
from bench.data.dataset_spec import DatasetSpec
from bench.data.example import Provenance
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


def locate_dataset(spec: DatasetSpec, published: str, language: str, access: Access) -> DatasetSource:
    """Return the files of one published split of `spec`.

    Raises Unavailable("hub") where no mirror has them and the hub cannot be used, Unavailable("data") where no mirror
    has what no hub holds, BadInput for a language or split the data set does not have, DataError as `find_file` and
    `fetch_dataset`.
    """
    relative = spec.mirror_file(language, published)
    spec.published_rows(published)
    found = mirror.find_file(access.mirrors, relative)
    if found is not None:
        note = "" if found.note == "complete" else found.note
        origin = "local" if spec.provide else "mirror"
        return DatasetSource((found.path,), origin, ((found.relative, found.sha256),), found.subset, note)
    _require_provided(spec, relative)
    _require_hub(relative, access)
    fetched = hub.fetch_dataset(spec, language, published)
    files = tuple((f"datasets/{spec.repo}@{fetched.commit}/{path}", digest) for path, digest in fetched.files)
    paths = tuple(fetched.directory / path for path, _ in fetched.files)
    return DatasetSource(paths, _hub_origin(), files, subset=False, note="")


def require_dataset(spec: DatasetSpec, published: str, language: str, access: Access) -> None:
    """Raise what `locate_dataset` would, as far as it is known without a download.

    The hub is asked once a process whether it can be reached.
    """
    relative = spec.mirror_file(language, published)
    spec.published_rows(published)
    if mirror.find_file(access.mirrors, relative) is not None:
        return
    _require_provided(spec, relative)
    if not access.hub_allowed:
        raise Unavailable("hub", f"{relative} is in no mirror, and the hub is not to be used")
    if hub.probe() is not None:
        # Without a connection this looks into the local cache only, and says what it lacks.
        hub.fetch_dataset(spec, language, published)


def in_mirror(spec: DatasetSpec, published: str, language: str, access: Access) -> bool:
    """Return whether a mirror has that split; raises DataError when the file differs from its mirror's manifest."""
    return mirror.find_file(access.mirrors, spec.mirror_file(language, published)) is not None


def whereabouts(spec: DatasetSpec, source: DatasetSource) -> str:
    """Return the name of a data set and its files, as messages spell it."""
    return f"{spec.repo} ({', '.join(str(path) for path in source.paths)})"


def provenance_of(
    source: DatasetSource,
    rows: int,
    published: int | None,
    dropped: Mapping[str, int],
    notes: Sequence[str] = (),
    flags: tuple[str, ...] = (),
) -> Provenance:
    """Return where a split of `rows` rows came from; `dropped` counts the examples left out by reason.

    `published` is the number of rows of the published split, None where it is not known for sure: the split is a
    subset where the two differ or the source's manifest says so.
    """
    short = published is not None and rows != published
    found = [source.note] if source.note else []
    if short:
        found.append(f"{rows} rows of the {published} published")
    found += [*notes, *(f"{count} rows {why} left out" for why, count in dropped.items() if count)]
    return Provenance(source.origin, source.files, source.subset or short, note="; ".join(found), flags=flags)


def joint_provenance(parts: Sequence[Provenance]) -> Provenance:
    """Return the provenance of a split made of several; a stand-in among them makes it one."""
    origins = [part.origin for part in parts]
    return Provenance(
        "stand-in" if "stand-in" in origins else origins[0],
        tuple(file for part in parts for file in part.files),
        subset=any(part.subset for part in parts),
        note="; ".join(part.note for part in parts if part.note),
        flags=tuple(dict.fromkeys(flag for part in parts for flag in part.flags)),
    )


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


def _require_provided(spec: DatasetSpec, relative: str) -> None:
    if spec.provide:
        raise Unavailable("data", f"{relative} is in no mirror of {mirror.VARIABLE}; {spec.provide}")


def _require_hub(relative: str, access: Access) -> None:
    if not access.hub_allowed:
        where = " or ".join(str(path) for path in access.mirrors) or f"{mirror.VARIABLE} (unset)"
        raise Unavailable("hub", f"{relative} is not in {where}, and the hub is not to be used")


def _hub_origin() -> str:
    return "stand-in" if hub.is_stand_in() else "hub"
