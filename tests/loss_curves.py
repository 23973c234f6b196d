"""That the faster loop learns the same: `python -m tests.loss_curves DIRECTORY [--train N --test N --seeds N ...]`.

Engine and transformers.Trainer (dependency group `peers`) fine-tune one model on XNLI English from the same weights and
head, on the same batches in the same order, in float32 and in bfloat16 mixed precision, with the settings of the
model's own protocol. Dropout is drawn by each in its own way, so curves agree but for that. Written to DIRECTORY:
loss.svg and loss.png, and loss.md with accuracy, ECE and NLL on the test set. Needs a mirror (CROSSCAL_MIRROR).
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from tabulate import tabulate
from torch import nn
from torch.utils.data import DataLoader

from bench.calibration.outcomes import outcomes_of
from bench.catalog.models import model
from bench.catalog.protocols import protocol
from bench.data.groups import limit_by_groups
from bench.data.mirror import mirrors_from_environment
from bench.data.real import load_real
from bench.data.sources import Access, locate_model
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.modeling.workload import workload
from bench.statistics.contrasts import contrast, estimates, resample
from bench.statistics.seeds import over_seeds
from bench.training.batches import mixed_batches
from bench.training.finetune import finetune
from bench.training.scope import dropout_rates
from tests.trainer_peer import Peer, TokenRows, trainer

# Title, factor and decimals of each. A difference of ECEs means little: there the squared debiased error stands for it.
METRICS = {
    "accuracy": ("accuracy (%)", 100, 1),
    "ece15": ("ECE (%)", 100, 1),
    "l2sq15": ("squared debiased L2 (1e-4)", 1e4, 0),
    "nll": ("NLL (nats)", 1, 3),
}
SIDES = ("engine", "Trainer")
DTYPES = ("float32", "bfloat16")
REPLICATES = 1000
# Okabe and Ito's black and orange, told apart in grey by their dashes.
STYLES = {"engine": ("#000000", "-"), "Trainer": ("#E69F00", "--")}


@dataclass(frozen=True)
class Work:
    """What both sides do: the model in `directory`, the texts, the phase, and where."""

    directory: Path
    layers: int | None
    train: object
    test: object
    phase: object
    device: str = "cpu"

    @property
    def steps(self):
        return self.phase.total_steps(len(self.train.examples))


@dataclass(frozen=True)
class Run:
    """One training: the loss of each step, and what the last weights say of the test set."""

    side: str
    dtype: str
    seed: int
    losses: list
    predictions: object


class Classifier(nn.Module):
    """Encoder and head of ours as Trainer takes a model."""

    def __init__(self, encoder, head):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, input_ids, attention_mask, token_type_ids, labels=None):
        taken = {"token_type_ids": token_type_ids} if self.encoder.config.type_vocab_size > 1 else {}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **taken).last_hidden_state
        logits = self.head(states, attention_mask)
        return {"loss": nn.functional.cross_entropy(logits.float(), labels), "logits": logits}


def started(work, seed):
    """Return encoder, head and tokenizer as both sides start."""
    encoder, config = load_encoder(work.directory, work.layers)
    head = new_head(config.hidden_size, len(work.train.labels), seed, work.phase.role, work.phase.pooling)
    return encoder, head, load_tokenizer(work.directory)


def by_engine(work, phase, seed):
    """Return the losses of our loop, and the encoder and head that it ends with."""
    encoder, head, tokenizer = started(work, seed)
    losses = []
    finetune(
        encoder, head, tokenizer, work.train, None, phase, seed, work.device, lambda step: losses.append(step.loss)
    )
    return losses, encoder, head, tokenizer


def by_trainer(work, phase, seed, directory):
    """Return the losses of Trainer on our batches, and the encoder and head that it ends with."""
    from transformers import Trainer

    encoder, head, tokenizer = started(work, seed)
    encoder.get_input_embeddings().weight.requires_grad_(not phase.freeze_embeddings)
    lengths = workload(tokenizer, work.train, phase.max_length).lengths
    drawn = mixed_batches([lengths], phase.batch_size, seed, phase.role)
    batches = [rows.tolist() for _, rows in islice(drawn, work.steps)]
    losses = []

    class InOurOrder(Trainer):
        def get_train_dataloader(self):
            return DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)

        def compute_loss(self, *arguments, **options):
            loss = super().compute_loss(*arguments, **options)
            losses.append(float(loss.detach()))
            return loss

    rows = TokenRows(tokenizer, work.train)
    own = trainer(
        Classifier(encoder, head), tokenizer, phase, work.steps, directory, work.device,
        Peer("Trainer", {"bf16": phase.autocast}), rows, InOurOrder, seed,
    )  # fmt: skip
    with dropout_rates([encoder, head], phase.dropout):
        own.train()
    return losses, encoder, head, tokenizer


def runs_of(work, seeds, directory):
    """Yield a Run for each dtype, seed and side."""
    for dtype in DTYPES:
        phase = replace(work.phase, autocast=dtype == "bfloat16")
        for seed in range(seeds):
            for side in SIDES:
                made = by_engine(work, phase, seed) if side == "engine" else by_trainer(work, phase, seed, directory)
                losses, encoder, head, tokenizer = made
                ((found,), _) = predict(
                    encoder, head, tokenizer, [work.test], phase.max_length, work.device, autocast=phase.autocast
                )
                yield Run(side, dtype, seed, losses, found)


def table(runs):
    """Return the Markdown of `runs`: a line a run with intervals over items, and the paired difference over seeds."""
    lines, pairs = [], defaultdict(dict)
    for run in runs:
        scored = resample(outcomes_of(run.predictions), REPLICATES, 0, metrics=list(METRICS))
        pairs[run.dtype, run.seed][run.side] = scored
        late = np.mean(run.losses[-max(1, len(run.losses) // 4) :])
        lines.append([run.dtype, run.seed, run.side, f"{late:.3f}", *_cells(estimates(scored))])
    for dtype in dict.fromkeys(run.dtype for run in runs):
        differences = [
            contrast([(1.0, sides["engine"]), (-1.0, sides["Trainer"])])
            for (its, _), sides in pairs.items()
            if its == dtype
        ]
        found = {name: each.estimate for name, each in over_seeds(differences).items()}
        lines.append([dtype, "mean", "engine − Trainer", "", *_cells(found)])
    headers = ["dtype", "seed", "side", "loss of the last quarter", *(title for title, _, _ in METRICS.values())]
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True) + "\n"


def _cells(found):
    return [_cell(found.get(name), scale, digits) for name, (_, scale, digits) in METRICS.items()]


def _cell(found, scale, digits):
    if found is None:
        return "–"
    value, low, high = (f"{scale * each:.{digits}f}" for each in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def draw(runs, path):
    """Draw the loss of every run, smoothed over a twentieth of its steps, a panel for each dtype."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    dtypes = list(dict.fromkeys(run.dtype for run in runs))
    with rc_context({"svg.hashsalt": "crosscal", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(4.5 * len(dtypes), 3.4), layout="constrained")
        for axes, dtype in zip(figure.subplots(1, len(dtypes), sharey=True, squeeze=False)[0], dtypes, strict=True):
            for run in (each for each in runs if each.dtype == dtype):
                color, dashes = STYLES[run.side]
                label = run.side if run.seed == 0 else None
                axes.plot(*smoothed(run.losses), color=color, linestyle=dashes, linewidth=1.2, label=label)
            axes.set_title(dtype, loc="left", fontsize=9)
            axes.set_xlabel("step")
            axes.grid(color="0.9", linewidth=0.6)
            axes.legend(frameon=False)
        figure.supylabel("training loss (nats), smoothed", fontsize=9)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else {})


def smoothed(losses):
    """Return steps and running means: each of a window of a twentieth of `losses`, at its middle."""
    window = max(1, len(losses) // 20)
    means = np.convolve(losses, np.ones(window) / window, mode="valid")
    return np.arange(len(means)) + 1 + (window - 1) / 2, means


def write(runs, directory, said):
    """Write figure and table of `runs` into `directory`."""
    for suffix in (".svg", ".png"):
        draw(runs, directory / f"loss{suffix}")
    (directory / "loss.md").write_text(f"# Loss curves\n\n{said}\n\n{table(runs)}", encoding="utf-8")


def work_of(options):
    """Return the work that the command line asks for."""
    access, spec = Access(mirrors_from_environment()), model(options.model)
    directory = locate_model(spec.hub_id, spec.revision, access).directory
    train, test = (
        limit_by_groups(load_real("xnli", name, "en", access), limit, f"xnli {name}")
        for name, limit in (("train", options.train), ("test", options.test))
    )
    phase = replace(protocol(spec.protocol).phase("target", "xnli"), epochs=options.epochs, dropout=options.dropout)
    return Work(directory, spec.layers or None, train, test, phase, options.device)


def main():
    """Train, predict, and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.loss_curves", description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--model", default="me5_small")
    parser.add_argument("--train", type=int, default=1440, help="training examples at most (default 1440)")
    parser.add_argument("--test", type=int, default=900, help="test examples at most (default 900)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--dropout", type=float, help="in place of the model's own rates; at 0 both sides are one")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    work = work_of(options)
    runs = []
    for run in runs_of(work, options.seeds, options.directory / "trainer"):
        runs.append(run)
        print(run.side, run.dtype, f"seed {run.seed}", f"last loss {run.losses[-1]:.3f}", flush=True)
    said = (
        f"{options.model} on XNLI English: {len(work.train.examples)} training examples, {options.epochs:g} epochs "
        f"({work.steps} steps of {work.phase.batch_size}), {len(work.test.examples)} test examples, "
        f"{'' if options.dropout is None else f'dropout {options.dropout:g}, '}on "
        f"{options.device}. Intervals of 95 %: of a run over items, of the difference over items and seeds."
    )
    write(runs, options.directory, said)


if __name__ == "__main__":
    main()
