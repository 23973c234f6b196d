"""The pretraining loop: one model of one world, stage by stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.errors import TrainingFailed
from bench.pretraining.model import build_model
from bench.pretraining.optimizers import rate_share
from bench.pretraining.reading import Reader
from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.stages import Alignment, Discourse, MaskedHeadStage

WINDOW = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: `step` of the stage, and means over the last 100 steps.

    `score` is a share in [0, 1]: of translations found in the stage "alignment", of relations read in "discourse", of
    masked tokens named in "head".
    """

    stage: str
    step: int
    loss: float
    score: float


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A finished run: the model (`XLMRobertaForMaskedLM`), its `tokenizers.Tokenizer`, each stage's end, its time."""

    model: Any
    tokenizer: Any
    stages: tuple[Progress, ...]
    seconds: float


def pretrain(
    world: int, size: Size, recipe: Recipe, tokenizer: Any, report: Callable[[Progress], None] | None = None
) -> Pretrained:
    """Return a pocket model pretrained on `world` with a `tokenizers.Tokenizer`; `report` is told every step.

    Raises TrainingFailed when the loss is no longer a number. Deterministic on a CPU for a given thread count.
    """
    started = time.perf_counter()
    reader = Reader(world, recipe, tokenizer)
    model = build_model(size, tokenizer.get_vocab_size(), recipe).train()
    ends = tuple(
        run_stage(stage(model, reader, recipe, size.lower), f"{size.token} in world {world}", recipe, report)
        for stage in (Alignment, Discourse)
    )
    return Pretrained(model, tokenizer, ends, time.perf_counter() - started)


def run_stage(
    stage: Alignment | Discourse | MaskedHeadStage,
    what: str,
    recipe: Recipe,
    report: Callable[[Progress], None] | None = None,
) -> Progress:
    """Take all steps of `stage` and return where it ended; `what` names the model in TrainingFailed."""
    window = list[tuple[float, float]]()
    for step in range(stage.steps):
        window = [*window[1 - WINDOW :], stage.step(rate_share(step, stage.steps, recipe.warmup))]
        if not math.isfinite(window[-1][0]):
            raise TrainingFailed(
                f"The {stage.name} loss of {what} is not a number at step {step}; lower matrix_rate "
                f"(now {recipe.matrix_rate:g}) or learning_rate (now {recipe.learning_rate:g})."
            )
        loss, score = (sum(column) / len(window) for column in zip(*window, strict=True))
        last = Progress(stage.name, step + 1, loss, score)
        if report is not None:
            report(last)
    return last
