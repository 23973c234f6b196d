"""`python -m bench.pretraining.arms`: what the recipe's discourse does, beside its doses, a control and a bound.

Writes docs/worlds/arms-w0.md, by world. Rows for the leaderboard come from the suites alone: these models do not ship.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.catalog.protocols import protocol
from bench.data.artificial import describe, language_tokens, nli_split
from bench.data.groups import halve_by_group
from bench.pretraining.__main__ import build
from bench.pretraining.recipe import Recipe

# Accuracy and signed gap (mean confidence minus accuracy) of one language.
Reading = tuple[float, float]
SHIPPED = "dose 0"
ARMS: Mapping[str, Recipe] = {
    "dose .1": Recipe(dose=0.1),
    "dose .5": Recipe(dose=0.5),
    "permuted connectives": Recipe(permuted=True),
}
BOUND = "trained in the language itself"
_SEED = 0


def read_zero_shot(directory: Path, world: int) -> dict[str, Reading]:
    """Fine-tune the model in `directory` in the source language and return how it does in every language."""
    tokens = language_tokens(world)
    return _read(directory, tokens[0], tokens)


def read_in_language(directory: Path, world: int) -> dict[str, Reading]:
    """Return how the model does in each language when it is fine-tuned and selected in that language."""
    return {token: _read(directory, token, [token])[token] for token in language_tokens(world)}


def _read(directory: Path, trained_in: str, read_in: Sequence[str]) -> dict[str, Reading]:
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.predict import predict
    from bench.modeling.tokenization import load_tokenizer
    from bench.training.finetune import finetune

    phase = protocol("pocket").phase("target", "xnli")
    encoder, config = load_encoder(directory)
    tokenizer, train = load_tokenizer(directory), nli_split("xnli", "train", trained_in)
    head = new_head(config.hidden_size, len(train.labels), _SEED, "target", phase.pooling)
    select, _ = halve_by_group(nli_split("xnli", "validation", trained_in))
    finetune(encoder, head, tokenizer, train, select, phase, _SEED)
    tests = [nli_split("xnli", "test", token) for token in read_in]
    found, _ = predict(encoder, head, tokenizer, tests, phase.max_length)
    return {token: _reading(one.logits, one.labels) for token, one in zip(read_in, found, strict=True)}


def _reading(logits: np.ndarray, labels: np.ndarray) -> Reading:
    scores = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    confidence = (scores.max(axis=1) / scores.sum(axis=1)).mean()
    accuracy = (logits.argmax(axis=1) == labels).mean()
    return float(accuracy), float(confidence - accuracy)


def table(world: int, readings: Mapping[str, Mapping[str, Reading]]) -> list[str]:
    """Return a Markdown table: a line a language, a column an arm, each cell accuracy and gap in percent points."""
    head = ["language", "", *readings]
    rows = [head, ["---"] * len(head)]
    for token in language_tokens(world):
        rows.append([token, describe(token).role, *(_cell(arm[token]) for arm in readings.values())])
    return ["| " + " | ".join(row) + " |" for row in rows]


def _cell(reading: Reading) -> str:
    accuracy, gap = reading
    return f"{100 * accuracy:.1f} ({100 * gap:+.1f})"


def document(world: int, model: str, seconds: int, readings: Mapping[str, Mapping[str, Reading]]) -> str:
    """Return the page as Markdown."""
    return "\n".join(
        [
            "# Doses, control and bound",
            "",
            f"Written by `python -m bench.pretraining.arms --world {world} --model {model}`, one run of "
            f"{seconds // 60} minutes: `{model}` of world {world}, one pretraining run an arm, one "
            "fine-tuning seed, no intermediate task, 1,200 test items a language. Cells: accuracy and, in parentheses, "
            "the signed gap of confidence, percent points. The standard error of an accuracy is about 1.4 points.",
            "",
            *table(world, readings),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Pretrain, fine-tune and read every arm, and write the page; return 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.pretraining.arms", description=__doc__)
    parser.add_argument("--world", type=int, default=0)
    parser.add_argument("--model", default="pocket_l")
    parser.add_argument("--shipped", type=Path, default=Path("bench/assets/pocket"), help="models of dose 0")
    parser.add_argument("--work", type=Path, required=True, help="where the other arms' models are written")
    parser.add_argument("--output", type=Path, help="the page (default: docs/worlds/arms-w<world>.md)")
    options = parser.parse_args(arguments)
    started, world = time.perf_counter(), options.world
    shipped = options.shipped / f"w{world}"
    readings = {
        SHIPPED: read_zero_shot(shipped / options.model, world),
        BOUND: read_in_language(shipped / options.model, world),
    }
    for name, recipe in ARMS.items():
        output = options.work / name.replace(" ", "-")
        model = build(world, options.model, output, recipe, shipped / "tokenizer.json")
        readings[name] = read_zero_shot(model, world)
    page = document(world, options.model, round(time.perf_counter() - started), readings)
    output = options.output or Path(f"docs/worlds/arms-w{world}.md")
    output.write_text(page, encoding="utf-8")
    print(output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
