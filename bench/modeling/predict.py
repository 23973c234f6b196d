"""Prediction: every language of a target in one stream of token rows sorted by length."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.data.example import Split
from bench.errors import BadInput, TrainingFailed
from bench.modeling import memory
from bench.modeling.answers import predictions_of
from bench.modeling.encoder import Encoder
from bench.modeling.forward import check_fits, hidden_states, read_by
from bench.modeling.heads import Head, masked_mean
from bench.modeling.packing import packs
from bench.modeling.progress import Report, progress
from bench.modeling.tokenization import Encoded, concatenate, encode_texts
from bench.modeling.workload import Kept, Row, Workload, anew, workload
from bench.predictions import Predictions
from bench.scores.answers import Rule

# Positions of one batch. With a quarter of them a CPU takes a few percent longer. A batch of a GPU keeps it busy; where
# memory does not hold it, it is read in halves.
_CPU_TOKENS, _GPU_TOKENS = 4096, 65_536

# Reads what is to be kept of each token row, given states, mask and the numbers of the rows.
Read = Callable[[tuple[Tensor, ...], Tensor, npt.NDArray[np.int64]], list[Row]]


@dataclass(frozen=True, slots=True)
class PredictReport:
    """Cost of a prediction: `tokens` are real ones, `padded_tokens` all positions computed, `seconds` the model's own.

    `truncated` counts the shortened items of each split, in the order the splits were given. `attention` is "packed" or
    "padded"; `halved` counts the batches that memory did not hold; `peak_bytes` as in bench.modeling.memory.
    """

    seconds: float
    examples: int
    tokens: int
    padded_tokens: int
    truncated: tuple[int, ...]
    attention: str
    halved: int
    peak_bytes: int


@dataclass
class Reading:
    """Where and how token rows are read, and what it has taken so far."""

    device: str = "cpu"
    autocast: bool = False
    seconds: float = 0.0
    passes: int = 0
    positions: int = 0
    halved: int = 0
    attention: str = "padded"

    @property
    def where(self) -> torch.device:
        """The device."""
        return torch.device(self.device)

    def report(self, examples: int, encoded: Encoded, truncated: tuple[int, ...]) -> PredictReport:
        """Return the cost of reading `encoded`."""
        return PredictReport(
            self.seconds, examples, len(encoded.ids), self.positions, truncated, self.attention, self.halved,
            memory.peak_bytes(self.where),
        )  # fmt: skip


def predict(
    encoder: Encoder,
    head: Head,
    tokenizer: Any,
    splits: Sequence[Split],
    max_length: int,
    device: str = "cpu",
    token_budget: int | None = None,
    report: Report | None = None,
    rule: Rule = "squad",
    autocast: bool = False,
    kept: Kept = anew,
) -> tuple[list[Predictions], PredictReport]:
    """Return the predictions for each of `splits`, rows in the split's own order, and the cost.

    `token_budget` bounds the positions of one batch (None: what suits the device); it changes logits by rounding only,
    and so do the halves of a batch that memory does not hold. `rule` says how answers to questions are compared
    (bench.scores.answers). With `autocast` the encoder reads in bfloat16 mixed precision, the head in float32. `kept`
    is where token rows come from (bench.modeling.workload). Raises
    TrainingFailed when the checkpoint gives logits that are not finite, BadInput for splits or lengths that do not fit.
    """
    if not splits:
        raise BadInput("Got no splits, but a prediction needs at least 1; name a language.")
    check_fits(encoder, tokenizer, max_length)
    parts = [workload(tokenizer, split, max_length, kept) for split in splits]
    stream = concatenate([part.encoded for part in parts])
    reading = Reading(device, autocast)
    batches = _batches(parts, _token_budget(device) if token_budget is None else token_budget)
    outputs = predict_rows(encoder, head, parts, batches, reading, report)
    cost = reading.report(
        sum(len(split.examples) for split in splits), stream, tuple(int(part.truncated.sum()) for part in parts)
    )
    return [
        predictions_of(split, part, rows, rule) for split, part, rows in zip(splits, parts, outputs, strict=True)
    ], cost


def predict_rows(
    encoder: Encoder,
    head: Head,
    parts: Sequence[Workload],
    batches: Sequence[npt.NDArray[np.int64]],
    reading: Reading,
    report: Report | None = None,
) -> list[list[Row]]:
    """Return what the head says of every token row of `parts`; `batches` number them through all parts.

    Leaves encoder and head in eval mode on the device of `reading`. Raises TrainingFailed for scores that are not
    finite.
    """
    encoded = concatenate([part.encoded for part in parts])
    first = np.cumsum([0, *(len(part.encoded) for part in parts)])
    head.to(reading.where).eval()

    def read(states: tuple[Tensor, ...], mask: Tensor, rows: npt.NDArray[np.int64]) -> list[Row]:
        chosen = states[-1] if head.aggregation is None else head.aggregation(states)
        owners = np.searchsorted(first, rows, side="right") - 1
        kept: list[Row] = [np.empty(0, np.float32)] * len(rows)
        for owner in np.unique(owners):
            mine = np.flatnonzero(owners == owner)
            where = torch.from_numpy(mine).to(mask.device)
            local = rows[mine] - first[owner]
            for place, row in zip(mine, parts[owner].read(head, chosen[where], mask[where], local), strict=True):
                kept[place] = row
        return kept

    outputs = read_rows(encoder, encoded, batches, read, reading, head.aggregation is not None, report)
    _check_finite(outputs)
    return [outputs[start:end] for start, end in pairwise(first)]


def embed(
    encoder: Encoder,
    tokenizer: Any,
    texts: Sequence[str],
    layer: int,
    max_length: int,
    device: str = "cpu",
    token_budget: int | None = None,
    report: Report | None = None,
    autocast: bool = False,
) -> tuple[npt.NDArray[np.float32], PredictReport]:
    """Return the mean state of each text's tokens, special ones included, after `layer` layers: (n, hidden) float32.

    Pooling as in nyu-mll/jiant (EmbeddingModel, MeanPoolerHead; layer 14 of XLM-R Large's 24). Layer 0 are the
    embeddings. Raises BadInput for a layer that the encoder does not have.
    """
    depth = encoder.config.num_hidden_layers
    if not 0 <= layer <= depth:
        raise BadInput(f"Got layer={layer}, but the encoder has 0 to {depth}; choose one of them.")
    check_fits(encoder, tokenizer, max_length)
    encoded = encode_texts(tokenizer, texts, max_length)
    reading = Reading(device, autocast)
    batches = budget_batches(encoded.lengths, _token_budget(device) if token_budget is None else token_budget)

    def read(states: tuple[Tensor, ...], mask: Tensor, rows: npt.NDArray[np.int64]) -> list[Row]:
        return list(masked_mean(states[layer], mask).float().cpu().numpy())

    vectors = np.stack(read_rows(encoder, encoded, batches, read, reading, True, report))
    return vectors, reading.report(len(texts), encoded, (int(encoded.truncated.sum()),))


def read_rows(
    encoder: Encoder,
    encoded: Encoded,
    batches: Sequence[npt.NDArray[np.int64]],
    read: Read,
    reading: Reading,
    every_layer: bool,
    report: Report | None = None,
) -> list[Row]:
    """Return what `read` keeps of every token row, in order; leaves the encoder in eval mode on the reading's device.

    A batch that memory does not hold is read in halves. `read` gets states in float32.
    """
    encoder.to(reading.where).eval()
    memory.reset_peak(reading.where)
    kept: list[Row] = [np.empty(0, np.float32)] * len(encoded)
    start, done, done_tokens = time.perf_counter(), 0, 0
    pending = deque(batches)
    with torch.inference_mode():
        while pending:
            rows = pending.popleft()
            found = _read_batch(encoder, encoded, rows, read, reading, every_layer)
            if found is None:
                memory.release(reading.where)
                pending.extendleft(reversed(np.array_split(rows, 2)))
                continue
            for row, values in zip(rows, found, strict=True):
                kept[row] = values
            done, done_tokens = done + len(rows), done_tokens + int(encoded.lengths[rows].sum())
            if report is not None:
                share, passed = done_tokens / len(encoded.ids), time.perf_counter() - start
                report(progress(reading.passes, reading.passes + len(pending), None, done, passed, share))
    reading.seconds += time.perf_counter() - start
    return kept


def _read_batch(
    encoder: Encoder, encoded: Encoded, rows: npt.NDArray[np.int64], read: Read, reading: Reading, every_layer: bool
) -> list[Row] | None:
    """Return what is kept of `rows`, or None where memory does not hold more than one of them."""
    try:
        with read_by(reading.where, reading.autocast):
            reading.attention = "packed" if packs(encoder, reading.where) else "padded"
            states, mask = hidden_states(encoder, encoded, rows, reading.where, every_layer)
        found = read(tuple(layer.float() for layer in states), mask, rows)
    except RuntimeError as error:
        if not memory.is_out_of_memory(error) or len(rows) == 1:
            raise
        reading.halved += 1
        return None
    lengths = encoded.lengths[rows]
    reading.passes += 1
    reading.positions += int(lengths.sum()) if reading.attention == "packed" else len(rows) * int(lengths.max())
    return found


def _token_budget(device: str) -> int:
    return _CPU_TOKENS if torch.device(device).type == "cpu" else _GPU_TOKENS


def budget_batches(lengths: npt.NDArray[np.int64], token_budget: int) -> list[npt.NDArray[np.int64]]:
    """Return the rows, longest first, in batches of at most `token_budget` positions (or one row, if it is longer)."""
    if token_budget < 1:
        raise BadInput(f"Got token_budget={token_budget}, but a batch needs at least 1 token.")
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size = max(1, token_budget // int(lengths[order[start]]))
        batches.append(order[start : start + size])
        start += size
    return batches


def _batches(parts: Sequence[Workload], token_budget: int) -> list[npt.NDArray[np.int64]]:
    """Return batches of the rows of one part after the other: no logit depends on what else is predicted with it."""
    first = np.cumsum([0, *(len(part.encoded) for part in parts)])
    return [
        start + rows
        for start, part in zip(first, parts, strict=False)
        for rows in budget_batches(part.encoded.lengths, token_budget)
    ]


def _check_finite(outputs: Sequence[Row]) -> None:
    broken = sum(not np.isfinite(row).all() for row in outputs)
    if broken:
        raise TrainingFailed(
            f"Got logits that are not finite for {broken} of {len(outputs)} items; the checkpoint is broken: "
            "train it again with a lower learning_rate."
        )
