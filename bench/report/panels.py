"""From rows to the panel that contrasts are taken of: values, standard errors, and what is at chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from bench.calibration.arrays import FloatArray
from bench.report.sections import Line, Section
from bench.rows import Estimate, Row
from bench.statistics.panel import Cell, Panel
from bench.statistics.seed_means import Measured, linear

LOG_ODDS = "accuracy_log_odds"
# What contrasts are taken of.
METRICS = ("gap", "confidence", "accuracy", "nll", "brier", "l2sq15", "ece15", "ts_loss", "auroc")
# ECE-15 less that of a calibrated model with the same confidences.
NET_ECE = "ece15_net"
UNINFORMATIVE = frozenset({"at_chance", "collapsed"})
_NORMAL = 1.959963984540054

# The replicates of a row's metrics, drawn alike for all rows of a section; None where they cannot be had.
Replicates = Callable[[Row], Mapping[str, FloatArray] | None]


def no_replicates(row: Row) -> None:
    """Return None: standard errors are read off the intervals of rows."""


def panel_of(section: Section, recalibration: str = "none", replicates: Replicates = no_replicates) -> Panel:
    """Return the section's cells under one recalibration; a variant stands with its intermediate task ("snli mlm")."""
    cells = {}
    for line in section.lines:
        for row in line.rows:
            if row.recalibration == recalibration:
                key = (line.model, line.training, row.condition.language, row.condition.seed)
                cells[key] = _cell(section, line, row, replicates)
    return Panel(cells)


def _cell(section: Section, line: Line, row: Row, replicates: Replicates) -> Cell:
    source = line.row(row.condition.seed, section.source or "", row.recalibration)
    metrics = _with_replicates(_metrics(row), replicates(row))
    if source is None or source is row:
        return Cell(metrics, {}, _uninformative(row))
    reference = _with_replicates(_metrics(source), replicates(source))
    return Cell(metrics, _transfers(row, metrics, reference), _uninformative(row) or _uninformative(source))


def _metrics(row: Row) -> dict[str, Measured]:
    found = {name: row.metric(name) for name in METRICS}
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
    for name in (*METRICS, LOG_ODDS):
        stated = row.transfer(name)
        apart = _difference(metrics.get(name), reference.get(name))
        if apart is not None and (stated is None or apart.replicates is not None):
            transfers[name] = apart
        elif stated is not None:
            transfers[name] = _measured(stated, row)
    return transfers


def _difference(first: Measured | None, second: Measured | None) -> Measured | None:
    return None if first is None or second is None else linear([(1.0, first), (-1.0, second)])


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


def _uninformative(row: Row) -> bool:
    return bool(UNINFORMATIVE & set(row.flags))
