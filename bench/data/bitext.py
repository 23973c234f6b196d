"""Sentences and their English translations: Tatoeba, to be retrieved, and BUCC 2018, to be mined."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from bench.data.dataset_spec import DatasetSpec, dataset_spec
from bench.data.example import CorpusSentence, Split, Translation
from bench.data.parquet import read_rows
from bench.data.sources import (
    Access,
    DatasetSource,
    joint_provenance,
    locate_dataset,
    provenance_of,
    require_dataset,
    whereabouts,
)
from bench.errors import BadInput, DataError

_TATOEBA_COLUMNS = ("source_sentence", "target_sentence", "target_lang")
_ENGLISH = "eng"
_DEV_AS_TEST = "dev_as_test"
_BUCC_SPLITS = ("validation", "test")
_BUCC_NOTE = "development corpora halved: BUCC's test gold is not public"


def read_tatoeba(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return the sentences of `language`, all of which are test, each with its English translation as pivot.

    An item is called <language>-<split>-<row>. Its group is the English sentence, as the first 16 hexadecimal digits of
    its sha256 in every language alike.

    Raises BadInput for another split and for a language Tatoeba does not have, Unavailable when the files cannot be
    had, DataError for a file whose checksum, columns or types are not as published, or whose target is not English.
    """
    published = spec.published_split(split)
    source = locate_dataset(spec, published, language, access)
    rows = read_rows(spec, source, _TATOEBA_COLUMNS)
    for index, (_, _, target) in enumerate(rows):
        if target != _ENGLISH:
            raise DataError(
                f"{whereabouts(spec, source)}: row {index} has {target!r} in column 'target_lang', expected "
                f"{_ENGLISH!r}; fetch the file again."
            )
    examples = tuple(
        Translation(f"{language}-{split}-{index}", _digest(english)[:16], text, english)
        for index, (text, english, _) in enumerate(rows)
    )
    if not examples:
        raise DataError(f"{whereabouts(spec, source)} has no usable row; fetch the file again.")
    return Split(split, language, (), examples, provenance_of(source, len(rows), spec.published_rows(published), {}))


def read_bucc(spec: DatasetSpec, split: str, language: str, access: Access) -> Split:
    """Return one half, validation or test, of BUCC's development corpora in `language` and in English.

    A sentence goes to a half by the sha256 of its text, or of its English translation's where it has one: translations
    stay together. Its item id is <language>-<split>-<id in its corpus>, and it is a group of its own. Both halves carry
    the flag "dev_as_test".

    Raises BadInput for another split or language, Unavailable("data") with how to provide the corpora when they are in
    no mirror, DataError for a file whose checksum, columns or types do not fit, and for a gold pair whose sentences are
    in no corpus or in more pairs than one.
    """
    _check_split(split)
    sources = {name: locate_dataset(part, name, language, access) for part, name in _bucc_files(spec)}
    foreign, english = _texts(spec, sources["source"]), _texts(spec, sources["target"])
    partners = _partners(sources["gold"], foreign, english)
    examples = tuple(
        _sentence(f"{language}-{split}", name, text, corpus is english, partners)
        for corpus in (foreign, english)
        for name, text in corpus.items()
        if _half(english.get(partners.get(name, ""), text)) == split
    )
    parts = [provenance_of(source, 0, None, {}) for source in sources.values()]
    whole = joint_provenance(parts)
    note = "; ".join(text for text in (whole.note, _BUCC_NOTE) if text)
    return Split(split, language, (), examples, replace(whole, note=note, flags=(_DEV_AS_TEST,)))


def require_bucc(spec: DatasetSpec, split: str, language: str, access: Access) -> None:
    """Raise what is known to be missing for `read_bucc`."""
    _check_split(split)
    for part, name in _bucc_files(spec):
        require_dataset(part, name, language, access)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _half(text: str) -> str:
    return _BUCC_SPLITS[int(_digest(text)[:8], 16) % 2]


def _check_split(split: str) -> None:
    if split not in _BUCC_SPLITS:
        raise BadInput(f"Got split={split!r}, but bucc2018 has: {' '.join(_BUCC_SPLITS)}.")


def _bucc_files(spec: DatasetSpec) -> tuple[tuple[DatasetSpec, str], ...]:
    return ((spec, "source"), (spec, "target"), (dataset_spec("bucc_gold"), "gold"))


def _texts(spec: DatasetSpec, source: DatasetSource) -> dict[str, str]:
    texts: dict[str, str] = dict(read_rows(spec, source, ("id", "text")))
    return texts


def _partners(source: DatasetSource, foreign: Mapping[str, str], english: Mapping[str, str]) -> dict[str, str]:
    """Return the id of every gold sentence's translation, in both directions."""
    spec = dataset_spec("bucc_gold")
    partners: dict[str, str] = {}
    for index, (own, other) in enumerate(read_rows(spec, source, ("source_id", "target_id"))):
        where = f"{whereabouts(spec, source)}: row {index}"
        if own not in foreign or other not in english:
            raise DataError(f"{where} pairs {own} and {other}, which are not both in the corpora; provide them again.")
        if own in partners or other in partners:
            raise DataError(f"{where} pairs {own} and {other}, one of which is in a pair already; provide it again.")
        partners[own], partners[other] = other, own
    return partners


def _sentence(prefix: str, name: str, text: str, in_pivot: bool, partners: Mapping[str, str]) -> CorpusSentence:
    partner = f"{prefix}-{partners[name]}" if name in partners else ""
    return CorpusSentence(f"{prefix}-{name}", f"{prefix}-{name}", text, in_pivot, partner)
