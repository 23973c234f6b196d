"""The masked-language-modelling head of a finished pocket model, trained and stored beside it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bench.modeling.directory import MASKED_HEAD
from bench.modeling.encoder import load_encoder
from bench.pretraining.export import MANIFEST
from bench.pretraining.loop import WINDOW, Progress, run_stage
from bench.pretraining.reading import Reader
from bench.pretraining.recipe import Recipe
from bench.pretraining.stages import MaskedHeadStage


def pretrain_head(directory: Path, world: int, report: Callable[[Progress], None] | None = None) -> None:
    """Train a head for the pocket model in `directory`, of `world`, and write lm_head/: weights (float16) and a note.

    The encoder and its files stay as they are; the recipe is the one it was pretrained by. `report` is told every step.
    Raises TrainingFailed when the loss is no longer a number. Deterministic on a CPU for a given thread count.
    """
    from tokenizers import Tokenizer

    started = time.perf_counter()
    made = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    recipe = Recipe(**made["recipe"])
    encoder, _ = load_encoder(directory)
    reader = Reader(world, recipe, Tokenizer.from_file(str(directory / "tokenizer.json")))
    stage, seen = MaskedHeadStage(encoder, reader, recipe), list[Progress]()

    def told(progress: Progress) -> None:
        seen.append(progress)
        if report is not None:
            report(progress)

    run_stage(stage, f"{made['model']} in world {world}", recipe, told)
    _save(stage, seen, directory, time.perf_counter() - started)


def _save(stage: MaskedHeadStage, seen: list[Progress], directory: Path, seconds: float) -> None:
    from safetensors.torch import save_file

    path = directory / MASKED_HEAD
    path.parent.mkdir(exist_ok=True)
    stored = {f"lm_head.{name}": weight.to(torch.float16) for name, weight in stage.head.state_dict().items()}
    save_file(stored, path)
    note = {
        "steps": len(seen),
        "first_loss": seen[min(WINDOW, len(seen)) - 1].loss,
        "last_loss": seen[-1].loss,
        "unigram_entropy": stage.unigram_entropy,
        "seconds": round(seconds, 1),
        "encoder_sha256": hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
