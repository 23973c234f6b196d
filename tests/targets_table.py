"""The table of targets in docs/worlds.md: `python -m tests.targets_table [MODEL]` trains, reads and writes it again.

For each trained target of world 0: what a model trained in the source language gets there, with the lower end of its
95 % interval over items, beside the baseline; what it gets zero-shot in two languages; and what it gets when it is
trained in each of these languages itself, which bounds what transfer could reach. Protocol pocket, seed 0, no
intermediate task.
"""

import sys
from pathlib import Path

from bench.baseline import baseline_of
from bench.catalog import tasks
from bench.catalog.models import shipped_pocket_directory
from bench.catalog.protocols import protocol
from bench.data.artificial import artificial_split
from bench.data.groups import halve_by_group
from bench.scores.tally import task_scores
from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "worlds.md"
BEGIN, END = "<!-- targets: python -m tests.targets_table -->\n", "<!-- end of targets -->\n"
MODEL, SOURCE, OTHERS = "pocket_xs", "w0_src", ("w0_iso", "w0_agg")
SEED = 0


def trained_and_read(model, target, trained_in, read_in):
    """Fine-tune in one language and return {language: (score with interval, baseline)}."""
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.predict import predict
    from bench.modeling.tokenization import load_tokenizer
    from bench.training.finetune import finetune

    directory = shipped_pocket_directory(0) / model
    phase = protocol("pocket").phase("target", target)
    (encoder, config), tokenizer = load_encoder(directory), load_tokenizer(directory)
    train = artificial_split(target, "train", trained_in)
    select, _ = halve_by_group(artificial_split(target, "validation", trained_in))
    head = new_head(config.hidden_size, len(train.labels), SEED, "target", phase.pooling, train.kind)
    finetune(encoder, head, tokenizer, train, select, phase, SEED)
    tests = [artificial_split(target, "test", language) for language in read_in]
    found, _ = predict(encoder, head, tokenizer, tests, phase.max_length)
    return {
        split.language: (next(iter(task_scores(each).values())).estimate(), baseline_of(split, each))
        for split, each in zip(tests, found, strict=True)
    }


def row(model, target):
    """Return the cells of one target."""
    zero_shot = trained_and_read(model, target, SOURCE, (SOURCE, *OTHERS))
    source, baseline = zero_shot[SOURCE]
    reached = f"{100 * source.value:.1f} ({100 * source.low:.1f})"
    cells = [target, baseline.score, f"{100 * baseline.value:.1f}", reached]
    for language in OTHERS:
        bound, _ = trained_and_read(model, target, language, (language,))[language]
        transferred, its_baseline = zero_shot[language]
        cells += [f"{100 * each.value:.1f}" for each in (its_baseline, transferred, bound)]
    return cells


def table(rows):
    """Return the Markdown table of `rows`."""
    head = ["target", "score", "baseline", "source (lower end)"]
    for language in OTHERS:
        code = language.partition("_")[2]
        head += [f"{code} baseline", "zero-shot", "trained in it"]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main(model=MODEL):
    """Write the table into the page."""
    rows = [row(model, task.token) for task in tasks.TARGETS if task.trains]
    said = f"`{model}` of world 0, protocol pocket, seed 0, in percent; intervals are over items.\n\n"
    PAGE.write_text(with_part(PAGE.read_text(encoding="utf-8"), BEGIN, END, said + table(rows)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
