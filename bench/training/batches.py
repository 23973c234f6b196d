"""The order of training: rows of like length together, drawn from (seed, role) and the lengths alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bench.modeling.streams import stream_seed

Rows = npt.NDArray[np.int64]

# Long enough a stretch that its batches hold little padding, short enough that an epoch still mixes.
_BATCHES_PER_BUCKET = 50


def epoch_batches(lengths: npt.NDArray[np.int64], batch_size: int, seed: int, role: str, epoch: int) -> list[Rows]:
    """Return one epoch's batches of row indices: every row once, `batch_size` a batch, one batch maybe smaller.

    Rows are shuffled, sorted by length within stretches of 50 batches, and the batches shuffled. `lengths`: (n,).
    """
    order = shuffled(len(lengths), stream_seed("rows", role, seed, epoch))
    stretch = _BATCHES_PER_BUCKET * batch_size
    batches: list[Rows] = []
    for start in range(0, len(order), stretch):
        bucket = order[start : start + stretch]
        bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches.extend(np.split(bucket, range(batch_size, len(bucket), batch_size)))
    return [batches[place] for place in shuffled(len(batches), stream_seed("batches", role, seed, epoch))]


def endless_batches(
    lengths: npt.NDArray[np.int64], batch_size: int, seed: int, role: str, first: int = 0
) -> Iterator[Rows]:
    """Yield the batches of all epochs in order, from number `first` on: a run resumes at its step."""
    per_epoch = -(-len(lengths) // batch_size)
    epoch, skip = divmod(first, per_epoch)
    while True:
        yield from epoch_batches(lengths, batch_size, seed, role, epoch)[skip:]
        epoch, skip = epoch + 1, 0


def shuffled(count: int, seed: int) -> Rows:
    """Return a permutation of range(count); raw Philox integers, so no version of numpy changes it."""
    return np.argsort(np.random.Philox(key=seed).random_raw(count), kind="stable")
