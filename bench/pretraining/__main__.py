"""`python -m bench.pretraining --world 0 --model pocket_s`: rebuild a pocket model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.data.artificial import language_tokens
from bench.errors import BadInput
from bench.pretraining.export import save
from bench.pretraining.loop import Progress, pretrain
from bench.pretraining.masked_head import pretrain_head
from bench.pretraining.recipe import Recipe, size_of
from bench.pretraining.stages import HEAD_STEPS
from bench.pretraining.tokenizer import world_tokenizer


def main(arguments: Sequence[str] | None = None) -> int:
    """Pretrain and save one model; return 0, or 2 after naming what does not fit."""
    options = _parser().parse_args(arguments)
    try:
        recipe = Recipe(dose=options.dose, permuted=options.permuted)
        directory = build(options.world, options.model, options.output, recipe)
        add_head(directory, options.world)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    print(directory)
    return 0


def build(
    world: int, model: str, output: Path, recipe: Recipe | None = None, tokenizer_file: Path | None = None
) -> Path:
    """Pretrain `model` on `world` with a bar on standard error, and return the directory it was saved to.

    The world's tokenizer is read from `tokenizer_file` (default: beside the models), or trained and kept there.
    """
    from tqdm import tqdm

    size, recipe = size_of(model), recipe or Recipe()
    language_tokens(world)  # raises for a world there cannot be, before the bar is drawn
    with tqdm(total=recipe.steps, unit="step", desc=f"w{world} {model}", disable=None) as bar:
        tokenizer = world_tokenizer(world, recipe.vocabulary, tokenizer_file or output / f"w{world}" / "tokenizer.json")
        run = pretrain(world, size, recipe, tokenizer, _shown_on(bar))
    return save(run, output / f"w{world}" / model, world, size, recipe)


def add_head(directory: Path, world: int) -> None:
    """Train the masked-language-model head of a model of `world` with a bar on standard error, and store it there."""
    from tqdm import tqdm

    with tqdm(total=HEAD_STEPS, unit="step", desc=f"w{world} {directory.name}", disable=None) as bar:
        pretrain_head(directory, world, _shown_on(bar))


def _shown_on(bar: Any) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        bar.set_postfix_str(f"{progress.stage} {progress.score:.2f}, loss {progress.loss:.2f}", refresh=False)
        bar.update()

    return show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.pretraining", description=__doc__)
    parser.add_argument("--world", type=int, default=0, help="the artificial world (default 0)")
    parser.add_argument("--model", default="pocket_s", help="pocket_xs, pocket_s, pocket_m or pocket_l")
    parser.add_argument("--dose", type=float, default=0.0, help="share of documents in any language (default 0)")
    parser.add_argument("--permuted", action="store_true", help="control: each document has another one's connective")
    parser.add_argument("--output", type=Path, default=Path("bench/assets/pocket"), help="where w<world>/<model> goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
