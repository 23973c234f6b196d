"""One phase of fine-tuning, a plain loop: batch, loss, clip, step; read the select split; keep the best."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from bench.data.example import Split
from bench.errors import TrainingFailed
from bench.modeling import memory
from bench.modeling.answers import predictions_of
from bench.modeling.dropout import fast_dropout
from bench.modeling.encoder import Encoder
from bench.modeling.forward import check_fits, hidden_states, read_by
from bench.modeling.heads import Head
from bench.modeling.packing import packs
from bench.modeling.predict import Reading, budget_batches, predict_rows
from bench.modeling.progress import Report, progress
from bench.modeling.workload import Kept, Workload, anew, workload
from bench.scores.answers import Rule
from bench.training.batches import Rows, mixed_batches
from bench.training.beside import MaskedTexts
from bench.training.labels import check_labels
from bench.training.loss import summed_loss
from bench.training.optimizer import (
    build_optimizer,
    decay_until,
    optimizer_tensors,
    rate_at,
    set_optimizer_tensors,
    set_rate,
)
from bench.training.protocol import Phase
from bench.training.report import FinetuneReport, Spent
from bench.training.scope import dropout_rates, frozen, own_randomness
from bench.training.selection import Best, Evaluation, evaluation, training_weights
from bench.training.snapshot import Snapshots, in_order, numbered, random_state, set_random_state
from bench.training.trajectory import Trajectory
from bench.training.vocabulary import Trimming, trimmed

_SELECT_TOKENS = 4096


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
    kept: Kept = anew,
    trajectory: Trajectory | None = None,
) -> FinetuneReport:
    """Fine-tune `encoder` and `head` in place on `train` and leave them in eval mode with their best weights.

    `others` are further tasks, of which one is drawn for each step; `beside` are texts whose masked tokens are named
    beside the task; `rule` says how answers of the select split are compared. With `snapshots` the state is kept now
    and then, and the newest one is where the run begins: it ends as if it had never stopped. `kept` is where token rows
    come from (bench.modeling.workload). `trajectory` reads the model on its way, with the weights of the step and not
    the best so far, which changes nothing about where it ends; a snapshot that lies beyond a step which has to be read
    is left alone, and the run starts anew. On a CPU with a given number of threads equal arguments give equal bytes;
    torch's global random state is left as it was. Data order and dropout depend on (seed, role) alone. Raises
    TrainingFailed when the loss or its gradient is no finite number, or memory does not hold one example, and BadInput
    for data that do not fit the head or the encoder.
    """
    check_fits(encoder, tokenizer, phase.max_length)
    chosen = None if select is None else replace(select, examples=select.examples[: phase.select_limit])
    for split, its_head in [(train, head), *((part.train, part.head) for part in others)]:
        check_labels(its_head, split)
    if chosen is not None:
        check_labels(head, chosen)
    where = torch.device(device)
    modules = [encoder, head, *(part.head for part in others), *([] if beside is None else [beside.head])]
    trained = (train, *(part.train for part in others))
    work = [workload(tokenizer, split, phase.max_length, kept) for split in trained]
    reading = None if chosen is None else workload(tokenizer, chosen, phase.max_length)
    memory.reset_peak(where)
    with ExitStack() as scope:
        scope.enter_context(own_randomness(where, seed, phase.role))
        scope.enter_context(dropout_rates(modules, phase.dropout))
        scope.enter_context(fast_dropout(modules, where))
        scope.enter_context(frozen(encoder, phase))
        words = scope.enter_context(_vocabulary(encoder, work, reading, beside))
        for module in modules:
            module.to(where)
        heads = [head, *(part.head for part in others)]
        parts = [_Part(words.renumbered(each), its) for each, its in zip(work, heads, strict=True)]
        selection = None if chosen is None or reading is None else _Selection(chosen, words.renumbered(reading))
        run = _Run(encoder, parts, modules, selection, phase, seed, where, beside, rule)
        run.go(report, snapshots, trajectory, words)
        words.decay = run.decay(run.kept_step)
        return run.outcome()


def _vocabulary(
    encoder: Encoder, work: Sequence[Workload], reading: Workload | None, beside: MaskedTexts | None
) -> AbstractContextManager[Trimming]:
    if not _is_trimmable(beside):
        return nullcontext(Trimming(None))
    return trimmed(encoder, [each.encoded for each in (*work, *([] if reading is None else [reading]))])


def _is_trimmable(beside: MaskedTexts | None) -> bool:
    """Return whether word embeddings can be left out: not where masked tokens are named, for which all are read."""
    return beside is None


@dataclass(frozen=True)
class _Part:
    work: Workload
    head: Head


@dataclass(frozen=True)
class _Selection:
    split: Split
    work: Workload


class _Run:
    """The state of a phase: with modules, optimizer, step, best and torch's random state, all that a resume needs."""

    def __init__(
        self,
        encoder: Encoder,
        parts: Sequence[_Part],
        modules: Sequence[nn.Module],
        select: _Selection | None,
        phase: Phase,
        seed: int,
        device: torch.device,
        beside: MaskedTexts | None,
        rule: Rule,
    ) -> None:
        self.encoder, self.phase, self.seed, self.device = encoder, phase, seed, device
        self.modules, self.beside, self.rule = modules, beside, rule
        self.parts, self.select = parts, select
        self.examples = sum(len(part.work) for part in parts)
        self.total = phase.total_steps(self.examples)
        self.every = phase.evaluate_every or phase.steps_per_epoch(self.examples)
        self.optimizer = build_optimizer(self.modules, phase)
        self.step = 0
        self.best = Best()
        self.history: list[Evaluation] = []
        self.spent = Spent()
        self.attention = "padded"
        self.resumed_at: tuple[int, ...] = ()

    def go(
        self, report: Report | None, snapshots: Snapshots | None, trajectory: Trajectory | None, words: Trimming
    ) -> None:
        found = None if snapshots is None else snapshots.latest()
        if found is not None and (trajectory is None or trajectory.goes_on_from(found[1]["step"])):
            self._resume(*found)
        drawn = mixed_batches(
            [part.work.lengths for part in self.parts], self.phase.batch_size, self.seed, self.phase.role,
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
            if trajectory is not None and self.step in trajectory.planned:
                self._look(trajectory, words)
            # After the reading: whoever goes on from here does not come by again.
            if snapshots is not None and snapshots.due():
                snapshots.save(self.step, self._tensors(), self._facts())
        if trajectory is not None and self.step not in trajectory.planned:
            self._look(trajectory, words)
        self.best.restore(self.modules)
        for module in self.modules:
            module.eval()

    def _look(self, trajectory: Trajectory, words: Trimming) -> None:
        with words.whole(self.decay(self.step)):
            trajectory.read(self.step, self.spent.examples)

    def outcome(self) -> FinetuneReport:
        best, spent = self.best.evaluation, self.spent
        return FinetuneReport(
            steps=self.step,
            best_step=self.kept_step,
            train_seconds=spent.seconds,
            examples=spent.examples,
            tokens=spent.tokens,
            padded_tokens=spent.padded,
            truncated=sum(int(part.work.truncated.sum()) for part in self.parts),
            history=tuple(self.history),
            collapsed=None if best is None else best.collapsed(self.parts[0].head.classes),
            attention=self.attention,
            vocabulary=len(self.encoder.get_input_embeddings().weight),
            peak_bytes=memory.peak_bytes(self.device),
            micro_batch=spent.micro_batch,
            resumed_at=self.resumed_at,
        )

    @property
    def kept_step(self) -> int:
        """The step whose weights are kept."""
        return self.step if self.best.evaluation is None else self.best.evaluation.step

    def decay(self, step: int) -> float:
        """Return what weight decay has left at `step` of embeddings that take no part."""
        if self.phase.freeze_embeddings or self.phase.frozen_layers:
            return 1.0
        return decay_until(self.phase, step, self.total)

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
        self.spent = Spent(**facts["spent"])
        self.step = facts["step"]
        self.resumed_at = (*facts["resumed_at"], self.step)

    def _train_on(self, part: int, items: Rows) -> float:
        for module in self.modules:
            module.train()
        rate = rate_at(self.phase, self.step, self.total)
        set_rate(self.optimizer, rate)
        loss = self._gradients(self.parts[part], items)
        if self.beside is not None:
            loss += self.beside.backward(self.encoder, self.step, self.device)
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        norm = float(nn.utils.clip_grad_norm_(weights, self.phase.clip_norm))
        self._check_finite(loss, norm, rate)
        self.optimizer.step()
        self.step += 1
        return loss

    def _gradients(self, part: _Part, items: Rows) -> float:
        """Set the gradients of the batch's mean loss and return it, in ever smaller passes until memory suffices."""
        drawn = random_state(self.device)
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            size = min(filter(None, (self.phase.micro_batch, self.spent.micro_batch, len(items))))
            try:
                loss = sum(self._backward(part, few, items) for few in _pieces(items, size))
            except RuntimeError as error:
                if not memory.is_out_of_memory(error):
                    raise
                if size == 1:
                    raise TrainingFailed(self._no_memory(part, items)) from error
                self.spent.micro_batch = -(-size // 2)
            else:
                self._count(part.work, items, size)
                return loss
            # Outside of the handler, whose traceback holds on to the pass that failed.
            self.optimizer.zero_grad(set_to_none=True)
            memory.release(self.device)
            set_random_state(self.device, drawn)

    def _backward(self, part: _Part, few: Rows, items: Rows) -> float:
        """Add the share of `few` in the mean loss of `items` to the gradients: each term weighs 1 / terms."""
        work, head = part.work, part.head
        targets = torch.from_numpy(work.targets(few)).to(self.device)
        with read_by(self.device, self.phase.autocast):
            self.attention = "packed" if packs(self.encoder, self.device) else "padded"
            aggregated = head.aggregation is not None
            states, mask = hidden_states(self.encoder, work.encoded, work.rows(few), self.device, aggregated)
        read = [layer.float() for layer in states]
        chosen = read[-1] if head.aggregation is None else head.aggregation(read)
        scores = work.scores(head, chosen, mask, few)
        share = summed_loss(scores, targets, self.phase) / max(1, len(work.targets(items)))
        share.backward()  # type: ignore[no-untyped-call]
        return float(share.detach())

    def _count(self, work: Workload, items: Rows, size: int) -> None:
        lengths = [work.encoded.lengths[work.rows(few)] for few in _pieces(items, size)]
        tokens = sum(int(each.sum()) for each in lengths)
        self.spent.examples += len(items)
        self.spent.tokens += tokens
        is_packed = self.attention == "packed"
        self.spent.padded += tokens if is_packed else sum(len(each) * int(each.max()) for each in lengths)

    def _no_memory(self, part: _Part, items: Rows) -> str:
        longest = int(part.work.encoded.lengths[part.work.rows(items)].max())
        return (
            f"Got no memory on {self.device} for a single example of {longest} tokens at step {self.step + 1} of the "
            f"{self.phase.role} phase on {self.phase.task}; lower max_length={self.phase.max_length} or take a smaller "
            "model."
        )

    def _check_finite(self, loss: float, norm: float, rate: float) -> None:
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingFailed(
                f"Got loss={loss} (gradient norm {norm}) at step {self.step + 1} of {self.total} of the "
                f"{self.phase.role} phase on {self.phase.task}, at learning rate {rate:.3g}; "
                f"lower learning_rate={self.phase.learning_rate:g} "
                f"or raise warmup_fraction={self.phase.warmup_fraction:g}."
            )

    def _evaluate(self) -> None:
        if self.select is None:
            return
        work, reading = self.select.work, Reading(str(self.device), self.phase.autocast)
        batches = budget_batches(work.encoded.lengths, _SELECT_TOKENS)
        (outputs,) = predict_rows(self.encoder, self.parts[0].head, [work], batches, reading)
        predictions = predictions_of(self.select.split, work, outputs, self.rule)
        self.history.append(evaluation(self.step, predictions))
        self.best.offer(self.history[-1], self.modules)

    def _out_of_patience(self) -> bool:
        return self.phase.patience is not None and self.best.since >= self.phase.patience


def _pieces(items: Rows, size: int) -> Iterator[Rows]:
    return (items[start : start + size] for start in range(0, len(items), size))
