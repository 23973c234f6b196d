"""The learning rate over a phase."""

from __future__ import annotations


def rate_factor(step: int, total: int, warmup_fraction: float) -> float:
    """Return the share of the peak rate at optimiser step `step` (from 0) of `total`.

    Linear from 0 over int(warmup_fraction * total) steps, then linear to 0 at `total`: the schedule of Phang et
    al. 2020 (transformers' get_linear_schedule_with_warmup).
    """
    warmup = int(warmup_fraction * total)
    if step < warmup:
        return step / warmup
    return max(0.0, (total - step) / max(1, total - warmup))
