"""Estimators of the calibration error in the published artificial rows, beside the truth that these state."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from bench.calibration.metric import MeanMetric
from bench.calibration.metrics import METRICS
from bench.rows import read_rows

ROWS = Path(__file__).parents[2] / "reports" / "published" / "pocket-worlds" / "results.jsonl"
TRUTHS = ("true_ece15", "true_error")


@dataclass(frozen=True)
class Comparison:
    """An estimator and a truth over cells: mean of their difference, and their rank correlation."""

    recalibration: str
    truth: str
    estimator: str
    cells: int
    mean: float
    difference: float
    correlation: float


def comparisons(path=ROWS):
    """Return how every estimator that the rows have compares with every truth they have, by recalibration.

    A cell is a model, an intermediate task and a language, averaged over seeds.
    """
    found = []
    for recalibration, cells in _cells(path).items():
        names = dict.fromkeys(name for cell in cells for name in cell)
        for truth in (name for name in TRUTHS if name in names):
            for name in (each for each in names if each not in TRUTHS):
                pairs = [(cell[name], cell[truth]) for cell in cells if name in cell and truth in cell]
                found.append(_comparison(recalibration, truth, name, np.array(pairs)))
    return found


def _comparison(recalibration, truth, name, pairs):
    estimated, right = pairs.T
    correlation = float(spearmanr(estimated, right).statistic)
    difference = float((estimated - right).mean())
    return Comparison(recalibration, truth, name, len(pairs), float(estimated.mean()), difference, correlation)


def _cells(path):
    seeds = defaultdict(lambda: defaultdict(list))
    for row in read_rows(path):
        where = row.condition
        cell = (row.world, where.model, where.intermediate, where.target, where.language, where.variant)
        seeds[row.recalibration][cell].append(_columns(row))
    return {recalibration: [_mean(rows) for rows in cells.values()] for recalibration, cells in sorted(seeds.items())}


def _mean(rows):
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if all(name in row for row in rows)}


def _columns(row):
    """Return the truths and estimators of `row`: errors of the confidence, the root of a square, the excess."""
    found = {name: row.metric(name) for name in (*TRUTHS, *(name for name in METRICS if _estimates_error(name)))}
    columns = {name: each.value for name, each in found.items() if each is not None}
    if "l2sq15" in columns:
        columns["root of l2sq15"] = np.sqrt(max(columns.pop("l2sq15"), 0))
    if found["ece15"] is not None and found["ece15"].floor is not None:
        columns["ece15 - floor"] = found["ece15"].value - found["ece15"].floor
    return columns


def _estimates_error(name):
    # Errors alone are biased upward, or had that bias taken off.
    metric = METRICS[name]
    biased = metric.interval in ("basic", "centred")
    return biased and metric.needs == "confidence" and not isinstance(metric, MeanMetric) and name != "l2_15"
