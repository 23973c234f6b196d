"""What pages, figures and the gate read of a row: of tens of thousands of rows no more fits into memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.rows import Row

_METRICS = (
    "accuracy", "accuracy_log_odds", "auroc", "brier", "confidence", "ece15", "ece15_net", "gap", "l2sq15", "nll",
    "true_ece15", "ts_loss",
)  # fmt: skip
_OF_METRICS = ("metrics", "transfer")


def shown(row: Row) -> Row:
    """Return `row` without the metrics that nothing but the row itself shows."""
    views = {name: view and {**view, **_kept(view)} for name, view in (row.data.get("views") or {}).items()}
    return Row({**row.data, **_kept(row.data), **({"views": views} if views else {})})


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] and _few(data[name]) for name in _OF_METRICS if name in data}


def _few(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in _METRICS if name in metrics}
