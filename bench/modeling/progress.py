"""What a running training or prediction tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`step` of `total` is done; `loss` is that step's (None while predicting); rates are of this run so far."""

    step: int
    total: int
    loss: float | None
    examples_per_s: float
    eta_s: float


Report = Callable[[Progress], None]


def progress(step: int, total: int, loss: float | None, examples: int, seconds: float, share: float) -> Progress:
    """Return the progress after `seconds` of work on `examples`, of which `share` (0 to 1] of the whole is done."""
    return Progress(step, total, loss, rate(examples, seconds), seconds * (1 - share) / share)


def rate(amount: float, seconds: float) -> float:
    """Return amount per second, 0 before any time has passed."""
    return amount / seconds if seconds > 0 else 0.0
