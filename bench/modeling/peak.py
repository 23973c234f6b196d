"""What a device can do at most: the rate of its matrix products, as a program gets it."""

from __future__ import annotations

import time

import torch

# Large enough that the processor computes and does not wait, small enough to take a second or two.
_CPU_SIZE, _GPU_SIZE = 2048, 8192
_PRODUCTS, _ROUNDS = 2, 5


def product_peak(device: str, dtype: str) -> float:
    """Return the rate of square matrix products of `dtype` ("float32", "bfloat16") on `device` in FLOP/s.

    The best of five rounds after a warm-up, of 2048 x 2048 on a CPU and 8192 x 8192 on a GPU, with torch's settings
    as they are. Entries are normal: products of constants draw less power, and a GPU then runs faster.
    """
    size = _CPU_SIZE if torch.device(device).type == "cpu" else _GPU_SIZE
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(size, size, generator=generator).to(device, getattr(torch, dtype))
    best = min([_seconds(matrix) for _ in range(_ROUNDS + 1)][1:])
    return 2 * size**3 * _PRODUCTS / best


def synchronise(device: str) -> None:
    """Wait until `device` has done what it was asked to."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def _seconds(matrix: torch.Tensor) -> float:
    device = str(matrix.device)
    synchronise(device)
    start = time.perf_counter()
    for _ in range(_PRODUCTS):
        matrix @ matrix
    synchronise(device)
    return time.perf_counter() - start
