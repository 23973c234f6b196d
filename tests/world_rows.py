"""Rows of the pocket ladder in artificial worlds whose factors are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.catalog.models import model
from bench.data.artificial.languages import describe, language_tokens, source_type
from bench.rows import Row
from tests.row_factory import estimate, make_row

POCKET = ("pocket_xs", "pocket_s", "pocket_m", "pocket_l")
RICHNESS, SCARCITY, DISTANCE = 0.04, 0.03, 0.02


def world_rows(
    changes: Sequence[float],
    models: Sequence[str] = POCKET,
    intermediates: Sequence[str] = ("snli", "more"),
    seeds: Sequence[int] = (0, 1),
) -> list[Row]:
    """Rows of one world for each of `changes`: what transfer to rich languages gains over the ladder after `snli`."""
    return [
        _row(world, token, task, language, seed, change)
        for world, change in enumerate(changes)
        for token in models
        for task in intermediates
        for language in language_tokens(world)
        for seed in seeds
    ]


def _transfer(world: int, token: str, task: str, language: str, change: float) -> float:
    facts = describe(language)
    if facts.control:
        return 0.0
    low, high = (math.log10(model(name).body_parameters) for name in (POCKET[0], POCKET[-1]))
    share = (math.log10(model(token).body_parameters) - low) / (high - low)
    rich = facts.group == "rich"
    return (
        0.05
        + rich * (RICHNESS + (change * share if task != "more" else 0.0))
        + (facts.data == "scarce") * SCARCITY
        + (facts.type != source_type(world)) * DISTANCE
    )


def _row(world: int, token: str, task: str, language: str, seed: int, change: float) -> Row:
    source = describe(language).source
    gap = 0.0 if source else round(_transfer(world, token, task, language, change), 9)
    return make_row(
        model=token, intermediate=task, language=language, seed=seed, accuracy=0.6, confidence=round(0.6 + gap, 9),
        source=None, transfer=None if source else {"gap": estimate(gap)}, world=f"w{world}", protocol="pocket",
        flags=["artificial", "source_discourse"],
    )  # fmt: skip
