"""One phase of fine-tuning, a plain loop: batch, loss, clip, step; read the select split; keep the best."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bench.data.example import Example, Split
from bench.errors import BadInput, TrainingFailed
from bench.modeling.encoder import Encoder
from bench.modeling.forward import batch_logits, check_fits
from bench.modeling.heads import Head
from bench.modeling.predict import budget_batches, predict_encoded
from bench.modeling.progress import Report, progress
from bench.modeling.tokenization import encode
from bench.training.batches import Rows, endless_batches
from bench.training.loss import summed_loss
from bench.training.optimizer import build_optimizer, set_rate
from bench.training.protocol import Phase
from bench.training.schedule import rate_factor
from bench.training.scope import dropout_rates, frozen, own_randomness
from bench.training.selection import Best, Evaluation, evaluation

_SELECT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class FinetuneReport:
    """What a phase did. `train_seconds` leaves out tokenization and the reading of the select split.

    `best_step` is the step whose weights were kept; `examples`, `tokens` and `padded_tokens` (padding included) are
    summed over steps; `truncated` counts training items that lost tokens; `history` holds each reading of the select
    split. `collapsed` says that the kept weights answer at chance (None without a select split).
    """

    steps: int
    best_step: int
    train_seconds: float
    examples: int
    tokens: int
    padded_tokens: int
    truncated: int
    history: tuple[Evaluation, ...]
    collapsed: bool | None


def finetune(
    encoder: Encoder,
    head: Head,
    tokenizer: Any,
    train: Split,
    select: Split | None,
    phase: Phase,
    seed: int,
    device: str = "cpu",
    report: Report | None = None,
) -> FinetuneReport:
    """Fine-tune `encoder` and `head` in place on `train` and leave them in eval mode with their best weights.

    On a CPU with a given number of threads equal arguments give equal bytes; torch's global random state is left as it
    was. Data order and dropout depend on (seed, role) alone. Raises TrainingFailed when the loss or its gradient is no
    finite number, BadInput for data that do not fit the head or the encoder.
    """
    check_fits(encoder, tokenizer, phase.max_length)
    chosen = None if select is None else select.examples[: phase.select_limit]
    _check_labels(head, train, train.examples)
    if select is not None and chosen is not None:
        _check_labels(head, select, chosen)
    where = torch.device(device)
    encoder.to(where)
    head.to(where)
    with ExitStack() as scope:
        scope.enter_context(own_randomness(where, seed, phase.role))
        scope.enter_context(dropout_rates([encoder, head], phase.dropout))
        scope.enter_context(frozen(encoder, phase))
        run = _Run(encoder, head, tokenizer, train.examples, chosen, phase, seed, where)
        run.go(report)
    return run.outcome()


@dataclass
class _Spent:
    seconds: float = 0.0
    examples: int = 0
    tokens: int = 0
    padded: int = 0


class _Run:
    """The state of a phase: with modules, optimizer, step, best and torch's random state, all that a resume needs."""

    def __init__(
        self,
        encoder: Encoder,
        head: Head,
        tokenizer: Any,
        train: Sequence[Example],
        select: Sequence[Example] | None,
        phase: Phase,
        seed: int,
        device: torch.device,
    ) -> None:
        self.encoder, self.head, self.phase, self.seed, self.device = encoder, head, phase, seed, device
        self.modules = [encoder, head]
        self.train, self.labels = encode(tokenizer, train, phase.max_length), _labels(train)
        self.select = None if select is None else encode(tokenizer, select, phase.max_length)
        self.select_labels = None if select is None else _labels(select)
        self.total = phase.total_steps(len(train))
        self.every = phase.evaluate_every or phase.steps_per_epoch(len(train))
        self.optimizer = build_optimizer(self.modules, phase)
        self.step = 0
        self.best = Best()
        self.history: list[Evaluation] = []
        self.spent = _Spent()

    def go(self, report: Report | None) -> None:
        batches = endless_batches(self.train.lengths, self.phase.batch_size, self.seed, self.phase.role, self.step)
        while self.step < self.total and not self._out_of_patience():
            start = time.perf_counter()
            loss = self._train_on(next(batches))
            self.spent.seconds += time.perf_counter() - start
            if report is not None:
                share = self.step / self.total
                report(progress(self.step, self.total, loss, self.spent.examples, self.spent.seconds, share))
            if self.step % self.every == 0 or self.step == self.total:
                self._evaluate()
        self.best.restore(self.modules)
        self.encoder.eval()
        self.head.eval()

    def outcome(self) -> FinetuneReport:
        best, spent = self.best.evaluation, self.spent
        return FinetuneReport(
            steps=self.step,
            best_step=self.step if best is None else best.step,
            train_seconds=spent.seconds,
            examples=spent.examples,
            tokens=spent.tokens,
            padded_tokens=spent.padded,
            truncated=int(self.train.truncated.sum()),
            history=tuple(self.history),
            collapsed=None if best is None else best.collapsed(self.head.classes),
        )

    def _train_on(self, rows: Rows) -> float:
        self.encoder.train()
        self.head.train()
        rate = self.phase.learning_rate * rate_factor(self.step, self.total, self.phase.warmup_fraction)
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        loss = sum(self._backward(part, len(rows)) for part in self._parts(rows))
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        norm = float(nn.utils.clip_grad_norm_(weights, self.phase.clip_norm))
        self._check_finite(loss, norm, rate)
        self.optimizer.step()
        self.step += 1
        return loss

    def _parts(self, rows: Rows) -> Iterator[Rows]:
        size = self.phase.micro_batch or len(rows)
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def _backward(self, rows: Rows, batch: int) -> float:
        """Add the part's share of the batch's mean loss to the gradients, each example weighing 1 / batch."""
        labels = torch.from_numpy(self.labels[rows]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.phase.autocast):
            logits = batch_logits(self.encoder, self.head, self.train, rows, self.device)
        share = summed_loss(logits.float(), labels, self.phase) / batch
        share.backward()  # type: ignore[no-untyped-call]
        lengths = self.train.lengths[rows]
        self.spent.examples += len(rows)
        self.spent.tokens += int(lengths.sum())
        self.spent.padded += len(rows) * int(lengths.max())
        return float(share.detach())

    def _check_finite(self, loss: float, norm: float, rate: float) -> None:
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingFailed(
                f"Got loss={loss} (gradient norm {norm}) at step {self.step + 1} of {self.total} of the "
                f"{self.phase.role} phase on {self.phase.task}, at learning rate {rate:.3g}; "
                f"lower learning_rate={self.phase.learning_rate:g} "
                f"or raise warmup_fraction={self.phase.warmup_fraction:g}."
            )

    def _evaluate(self) -> None:
        if self.select is None or self.select_labels is None:
            return
        batches = budget_batches(self.select.lengths, _SELECT_TOKENS)
        logits = predict_encoded(self.encoder, self.head, self.select, batches, str(self.device))
        self.history.append(evaluation(self.step, logits, self.select_labels))
        self.best.offer(self.history[-1], self.modules)

    def _out_of_patience(self) -> bool:
        return self.phase.patience is not None and self.best.since >= self.phase.patience


def _labels(examples: Sequence[Example]) -> npt.NDArray[np.int64]:
    return np.array([example.label for example in examples], dtype=np.int64)


def _check_labels(head: Head, split: Split, examples: Sequence[Example]) -> None:
    classes = head.classes
    if not examples:
        raise BadInput(f"Got no examples in split {split.name!r} ({split.language}); raise the limit that left none.")
    if classes != len(split.labels):
        raise BadInput(
            f"The head has {classes} classes, but split {split.name!r} has {len(split.labels)} labels "
            f"({', '.join(split.labels)}); make the head for this task."
        )
    for example in examples:
        if not 0 <= example.label < classes:
            raise BadInput(
                f"Got label={example.label} for item {example.item_id!r} of split {split.name!r}, "
                f"but its labels are 0 to {classes - 1}; leave unlabelled items out."
            )
