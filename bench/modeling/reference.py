"""A loop of fixed work, timed beside the work of interest: what a machine can do just now."""

from __future__ import annotations

import time

import torch

_SIZE, _PRODUCTS, _ROUNDS = 512, 10, 5


def reference_rate(device: str) -> float:
    """Return the rate of float32 matrix products of 512 x 512 on `device` in GFLOP/s: the median of five rounds.

    It takes a few hundredths of a second. Rates of other work divided by it can be compared between runs on machines
    of the same name that were busy to a different degree.
    """
    matrix = torch.ones(_SIZE, _SIZE, device=device)
    times = sorted(_round(matrix) for _ in range(_ROUNDS + 1))
    return 2 * _SIZE**3 * _PRODUCTS / times[len(times) // 2] / 1e9


def _round(matrix: torch.Tensor) -> float:
    start = time.perf_counter()
    for _ in range(_PRODUCTS):
        product = matrix @ matrix
    float(product[0, 0])  # Waits for the device.
    return time.perf_counter() - start
