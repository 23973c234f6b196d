"""Ladders of sizes: encoders that differ in size alone, encoders of two generations, and depths of one encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.catalog.models import MODELS, ModelSpec

# Fewer bear no verdict on a slope (docs/analysis-plan.md).
SIZES_FOR_A_VERDICT = 4
# "size": pretrained alike at several sizes; "generations": the sizes of a family whose recipes differ; "depth": the
# first layers of one encoder, whose depth is no model size.
Kind: TypeAlias = Literal["size", "generations", "depth"]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Models of one ladder, by rising number of parameters outside the embeddings; never pooled with another."""

    name: str
    kind: Kind
    models: tuple[ModelSpec, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The models' tokens, the smallest first."""
        return tuple(spec.token for spec in self.models)

    @property
    def title(self) -> str:
        """The name, and what sizes of this kind do not have in common."""
        kinds = {"size": "", "generations": " (two generations, whose recipes differ)", "depth": " (depth)"}
        return f"{self.name}{kinds[self.kind]}"


def ladders(tokens: Iterable[str]) -> list[Ladder]:
    """Return the ladders with at least two of the catalog's models `tokens`; a model of the user's own is in none."""
    present = set(tokens)
    specs = [spec for spec in MODELS if spec.token in present]
    whole = [spec for spec in specs if not spec.truncated_from]
    found = [
        *_grouped(whole, "size", lambda spec: spec.generation),
        *(each for each in _grouped(whole, "generations", lambda spec: spec.family) if _mixed(each)),
        *(each for each in _grouped(specs, "depth", lambda spec: spec.truncated_from or spec.token) if _cut(each)),
    ]
    return [ladder for ladder in found if len(ladder.models) > 1]


def _grouped(specs: Iterable[ModelSpec], kind: Kind, name: Callable[[ModelSpec], str]) -> list[Ladder]:
    groups: dict[str, list[ModelSpec]] = {}
    for spec in specs:
        groups.setdefault(name(spec), []).append(spec)
    return [Ladder(key, kind, tuple(sorted(groups[key], key=_size))) for key in sorted(groups)]


def _size(spec: ModelSpec) -> tuple[int, str]:
    return spec.body_parameters, spec.token


def _mixed(ladder: Ladder) -> bool:
    return len({spec.generation for spec in ladder.models}) > 1


def _cut(ladder: Ladder) -> bool:
    return any(spec.truncated_from for spec in ladder.models)
