"""From rows to the panel that contrasts are taken of: values, standard errors, and what is at chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bench.calibration.arrays import FloatArray
from bench.report.flags import is_uninformative
from bench.report.sections import Section
from bench.rows import Estimate, Row
from bench.statistics.panel import Cell, Panel
from bench.statistics.seed_means import Measured, linear

LOG_ODDS = "accuracy_log_odds"
# What contrasts are taken of.
METRICS = ("gap", "confidence", "accuracy", "nll", "brier", "l2sq15", "ece15", "true_ece15", "ts_loss", "auroc")
# ECE-15 less that of a calibrated model with the same confidences.
NET_ECE = "ece15_net"
_NORMAL = 1.959963984540054

# The replicates of a row's metrics, drawn alike for all rows of a section; None where they cannot be had.
Replicates = Callable[[Row], Mapping[str, FloatArray] | None]


def no_replicates(row: Row) -> None:
    """Return None: standard errors are read off the intervals of rows."""


def panel_of(
    section: Section,
    recalibration: str = "none",
    replicates: Replicates = no_replicates,
    metrics: Sequence[str] = METRICS,
) -> Panel:
    """Return the section's cells under one recalibration; a variant stands with its intermediate task ("snli mlm")."""
    rows = {
        (line.model, line.training, row.condition.language, row.condition.seed): row
        for line in section.lines
        for row in line.rows
        if row.recalibration == recalibration
    }
    measured = {key: _with_replicates(_metrics(row, metrics), replicates(row)) for key, row in rows.items()}
    cells = {}
    for key, row in rows.items():
        model, training, language, seed = key
        source = (model, training, section.source or "", seed)
        # Without the source's own row there is what the row itself says of transfer.
        reference = measured.get(source, {})
        transfers = {} if language == section.source else _transfers(row, measured[key], reference)
        at_chance = is_uninformative(row) or (source in rows and is_uninformative(rows[source]))
        cells[key] = Cell(measured[key], transfers, at_chance)
    return Panel(cells)


def _metrics(row: Row, names: Sequence[str]) -> dict[str, Measured]:
    found = {name: row.metric(name) for name in names}
    metrics = {name: _measured(each, row) for name, each in found.items() if each is not None}
    accuracy = metrics.get("accuracy")
    if accuracy is not None and 0 < accuracy.value < 1:
        metrics[LOG_ODDS] = _log_odds(accuracy)
    ece = found.get("ece15")
    if ece is not None and ece.floor is not None:
        metrics[NET_ECE] = replace(metrics["ece15"], value=ece.value - ece.floor)
    return metrics


def _transfers(row: Row, metrics: Mapping[str, Measured], reference: Mapping[str, Measured]) -> dict[str, Measured]:
    transfers = {}
    for name in metrics:
        stated, apart = row.transfer(name), _difference(metrics[name], reference.get(name))
        # A row's own interval is paired by item, which a bound is not.
        if stated is not None and (apart is None or apart.replicates is None):
            transfers[name] = _measured(stated, row)
        elif apart is not None:
            transfers[name] = apart
    return transfers


def _difference(first: Measured, second: Measured | None) -> Measured | None:
    return None if second is None else linear([(1.0, first), (-1.0, second)])


def _measured(estimate: Estimate, row: Row) -> Measured:
    known = estimate.low is not None and estimate.high is not None
    error = (estimate.high - estimate.low) / (2 * _NORMAL) if known else math.nan  # type: ignore[operator]
    return Measured(estimate.value, error, int(row.data["groups"]))


def _log_odds(accuracy: Measured) -> Measured:
    share = accuracy.value
    return replace(accuracy, value=math.log(share / (1 - share)), error=accuracy.error / (share * (1 - share)))


def _with_replicates(metrics: dict[str, Measured], drawn: Mapping[str, FloatArray] | None) -> dict[str, Measured]:
    if drawn is None:
        return metrics
    return {name: replace(each, replicates=drawn.get(name)) for name, each in metrics.items()}
