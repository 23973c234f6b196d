"""One phase of fine-tuning, a plain loop: batch, loss, clip, step; read the select split; keep the best."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from bench.data.example import MULTIPLE_CHOICE, SPAN, Split, TaggedSentence
from bench.errors import BadInput, TrainingFailed
from bench.modeling.answers import predictions_of
from bench.modeling.encoder import Encoder
from bench.modeling.forward import check_fits, hidden_states
from bench.modeling.heads import Head
from bench.modeling.predict import budget_batches, predict_rows
from bench.modeling.progress import Report, progress
from bench.modeling.workload import workload
from bench.scores.answers import Rule
from bench.training.batches import Rows, mixed_batches
from bench.training.beside import MaskedTexts
from bench.training.loss import summed_loss
from bench.training.optimizer import build_optimizer, optimizer_tensors, set_optimizer_tensors, set_rate
from bench.training.protocol import Phase
from bench.training.schedule import rate_factor
from bench.training.scope import dropout_rates, frozen, own_randomness
from bench.training.selection import Best, Evaluation, evaluation, training_weights
from bench.training.snapshot import Snapshots, in_order, numbered, random_state, set_random_state

_SELECT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class FinetuneReport:
    """What a phase did. `train_seconds` leaves out tokenization and the reading of the select split.

    `best_step` is the step whose weights were kept; `examples`, `tokens` and `padded_tokens` (padding included) are
    summed over steps; `truncated` counts training items that lost tokens; `history` holds each reading of the select
    split. `collapsed` says that the kept weights answer at chance (None without a select split). `resumed_at` are the
    steps at which an interrupted run went on; what was done twice is counted and timed once.
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
    resumed_at: tuple[int, ...] = ()


@dataclass(frozen=True)
class Part:
    """One task of several: its examples, and the head that answers them."""

    train: Split
    head: Head


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
    others: Sequence[Part] = (),
    beside: MaskedTexts | None = None,
    rule: Rule = "squad",
    snapshots: Snapshots | None = None,
) -> FinetuneReport:
    """Fine-tune `encoder` and `head` in place on `train` and leave them in eval mode with their best weights.

    `others` are further tasks, of which one is drawn for each step; `beside` are texts whose masked tokens are named
    beside the task; `rule` says how answers of the select split are compared. With `snapshots` the state is kept now
    and then, and the newest one is where the run begins: it ends as if it had never stopped. On a CPU with a given
    number of threads equal arguments give equal bytes; torch's global random state is left as it was. Data order and
    dropout depend on (seed, role) alone. Raises TrainingFailed when the loss or its gradient is no finite number,
    BadInput for data that do not fit the head or the encoder.
    """
    check_fits(encoder, tokenizer, phase.max_length)
    chosen = None if select is None else replace(select, examples=select.examples[: phase.select_limit])
    for split, its_head in [(train, head), *((part.train, part.head) for part in others)]:
        _check_labels(its_head, split)
    if chosen is not None:
        _check_labels(head, chosen)
    where = torch.device(device)
    modules = [encoder, head, *(part.head for part in others), *([] if beside is None else [beside.head])]
    for module in modules:
        module.to(where)
    with ExitStack() as scope:
        scope.enter_context(own_randomness(where, seed, phase.role))
        scope.enter_context(dropout_rates(modules, phase.dropout))
        scope.enter_context(frozen(encoder, phase))
        parts = [Part(train, head), *others]
        run = _Run(encoder, parts, modules, tokenizer, chosen, phase, seed, where, beside, rule)
        run.go(report, snapshots)
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
        parts: Sequence[Part],
        modules: Sequence[nn.Module],
        tokenizer: Any,
        select: Split | None,
        phase: Phase,
        seed: int,
        device: torch.device,
        beside: MaskedTexts | None,
        rule: Rule,
    ) -> None:
        self.encoder, self.phase, self.seed, self.device = encoder, phase, seed, device
        self.modules, self.beside, self.rule = modules, beside, rule
        self.heads = [part.head for part in parts]
        self.work = [workload(tokenizer, part.train, phase.max_length) for part in parts]
        self.select = select
        self.select_work = None if select is None else workload(tokenizer, select, phase.max_length)
        self.examples = sum(map(len, self.work))
        self.total = phase.total_steps(self.examples)
        self.every = phase.evaluate_every or phase.steps_per_epoch(self.examples)
        self.optimizer = build_optimizer(self.modules, phase)
        self.step = 0
        self.best = Best()
        self.history: list[Evaluation] = []
        self.spent = _Spent()
        self.resumed_at: tuple[int, ...] = ()

    def go(self, report: Report | None, snapshots: Snapshots | None) -> None:
        if snapshots is not None and (found := snapshots.latest()) is not None:
            self._resume(*found)
        drawn = mixed_batches(
            [work.lengths for work in self.work], self.phase.batch_size, self.seed, self.phase.role,
            self.phase.mixing_temperature,
        )  # fmt: skip
        batches = islice(drawn, self.step, None)
        while self.step < self.total and not self._out_of_patience():
            start = time.perf_counter()
            loss = self._train_on(*next(batches))
            self.spent.seconds += time.perf_counter() - start
            if report is not None:
                share = self.step / self.total
                report(progress(self.step, self.total, loss, self.spent.examples, self.spent.seconds, share))
            if self.step % self.every == 0 or self.step == self.total:
                self._evaluate()
            if snapshots is not None and snapshots.due():
                snapshots.save(self.step, self._tensors(), self._facts())
        self.best.restore(self.modules)
        for module in self.modules:
            module.eval()

    def outcome(self) -> FinetuneReport:
        best, spent = self.best.evaluation, self.spent
        return FinetuneReport(
            steps=self.step,
            best_step=self.step if best is None else best.step,
            train_seconds=spent.seconds,
            examples=spent.examples,
            tokens=spent.tokens,
            padded_tokens=spent.padded,
            truncated=sum(int(work.truncated.sum()) for work in self.work),
            history=tuple(self.history),
            collapsed=None if best is None else best.collapsed(self.heads[0].classes),
            resumed_at=self.resumed_at,
        )

    def _tensors(self) -> dict[str, Tensor]:
        weights = numbered("weights", training_weights(self.modules))
        moments = optimizer_tensors(self.optimizer)
        return {**weights, **numbered("best", self.best.weights), **moments, **random_state(self.device)}

    def _facts(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "history": [asdict(each) for each in self.history],
            "best": None if self.best.evaluation is None else asdict(self.best.evaluation),
            "since": self.best.since,
            "spent": asdict(self.spent),
            "resumed_at": self.resumed_at,
        }

    def _resume(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Put back what `_tensors` and `_facts` returned."""
        with torch.no_grad():
            for weight, kept in zip(training_weights(self.modules), in_order("weights", tensors), strict=True):
                weight.copy_(kept)
        set_optimizer_tensors(self.optimizer, tensors)
        set_random_state(self.device, tensors)
        chosen = None if facts["best"] is None else Evaluation(**facts["best"])
        self.best = Best(chosen, facts["since"], in_order("best", tensors))
        self.history = [Evaluation(**each) for each in facts["history"]]
        self.spent = _Spent(**facts["spent"])
        self.step = facts["step"]
        self.resumed_at = (*facts["resumed_at"], self.step)

    def _train_on(self, part: int, items: Rows) -> float:
        for module in self.modules:
            module.train()
        rate = self.phase.learning_rate * rate_factor(self.step, self.total, self.phase.warmup(self.total))
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        terms = max(1, len(self.work[part].targets(items)))
        loss = sum(self._backward(part, few, terms) for few in self._parts(items))
        if self.beside is not None:
            loss += self.beside.backward(self.encoder, self.step, self.device)
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        norm = float(nn.utils.clip_grad_norm_(weights, self.phase.clip_norm))
        self._check_finite(loss, norm, rate)
        self.optimizer.step()
        self.step += 1
        return loss

    def _parts(self, items: Rows) -> Iterator[Rows]:
        size = self.phase.micro_batch or len(items)
        return (items[start : start + size] for start in range(0, len(items), size))

    def _backward(self, part: int, items: Rows, terms: int) -> float:
        """Add the items' share of the batch's mean loss to the gradients, each term weighing 1 / terms."""
        work, head = self.work[part], self.heads[part]
        rows = work.rows(items)
        targets = torch.from_numpy(work.targets(items)).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.phase.autocast):
            aggregated = head.aggregation is not None
            states, mask = hidden_states(self.encoder, work.encoded, rows, self.device, aggregated)
            chosen = states[-1] if head.aggregation is None else head.aggregation(states)
            scores = work.scores(head, chosen, mask, items)
        share = summed_loss(scores.float(), targets, self.phase) / terms
        share.backward()  # type: ignore[no-untyped-call]
        lengths = work.encoded.lengths[rows]
        self.spent.examples += len(items)
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
        if self.select is None or self.select_work is None:
            return
        batches = budget_batches(self.select_work.encoded.lengths, _SELECT_TOKENS)
        (outputs,) = predict_rows(self.encoder, self.heads[0], [self.select_work], batches, str(self.device))
        predictions = predictions_of(self.select, self.select_work, outputs, self.rule)
        self.history.append(evaluation(self.step, predictions))
        self.best.offer(self.history[-1], self.modules)

    def _out_of_patience(self) -> bool:
        return self.phase.patience is not None and self.best.since >= self.phase.patience


def _check_labels(head: Head, split: Split) -> None:
    if not split.examples:
        raise BadInput(f"Got no examples in split {split.name!r} ({split.language}); raise the limit that left none.")
    if split.kind == SPAN:
        return
    if split.kind != MULTIPLE_CHOICE and head.classes != len(split.labels):
        raise BadInput(
            f"The head has {head.classes} classes, but split {split.name!r} has {len(split.labels)} labels "
            f"({', '.join(split.labels)}); make the head for this task."
        )
    for example in split.examples:
        for label in _labels(example):
            if not 0 <= label < head.classes:
                raise BadInput(
                    f"Got label={label} for item {example.item_id!r} of split {split.name!r}, "
                    f"but its labels are 0 to {head.classes - 1}; leave unlabelled items out."
                )


def _labels(example: Any) -> tuple[int, ...]:
    return example.tags if isinstance(example, TaggedSentence) else (example.label,)
