"""The real data of every task of the catalog: which loader reads it, and what is missing for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from bench.data.bitext import read_bucc, read_tatoeba, require_bucc
from bench.data.ccg import read_ccg
from bench.data.choices import read_choices
from bench.data.dataset_spec import DatasetSpec, dataset_spec
from bench.data.example import Split
from bench.data.nli import anli_parts, load_anli, read_nli
from bench.data.pairs import read_pairs
from bench.data.questions import read_mlqa, read_squad, read_tydiqa, read_xquad, require_mlqa, require_tydiqa
from bench.data.sources import Access, require_dataset
from bench.data.tagging import read_tagging
from bench.errors import BadInput, Unavailable

Reader: TypeAlias = Callable[[DatasetSpec, str, str, Access], Split]

# How each task's own data set is read; anli is made of three (`load_anli`).
READERS: Mapping[str, Reader] = {
    "xnli": read_nli,
    "pawsx": read_pairs,
    "udpos": read_tagging,
    "panx": read_tagging,
    "xquad": read_xquad,
    "mlqa": read_mlqa,
    "tydiqa": read_tydiqa,
    "bucc": read_bucc,
    "tatoeba": read_tatoeba,
    "mnli": read_nli,
    "qqp": read_pairs,
    "squad_v1": read_squad,
    "squad_v2": read_squad,
    "hellaswag": read_choices,
    "ccg": read_ccg,
    "cosmosqa": read_choices,
    "csqa": read_choices,
    "snli": read_nli,
}
TASKS = (*READERS, "anli")
# Tasks that train on another's data and are selected on its development set, both English.
TRAINED_ON = {"xquad": "squad_v1", "mlqa": "squad_v1"}
_NO_SUBSTITUTES: Mapping[str, str] = {}
_TEST = "test"


def load_real(
    task: str, split: str, language: str, access: Access, substitutes: Mapping[str, str] = _NO_SUBSTITUTES
) -> Split:
    """Return one split, "train", "validation" or "test", of a task of the catalog from real data.

    XQuAD and MLQA train on SQuAD 1.1 and take its development set. `substitutes` name tasks whose train and validation
    are those of another task, such as {"squad_v1": "tydiqa"}: these are noted, and flagged "substitute_train". The
    module of each reader says what its item and group ids are.

    Raises BadInput for an unknown task, split or language; Unavailable where the data cannot be had here, with the
    reason; DataError where a file is not as published.
    """
    lender = _lender(task, split, language, substitutes)
    if lender is not None:
        lent = load_real(lender, split, language, access, substitutes)
        return _substituted(lent, task, lender) if task in substitutes else lent
    if task == "anli":
        return load_anli(split, language, access)
    return READERS[task](_spec(task, split, language), split, language, access)


def require_real(
    task: str, split: str, language: str, access: Access, substitutes: Mapping[str, str] = _NO_SUBSTITUTES
) -> None:
    """Raise what `load_real` would raise as far as it is known without a download and without reading much.

    The hub is asked once a process whether it can be reached.
    """
    lender = _lender(task, split, language, substitutes)
    if lender is not None:
        require_real(lender, split, language, access, substitutes)
    elif task == "anli":
        for name, part in anli_parts(split):
            _require(dataset_spec(name), part, language, access)
    else:
        _REQUIREMENTS.get(task, _require)(_spec(task, split, language), split, language, access)


def _lender(task: str, split: str, language: str, substitutes: Mapping[str, str]) -> str | None:
    """Return the task whose data stand for this split of `task`, None for its own."""
    if task not in TASKS:
        raise BadInput(f"Got task={task!r}, but the tasks with real data are: {' '.join(TASKS)}.")
    if split == _TEST:
        return None
    if task in substitutes:
        return substitutes[task]
    lender = TRAINED_ON.get(task)
    if lender is not None and language not in dataset_spec(lender).languages:
        dataset_spec(task).code_of(language)
        raise Unavailable("data", f"{task} has no {split} split in {language}: it takes {lender}'s, which is English")
    return lender


def _spec(task: str, split: str, language: str) -> DatasetSpec:
    if (task, language) != ("udpos", "sw"):
        return dataset_spec(task)
    # XTREME's POS task lacks Swahili, which comes from a treebank of its own, and that is read for its test split.
    if split != _TEST:
        raise Unavailable("data", f"udpos has no {split} split in sw, which XTREME lacks; there is a test split")
    return dataset_spec("udpos_sw")


def _substituted(split: Split, task: str, lender: str) -> Split:
    provenance = split.provenance
    note = "; ".join(text for text in (provenance.note, f"{lender} stands in for {task}") if text)
    flags = (*provenance.flags, "substitute_train")
    return replace(split, provenance=replace(provenance, note=note, flags=flags))


def _require(spec: DatasetSpec, split: str, language: str, access: Access) -> None:
    require_dataset(spec, spec.published_split(split), language, access)


def _require_ccg(spec: DatasetSpec, split: str, language: str, access: Access) -> None:
    # Its labels are those of train.
    _require(spec, split, language, access)
    _require(spec, "train", language, access)


_REQUIREMENTS: Mapping[str, Callable[[DatasetSpec, str, str, Access], None]] = {
    "bucc": require_bucc,
    "ccg": _require_ccg,
    "mlqa": require_mlqa,
    "tydiqa": require_tydiqa,
}
