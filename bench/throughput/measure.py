"""One round of training or prediction, timed by synchronised steps, and what it comes to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from bench.modeling.progress import Progress
from bench.store.provenance import collect, cpu_features
from bench.throughput.flops import FORMULA, Lengths, prediction_flops, training_flops
from bench.throughput.subject import Subject, repeated
from bench.throughput.texts import LONGEST
from bench.training.protocol import Phase

SEED = 0
BATCH = 32
TRAIN = "train step"


@dataclass(frozen=True, slots=True)
class Round:
    """One round: `seconds` for `examples` of `tokens` real tokens, which need `flops` operations.

    `share` is the real tokens' of all positions computed. `vocabulary` as in FinetuneReport, None for a prediction.
    """

    seconds: float
    examples: int
    tokens: int
    flops: float
    share: float
    peak_bytes: int
    attention: str
    vocabulary: int | None = None


def phase_of(dtype: str, steps: int) -> Phase:
    """Return the phase that is timed: batches of 32, everything trains, the model's own dropout."""
    return Phase(
        role="target", task="xnli", max_steps=steps, batch_size=BATCH, max_length=LONGEST, autocast=dtype == "bfloat16"
    )


def train_round(subject: Subject, phase: Phase, device: str) -> Round:
    """Train all steps of `phase`, and time those after the first, in which moments are made and memory is got."""
    from bench.modeling.peak import synchronise
    from bench.training.finetune import finetune

    ticks = []

    def tick(_: Progress) -> None:
        synchronise(device)
        ticks.append(time.perf_counter())

    report = finetune(
        subject.encoder, subject.head, subject.tokenizer, subject.train, None, phase, SEED, device, tick,
        kept=subject.kept,
    )  # fmt: skip
    lengths = np.concatenate(step_lengths(subject, phase)[1:])
    return Round(
        ticks[-1] - ticks[0], len(lengths), int(lengths.sum()), training_flops(subject.shape, lengths),
        report.tokens / report.padded_tokens, report.peak_bytes, report.attention, report.vocabulary,
    )  # fmt: skip


def step_lengths(subject: Subject, phase: Phase) -> list[Lengths]:
    """Return the lengths of the texts of each step of `phase`."""
    from bench.modeling.workload import workload
    from bench.training.batches import mixed_batches

    lengths = workload(subject.tokenizer, subject.train, phase.max_length, subject.kept).lengths
    drawn = mixed_batches([lengths], phase.batch_size, SEED, phase.role)
    return [lengths[rows] for _, rows in islice(drawn, phase.total_steps(len(lengths)))]


def predict_round(subject: Subject, phase: Phase, device: str, examples: int) -> Round:
    """Predict `examples` texts and time the model's own part."""
    from bench.modeling.predict import predict
    from bench.modeling.workload import workload

    split = repeated(subject.train, examples)
    _, report = predict(
        subject.encoder, subject.head, subject.tokenizer, [split], phase.max_length, device,
        autocast=phase.autocast, kept=subject.kept,
    )  # fmt: skip
    lengths = workload(subject.tokenizer, split, phase.max_length, subject.kept).lengths
    return Round(
        report.seconds, examples, report.tokens, prediction_flops(subject.shape, lengths),
        report.tokens / report.padded_tokens, report.peak_bytes, report.attention,
    )  # fmt: skip


def summary(subject: Subject, rounds: Sequence[Round], what: str, dtype: str, device: str) -> dict[str, Any]:
    """Return what `rounds` come to, as plain values: medians over rounds, and each round's rate."""
    from bench.modeling.peak import product_peak

    rates = [each.tokens / each.seconds for each in rounds]
    peak = product_peak(device, dtype)
    last = rounds[-1]
    return setting(subject, what, dtype, device) | {
        "batch": BATCH if what == TRAIN else None,
        "tokens_per_s": statistics.median(rates),
        "rates": rates,
        "examples_per_s": statistics.median(each.examples / each.seconds for each in rounds),
        "token_share": last.share,
        "utilisation": statistics.median(each.flops / each.seconds for each in rounds) / peak,
        "flops": FORMULA,
        "product_peak": peak,
        "body_parameters": subject.shape.body,
        "vocabulary": last.vocabulary,
        "attention": last.attention,
        "peak_memory": {"bytes": max(each.peak_bytes for each in rounds), "is": memory_word(device)},
    }


def setting(subject: Subject, what: str, dtype: str, device: str) -> dict[str, Any]:
    """Return what a case was about and where it ran, as plain values."""
    here = collect(device)
    return {
        "what": what,
        "model": subject.spec.token,
        "weights": subject.weights,
        "text": subject.text,
        "dtype": dtype,
        "device": here["device"],
        "processor": here["processor"],
        "cpu_features": list(cpu_features()),
        "threads": here["threads"],
        "libraries": {name: here["libraries"][name] for name in ("torch", "transformers")},
        "digests": subject.digests,
    }


def memory_word(device: str) -> str:
    """Return what the peak of memory on `device` is: of torch's own on a GPU, of the process so far on a CPU."""
    return "max_memory_allocated" if device.startswith("cuda") else "ru_maxrss of the process so far"
