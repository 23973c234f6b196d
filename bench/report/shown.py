"""What pages, figures and the gate read of a row: of tens of thousands of rows no more fits into memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bench.rows import Row

_METRICS = (
    "accuracy", "accuracy_log_odds", "auroc", "brier", "confidence", "ece15", "ece15_net", "gap", "l2sq15", "nll",
    "true_ece15", "ts_loss",
)  # fmt: skip
_OF_METRICS = ("metrics", "transfer")
_PARTS = ("value", "low", "high", "floor", "p")
_OF_SETS = ("gap", "mean_size")
_SETS = ("lac", "aps", "raps")
# Every row has them, and nothing shows what is in them.
_EMPTIED: Mapping[str, Any] = {"timings": {}, "calibrator": None}


def shown(row: Row) -> Row:
    """Return `row` without what nothing shows: most metrics, most of prediction sets, most of how its work was done."""
    data = {**row.data, **_EMPTIED, "engine": _engine(row.data.get("engine")), **_kept(row.data)}
    if sets := row.data.get("prediction_sets"):
        data["prediction_sets"] = {method: {part: sets[method][part] for part in _OF_SETS} for method in _SETS}
    if views := row.data.get("views"):
        data["views"] = {name: view and {**view, **_kept(view)} for name, view in views.items()}
    return Row(_sharing(data))


def _sharing(value: Any) -> Any:
    """Return `value` with one string for all that are equal: names and digests are in row after row."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {sys.intern(name): _sharing(part) for name, part in value.items()}
    return [_sharing(part) for part in value] if isinstance(value, list) else value


def _engine(engine: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return of how the work was done which learning rates were tried, where that was so."""
    train = (engine or {}).get("train") or {}
    told = {name: train[name] for name in ("learning_rate", "tried_rates") if name in train}
    return {"train": told} if told else None


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] and _few(data[name]) for name in _OF_METRICS if name in data}


def _few(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] and _estimate(metrics[name]) for name in _METRICS if name in metrics}


def _estimate(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an estimate states: what is missing, and a first version, go without saying."""
    stated = {part: entry[part] for part in _PARTS if entry.get(part) is not None}
    version = entry.get("version", 1)
    return {"value": entry["value"], **stated, **({} if version == 1 else {"version": version})}
