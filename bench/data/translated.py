"""The variant `mt`: an intermediate task's training data in another language, translated by a user."""

from __future__ import annotations

from dataclasses import replace

from bench.data.dataset_spec import DatasetSpec, dataset_spec
from bench.data.example import Split
from bench.data.nli import anli_parts, load_anli
from bench.data.real import READERS, TASKS
from bench.data.sources import Access, require_dataset
from bench.errors import BadInput

_TRAIN = "train"


def load_translated(task: str, language: str, access: Access) -> Split:
    """Return the training data of `task` in `language`, from files of a user in the schema of the data set itself.

    They lie at datasets/<repository>/<configuration>/mt-<language>/<split>.parquet of a mirror: for every task one
    file train.parquet, for ANLI the rounds train_r1.parquet to train_r3.parquet beside SNLI's and MultiNLI's. Items
    are called as those of the data set are, so that a translation has the id of the row it translates.

    Raises BadInput for a task that is no English-only task, or for English itself; Unavailable("data") with how to
    provide them when files are missing; DataError for a file whose checksum, columns, types or labels do not fit.
    """
    _check(task, language)
    if task == "anli":
        return load_anli(_TRAIN, language, access, lambda name: _translated(name, language))
    return READERS[task](_translated(task, language), _TRAIN, language, access)


def require_translated(task: str, language: str, access: Access) -> None:
    """Raise what `load_translated` raises for missing files."""
    _check(task, language)
    for name, split in anli_parts(_TRAIN) if task == "anli" else ((task, _TRAIN),):
        require_dataset(_translated(name, language), split, language, access)


def _check(task: str, language: str) -> None:
    tasks = [name for name in TASKS if dataset_spec(name).languages == ("en",)]
    if task not in tasks:
        raise BadInput(f"Got task={task!r}, but the tasks with training data to translate are: {' '.join(tasks)}.")
    if not language.isalnum() or language == "en":
        raise BadInput(f"Got language={language!r}, but a translation is into another language than English, as 'sw'.")


def _translated(name: str, language: str) -> DatasetSpec:
    spec = dataset_spec(name)
    return replace(
        spec,
        config=f"{spec.config}/mt-{language}",
        languages=(language,),
        # How many rows a user has translated is a user's choice.
        splits=tuple((split, None) for split, _ in spec.splits),
        provide=f"put the translation of {spec.repo} {spec.config} there, with its columns (docs/data.md)",
    )
