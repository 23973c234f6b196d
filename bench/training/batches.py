"""The order of training: rows of like length together, drawn from (seed, role) and the lengths alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def mixed_batches(
    lengths: Sequence[npt.NDArray[np.int64]], batch_size: int, seed: int, role: str, temperature: float = 1.0
) -> Iterator[tuple[int, Rows]]:
    """Yield (task, rows): a task for each batch, drawn in proportion to its examples to the power 1 / `temperature`.

    1 is proportional sampling (nyu-mll/jiant, ProportionalMultiTaskSampler), more brings tasks closer together. The
    first task's own order is that of a run on it alone.
    """
    names = [role, *(f"{role} {place}" for place in range(1, len(lengths)))]
    streams = [endless_batches(each, batch_size, seed, name) for each, name in zip(lengths, names, strict=True)]
    weights = np.array([len(each) for each in lengths]) ** (1 / temperature)
    edges = np.cumsum(weights / weights.sum())
    drawn = np.random.Philox(key=stream_seed("tasks", role, seed))
    while True:
        task = 0 if len(streams) == 1 else int(np.searchsorted(edges, int(drawn.random_raw()) / 2**64, side="right"))
        task = min(task, len(streams) - 1)
        yield task, next(streams[task])


def shuffled(count: int, seed: int) -> Rows:
    """Return a permutation of range(count); raw Philox integers, so no version of numpy changes it."""
    return np.argsort(np.random.Philox(key=seed).random_raw(count), kind="stable")
