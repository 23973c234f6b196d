"""Rows of whole frames of intermediate and target tasks, for what is judged over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bench.catalog import tasks
from bench.report.claim_settings import XTREME_SCORES
from bench.rows import Row
from tests.row_factory import estimate, make_row

TARGETS = tuple(task.token for task in tasks.TARGETS)
NINE = tasks.intermediate("multi").parts
WORLD_LANGUAGES = ("w0_agg", "w0_iso")

Score = Callable[[str, str], float]


def scored_row(
    intermediate: str, target: str, language: str, seed: int, score: float, variant: str = "", **changes: Any
) -> Row:
    """A row whose task scores are all `score`, with an interval of a point to either side."""
    model = changes.pop("model", "pocket_s")
    end = f"-{variant}" if variant else ""
    return make_row(
        model=model,
        id=f"{model}-{intermediate}-{target}-{language}-s{seed}{end}",
        condition={"model": model, "intermediate": intermediate, "target": target}
        | {"language": language, "seed": seed, "variant": variant},
        task_scores={name: estimate(score) for name in XTREME_SCORES[target]},
        digests={"recipe": f"{intermediate} {target} {seed} {variant}", "weights": "w"},
        **changes,
    )


def frame(
    score: Score,
    intermediates: Iterable[str] = ("none", *NINE, "multi"),
    targets: Iterable[str] = TARGETS,
    seeds: Iterable[int] = (0, 1),
    **changes: Any,
) -> list[Row]:
    """A frame of an artificial world; the score of a training wobbles by a tenth of a point between seeds."""
    changes = {"world": "w0", "protocol": "pocket"} | changes
    real = changes["world"] == "real"
    return [
        scored_row(
            intermediate, target, language, seed, round(score(intermediate, target) + 0.001 * seed, 6), **changes
        )
        for intermediate in intermediates
        for target in targets
        for language in (tasks.target(target).languages if real else WORLD_LANGUAGES)
        for seed in seeds
    ]
