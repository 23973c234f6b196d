"""The one shape every source of data is read into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bench.canonical import digest


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled unit of text.

    `item_id` is shared by the translations of an item, `group_id` is the resampling cluster (for XNLI the English row
    index // 3), `label` indexes the split's `labels`, `posterior` is P(y | meaning) where the world states it.
    """

    item_id: str
    group_id: str
    text: str
    text_pair: str
    label: int
    posterior: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a split came from. `origin` is "artificial", "mirror", "hub", "stand-in" or "local".

    `files` are (path inside its source, sha256); `subset` says that the source itself holds only a part of the
    published split, `capped` that a limit of the study left examples out; `note` says of what.
    """

    origin: str
    files: tuple[tuple[str, str], ...] = ()
    subset: bool = False
    capped: bool = False
    note: str = ""


@dataclass(frozen=True)
class Split:
    """The examples of one split in one language, in a fixed order."""

    name: str
    language: str
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    provenance: Provenance

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the label names and of every field of every example, in order: the identity of the rows used."""
        return digest([self.labels, self.examples])
