"""The learning rate over a phase."""

from __future__ import annotations


def rate_factor(step: int, total: int, warmup: int) -> float:
    """Return the share of the peak rate at optimiser step `step` (from 0) of `total`.

    Linear from 0 over `warmup` steps, then linear to 0 at `total`: the schedule of Phang et al. 2020 (transformers'
    get_linear_schedule_with_warmup). A phase shorter than its warm-up never gets to the peak.
    """
    if step < warmup:
        return step / warmup
    return max(0.0, (total - step) / max(1, total - warmup))
