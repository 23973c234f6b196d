"""`python -m bench.pretraining --world 0 --model pocket_s`: rebuild a pocket model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.data.artificial import language_tokens
from bench.errors import BadInput
from bench.pretraining.export import save
from bench.pretraining.loop import Progress, pretrain
from bench.pretraining.recipe import Recipe, size_of
from bench.pretraining.tokenizer import world_tokenizer


def main(arguments: Sequence[str] | None = None) -> int:
    """Pretrain and save one model; return 0, or 2 after naming what does not fit."""
    options = _parser().parse_args(arguments)
    try:
        directory = build(options.world, options.model, options.output, options.steps)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    print(directory)
    return 0


def build(world: int, model: str, output: Path, steps: int | None = None) -> Path:
    """Pretrain `model` on `world` with a bar on standard error, and return the directory it was saved to."""
    from tqdm import tqdm

    size = size_of(model)
    language_tokens(world)  # raises for a world there cannot be, before the bar is drawn
    recipe = Recipe() if steps is None else replace(Recipe(), steps=steps)
    with tqdm(total=recipe.steps, unit="step", desc=f"w{world} {model}") as bar:

        def show(progress: Progress) -> None:
            bar.set_postfix(loss=f"{progress.loss:.2f}", cloze=f"{progress.cloze:.2f}", found=f"{progress.found:.2f}")
            bar.update(progress.step - bar.n)

        tokenizer = world_tokenizer(world, recipe.vocabulary, output / f"w{world}" / "tokenizer.json")
        run = pretrain(world, size, recipe, tokenizer, show)
    return save(run, output / f"w{world}" / model, world, size, recipe)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.pretraining", description=__doc__)
    parser.add_argument("--world", type=int, default=0, help="the artificial world (default 0)")
    parser.add_argument("--model", default="pocket_s", help="pocket_xs, pocket_s, pocket_m or pocket_l")
    parser.add_argument("--steps", type=int, help="fewer or more steps than the recipe's")
    parser.add_argument("--output", type=Path, default=Path("bench/assets/pocket"), help="where w<world>/<model> goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
