"""Grids: which conditions a run selects, before any of them is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from bench.catalog import languages, tasks, variants
from bench.catalog.models import MODELS, REAL, ModelSpec, model
from bench.catalog.target_languages import target_languages
from bench.condition import Condition
from bench.errors import BadInput

SMOKE_INTERMEDIATES = ("none", "snli", "more")


@dataclass(frozen=True, slots=True)
class Grid:
    """The axes of a grid; the languages are those of each target in each world. Variant "" is the plain training."""

    name: str
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    smoke_models_only: bool
    variants: tuple[str, ...] = ("",)


_AXES = {
    "models": "model", "intermediates": "intermediate", "targets": "target", "languages": "language", "seeds": "seed",
    "variants": "variant",
}  # fmt: skip

_PAPER = tuple(task.token for task in tasks.INTERMEDIATES if not task.extra)
_TARGETS = tuple(task.token for task in tasks.TARGETS)
_PLAIN_AND_VARIANTS = ("", *(variant.token for variant in variants.VARIANTS))

GRIDS = {
    "smoke": Grid("smoke", SMOKE_INTERMEDIATES, ("xnli",), (0, 1), smoke_models_only=True),
    "paper": Grid("paper", _PAPER, _TARGETS, (0, 1, 2), smoke_models_only=False),
    "full": Grid("full", _PAPER, _TARGETS, (0, 1, 2), smoke_models_only=False, variants=_PLAIN_AND_VARIANTS),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user asks for: a grid, and for each axis None (the grid's own) or an explicit tuple.

    `variants` are words as in `--variants`: "plain" is the training without one.
    """

    grid: str = "smoke"
    models: tuple[str, ...] | None = None
    intermediates: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None
    variants: tuple[str, ...] | None = None
    worlds: tuple[int, ...] = (0,)
    own_models: tuple[ModelSpec, ...] = ()


def conditions(selection: Selection) -> list[Condition]:
    """Return the selected conditions, cheapest model first and each checkpoint's source language first.

    The order is a function of ids and static cost only. Raises BadInput for an unknown token or an empty selection.
    """
    grid = _resolve(selection)
    chosen = [
        condition
        for spec in _models(selection, grid)
        for target in grid.targets
        for condition in _of_model(spec, target, grid, selection)
    ]
    if not chosen:
        raise BadInput(
            f"Got the grid {selection.grid} with {_asked(selection)}, which selects no condition; "
            "a language must belong to the model's world and to the target's languages, a variant apply to the tasks."
        )
    return chosen


def left_out(selection: Selection, wanted: Iterable[Condition]) -> set[Condition]:
    """Return which of `wanted` are not in `selection` because its user narrowed an axis, and would be otherwise.

    What no axis of the user's explains (a token that is in no catalog, a grid that is smaller) is not among them.
    """
    asked = {axis: attribute for axis, attribute in _AXES.items() if getattr(selection, axis) is not None}
    wanted = set(wanted)
    if not asked or not wanted:
        return set()
    wide = {axis: _known(axis, {getattr(one, name) for one in wanted}, selection) for axis, name in asked.items()}
    try:
        whole = set(conditions(replace(selection, **wide)))  # type: ignore[arg-type]
        return wanted & whole - set(conditions(selection))
    except BadInput:
        return set()


def _known(axis: str, values: set[Any], selection: Selection) -> tuple[Any, ...]:
    """Return those of `values` that an axis can hold, beside what was asked for."""
    catalog: dict[str, Iterable[str]] = {
        "models": [spec.token for spec in (*MODELS, *selection.own_models)],
        "intermediates": [task.token for task in tasks.INTERMEDIATES],
        "targets": _TARGETS,
        "variants": _PLAIN_AND_VARIANTS,
        "languages": [token for token in values if axis == "languages" and _is_language(token)],
    }
    held = values if axis == "seeds" else values & set(catalog[axis])
    words = {value or variants.PLAIN for value in held} if axis == "variants" else held
    return tuple(sorted({*words, *getattr(selection, axis)}))


def _is_language(token: str) -> bool:
    try:
        return bool(languages.language(token))
    except BadInput:
        return False


def _resolve(selection: Selection) -> Grid:
    if selection.grid not in GRIDS:
        raise BadInput(f"Got grid={selection.grid!r}, but the grids are {', '.join(GRIDS)}.")
    grid = GRIDS[selection.grid]
    if selection.intermediates is not None:
        grid = replace(grid, intermediates=tuple(tasks.intermediate(token).token for token in selection.intermediates))
    if selection.targets is not None:
        grid = replace(grid, targets=tuple(tasks.target(token).token for token in selection.targets))
    if selection.variants is not None:
        grid = replace(grid, variants=tuple(variants.selected(word) for word in selection.variants))
    for token in selection.languages or ():
        languages.language(token)
    return replace(grid, seeds=selection.seeds) if selection.seeds is not None else grid


def _models(selection: Selection, grid: Grid) -> list[ModelSpec]:
    if selection.models is not None:
        return [model(token, selection.own_models) for token in selection.models]
    catalog = [spec for spec in MODELS if spec.in_smoke or not grid.smoke_models_only]
    return sorted([*catalog, *selection.own_models], key=lambda spec: (spec.parameters, spec.token))


def _of_model(spec: ModelSpec, target: str, grid: Grid, selection: Selection) -> Iterator[Condition]:
    for world_languages in _languages(spec, target, selection):
        for intermediate in grid.intermediates:
            for seed, variant in product(grid.seeds, grid.variants):
                if _exists(spec, intermediate, target, seed, variant, grid):
                    for token in world_languages:
                        yield Condition(spec.token, intermediate, target, token, seed, variant)


def _exists(spec: ModelSpec, intermediate: str, target: str, seed: int, variant: str, grid: Grid) -> bool:
    """Leave out what would repeat another condition: nothing of it depends on that seed, task or variant."""
    if not tasks.target(target).trains:
        if tasks.intermediate(intermediate).control:
            return False
        if intermediate == "none" and seed != grid.seeds[0]:
            return False
    return variants.variant(variant).applies(intermediate, target, spec.world == "artificial")


def _languages(spec: ModelSpec, target: str, selection: Selection) -> Iterator[tuple[str, ...]]:
    """Yield, for each world of the model, the languages to evaluate in, the source language first."""
    for tokens in _worlds(spec, target, selection.worlds):
        wanted = selection.languages
        extra = tasks.target(target).extra_languages
        yield tuple(token for token in tokens if (token not in extra if wanted is None else token in wanted))


def _worlds(spec: ModelSpec, target: str, worlds: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    if spec.world == REAL:
        yield (*target_languages(target, None), *tasks.target(target).extra_languages)
        return
    for world in worlds:
        yield target_languages(target, world)


def _asked(selection: Selection) -> str:
    asked = [
        f"{axis}={','.join(map(str, getattr(selection, axis)))}"
        for axis in _AXES
        if getattr(selection, axis) is not None
    ]
    return " ".join(asked) or "no further options"
