"""What a run would do, before it does it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.budget import Estimate
from bench.report.tables import terminal_table, visible


def plan_table(estimates: Sequence[Estimate], budget: float, device: str) -> list[str]:
    """Return lines for a terminal: trainings needed and stored, estimated hours and gigabytes of each model."""
    rows = [
        [one.model, str(one.needed), str(one.cached), f"{one.hours:.2f}", f"{one.gigabytes:.1f}", _verdict(one, budget)]
        for one in estimates
    ]
    would_run = [one for one in estimates if not one.reason and one.hours <= budget]
    needed, hours = sum(one.needed for one in would_run), sum(one.hours for one in would_run)
    return [
        f"Plan on {device}, by static estimates: {needed} trainings would run, about {hours:.2f} h.",
        *terminal_table(["model", "to train", "stored", "hours", "GB", "would"], rows, left=1),
        *(f"{one.model}: {visible(one.reason)}" for one in estimates if one.reason),
        "GB counts every checkpoint at once; one is dropped as soon as nothing can ask for it again.",
    ]


def _verdict(estimate: Estimate, budget: float) -> str:
    if estimate.reason:
        return "skip, see below"
    if estimate.hours > budget:
        return f"skip: above --budget {budget:g}"
    return "train" if estimate.needed else "read the store"
