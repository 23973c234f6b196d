"""What keys need to know of a split, noted in the store where a split is drawn: drawing one takes seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from bench.canonical import canonical_json, digest
from bench.data.example import Split
from bench.errors import BadInput
from bench.small_files import replace_text
from bench.store.provenance import code_hash
from bench.strict_json import parse_json


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """A split without its examples, of which it says the number and the fingerprint (see `Split`)."""

    name: str
    language: str
    kind: str
    fingerprint: str
    count: int


# What has a fingerprint.
Identified: TypeAlias = Split | SplitFacts


def facts_of(split: Split) -> SplitFacts:
    """Return what keys need to know of `split`."""
    return SplitFacts(split.name, split.language, split.kind, split.fingerprint, len(split.examples))


def noted(directory: Path, what: Any, load: Callable[[], Iterable[Split]]) -> tuple[SplitFacts, ...]:
    """Return the facts of what `load` returns, from the note in `directory` on `what` if there is one, else noting it.

    Only for splits that code alone determines: a note counts for the code that wrote it.
    """
    path = directory / f"{digest(['splits', code_hash(), what])}.json"
    known = _read(path)
    if known is None:
        known = tuple(map(facts_of, load()))
        # Where it cannot be written, the next session loads again.
        with contextlib.suppress(BadInput):
            replace_text(path, canonical_json(known))
    return known


def _read(path: Path) -> tuple[SplitFacts, ...] | None:
    """Return the facts noted in `path`, None where there are none."""
    try:
        found = tuple(SplitFacts(**one) for one in parse_json(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return found if all(map(_is_sound, found)) else None


def _is_sound(facts: SplitFacts) -> bool:
    types = {"count": int}
    return all(type(getattr(facts, field.name)) is types.get(field.name, str) for field in fields(facts))
