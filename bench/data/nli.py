"""Sentence pairs with entailment, neutral or contradiction: XNLI, MultiNLI, SNLI and ANLI from their parquet files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.data.dataset_spec import NLI_LABELS, DatasetSpec, dataset_spec
from bench.data.example import Example, Split
from bench.data.parquet import label_index, read_rows
from bench.data.sources import (
    Access,
    DatasetSource,
    joint_provenance,
    locate_dataset,
    provenance_of,
    whereabouts,
)
from bench.errors import BadInput, DataError

NLI = ("xnli", "mnli", "snli")
_COLUMNS = ("premise", "hypothesis", "label")
_ANLI_ROUNDS = ("r1", "r2", "r3")
_ANLI_SPLITS = {"train": "train", "validation": "dev"}


def load_nli(spec_name: str, split: str, language: str, access: Access) -> Split:
    """Return one split of "xnli", "mnli" or "snli" with labels (entailment, neutral, contradiction) = 0, 1, 2.

    An item is called <split>-<row>, in every language alike. Its group is <split>-<row // 3> where the published rows
    come in threes with one premise (XNLI validation and test), else <split>-<number of the premise, by first
    appearance>. Training rows without a gold label or with an empty text are left out, and the note counts them.

    Raises BadInput for an unknown name, split or language, Unavailable("hub") when the files cannot be had, DataError
    for a file whose checksum, columns, types, labels, row order or texts are not as published.
    """
    if spec_name not in NLI:
        raise BadInput(f"Got data set {spec_name!r}, but the data sets read here are: {' '.join(NLI)}.")
    return read_nli(dataset_spec(spec_name), split, language, access)


def read_nli(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return one split of any specification with premise, hypothesis and label; all else as `load_nli`."""
    published = spec.published_split(split)
    source = locate_dataset(spec, published, language, access)
    rows = [(premise, hypothesis, label) for premise, hypothesis, label in read_rows(spec, source, _COLUMNS)]
    groups = _groups(rows, spec, split, source)
    examples, dropped = _examples(rows, groups, spec, split, source)
    if not examples:
        raise DataError(f"{whereabouts(spec, source)} has no usable row; fetch the file again.")
    provenance = provenance_of(source, len(rows), spec.published_rows(published), dropped)
    return Split(split, language, NLI_LABELS, examples, provenance)


def anli_parts(split: str) -> tuple[tuple[str, str], ...]:
    """Return what ANLI+ is made of, as (data set, its split): SNLI, MultiNLI, and the rounds of ANLI (jiant's recipe).

    Raises BadInput for a split other than train and validation.
    """
    if split not in _ANLI_SPLITS:
        raise BadInput(f"Got split={split!r}, but anli has: {' '.join(_ANLI_SPLITS)}.")
    rounds = tuple(("anli", f"{_ANLI_SPLITS[split]}_{name}") for name in _ANLI_ROUNDS)
    return (("snli", split), ("mnli", split), *rounds)


def load_anli(split: str, language: str, access: Access, spec_of: Callable[[str], DatasetSpec] = dataset_spec) -> Split:
    """Return one split of ANLI+, all parts one after the other; item and group ids begin with the part's name.

    `spec_of` says how each data set is read. Raises as `load_nli`, and BadInput for a split other than train and
    validation.
    """
    parts = [(name, read_nli(spec_of(name), part, language, access)) for name, part in anli_parts(split)]
    examples = tuple(
        replace(item, item_id=f"{name}-{item.item_id}", group_id=f"{name}-{item.group_id}")
        for name, part in parts
        for item in part.examples
        if isinstance(item, Example)
    )
    return Split(split, language, NLI_LABELS, examples, joint_provenance([part.provenance for _, part in parts]))


def _groups(
    rows: Sequence[tuple[str, str, int]], spec: DatasetSpec, split: str, source: DatasetSource
) -> Sequence[int]:
    if split not in spec.triples:
        numbers: dict[str, int] = {}
        return [numbers.setdefault(premise, len(numbers)) for premise, _, _ in rows]
    for index, (premise, _, _) in enumerate(rows):
        if premise != rows[index - index % 3][0]:
            raise DataError(
                f"{whereabouts(spec, source)}: row {index} has another premise than row {index - index % 3}, expected "
                "one premise for each three rows; restore the published order."
            )
    return [index // 3 for index in range(len(rows))]


def _examples(
    rows: Sequence[tuple[str, str, int]], groups: Sequence[int], spec: DatasetSpec, split: str, source: DatasetSource
) -> tuple[tuple[Example, ...], dict[str, int]]:
    dropped = {"without a gold label": 0, "with an empty text": 0}
    kept = []
    for index, ((premise, hypothesis, value), group) in enumerate(zip(rows, groups, strict=True)):
        where = f"{whereabouts(spec, source)}: row {index}"
        if value == spec.no_gold:
            dropped["without a gold label"] += 1
        elif not premise.strip() or not hypothesis.strip():
            _require_train(split, where)
            dropped["with an empty text"] += 1
        else:
            label = label_index(value, spec, NLI_LABELS, where)
            kept.append(Example(f"{split}-{index}", f"{split}-{group}", premise, hypothesis, label))
    return tuple(kept), dropped


def _require_train(split: str, where: str) -> None:
    if not split.startswith("train"):
        raise DataError(f"{where} has an empty premise or hypothesis, expected text; fetch the file again.")
