"""Prediction: every language of a target in one stream of rows sorted by length."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.data.example import Split
from bench.errors import BadInput, TrainingFailed
from bench.modeling.encoder import Encoder
from bench.modeling.forward import batch_logits, check_fits
from bench.modeling.heads import Head
from bench.modeling.progress import Report, progress
from bench.modeling.tokenization import Encoded, concatenate, encode

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PredictReport:
    """Cost of a prediction: `tokens` are real ones, `padded_tokens` all positions computed, `seconds` the model's own.

    `truncated` counts the shortened items of each split, in the order the splits were given.
    """

    seconds: float
    examples: int
    tokens: int
    padded_tokens: int
    truncated: tuple[int, ...]


def predict(
    encoder: Encoder,
    head: Head,
    tokenizer: Any,
    splits: Sequence[Split],
    max_length: int,
    device: str = "cpu",
    token_budget: int = 4096,
    report: Report | None = None,
) -> tuple[list[Logits], PredictReport]:
    """Return (n, classes) float32 logits for each of `splits`, rows in the split's own order, and the cost.

    `token_budget` bounds the positions of one batch; it changes logits by rounding only. Raises TrainingFailed when
    the checkpoint gives logits that are not finite, BadInput for splits or lengths that do not fit.
    """
    if not splits:
        raise BadInput("Got no splits, but a prediction needs at least 1; name a language.")
    check_fits(encoder, tokenizer, max_length)
    parts = [encode(tokenizer, split.examples, max_length) for split in splits]
    stream = concatenate(parts)
    batches = budget_batches(stream.lengths, token_budget)
    start = time.perf_counter()
    logits = predict_encoded(encoder, head, stream, batches, device, report)
    seconds = time.perf_counter() - start
    _check_finite(logits)
    cost = PredictReport(
        seconds, len(stream), len(stream.ids), positions(stream.lengths, batches),
        tuple(int(part.truncated.sum()) for part in parts),
    )  # fmt: skip
    return np.split(logits, np.cumsum([len(part) for part in parts])[:-1]), cost


def predict_encoded(
    encoder: Encoder,
    head: Head,
    encoded: Encoded,
    batches: Sequence[npt.NDArray[np.int64]],
    device: str = "cpu",
    report: Report | None = None,
) -> Logits:
    """Return (n, classes) float32 logits in row order; leaves encoder and head in eval mode on `device`."""
    where = torch.device(device)
    encoder.to(where).eval()
    head.to(where).eval()
    logits: Logits = np.empty((len(encoded), head.classes), dtype=np.float32)
    start, done, done_tokens = time.perf_counter(), 0, 0
    with torch.inference_mode():
        for number, rows in enumerate(batches, 1):
            logits[rows] = batch_logits(encoder, head, encoded, rows, where).float().cpu().numpy()
            done, done_tokens = done + len(rows), done_tokens + int(encoded.lengths[rows].sum())
            if report is not None:
                share = done_tokens / len(encoded.ids)
                report(progress(number, len(batches), None, done, time.perf_counter() - start, share))
    return logits


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


def positions(lengths: npt.NDArray[np.int64], batches: Sequence[npt.NDArray[np.int64]]) -> int:
    """Return how many positions, padding included, `batches` make the encoder compute."""
    return sum(len(rows) * int(lengths[rows].max()) for rows in batches)


def _check_finite(logits: Logits) -> None:
    broken = int((~np.isfinite(logits).all(axis=1)).sum())
    if broken:
        raise TrainingFailed(
            f"Got logits that are not finite for {broken} of {len(logits)} items; the checkpoint is broken: "
            "train it again with a lower learning_rate."
        )
