"""A pretrained pocket model as an ordinary transformers directory, with what made it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch

from bench.canonical import digest, plain
from bench.modeling.encoder import quiet_transformers
from bench.pretraining.loop import Pretrained
from bench.pretraining.model import as_fine_tuned
from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.tokenizer import SPECIAL

MANIFEST = "pretraining.json"


def save(run: Pretrained, directory: Path, world: int, size: Size, recipe: Recipe) -> Path:
    """Write config.json, model.safetensors (float16), tokenizer files and pretraining.json; return `directory`.

    The encoder is stored without the masked-language-modelling head: fine-tuning starts a head of its own.
    """
    from transformers import PreTrainedTokenizerFast

    directory.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        as_fine_tuned(run.model).roberta.to(torch.float16).save_pretrained(directory, safe_serialization=True)
    begin, pad, end, unknown, mask = SPECIAL
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=run.tokenizer, bos_token=begin, cls_token=begin, pad_token=pad, eos_token=end, sep_token=end,
        unk_token=unknown, mask_token=mask, model_max_length=size.positions - 2,
    )  # fmt: skip
    tokenizer.save_pretrained(directory)
    manifest = {
        "world": world,
        "model": size.token,
        "recipe": asdict(recipe),
        "recipe_digest": digest(recipe),
        "flags": recipe.flags,
        "stages": [asdict(stage) for stage in run.stages],
        "seconds": round(run.seconds, 1),
        "threads": torch.get_num_threads(),
        "weights_sha256": hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest(),
    }
    (directory / MANIFEST).write_text(json.dumps(plain(manifest), indent=2) + "\n", encoding="utf-8")
    return directory
