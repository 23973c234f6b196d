"""What must hold of any outcomes: plain checks that raise AssertionError, run on every new row's own logits.

Checks take their randomness as arguments, so that a caller may search for a failing case. They look metrics up in the
registry when they run: whatever scores a row is what is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray
from bench.calibration.binning import bin_sums
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.calibrators.temperature import Temperature
from bench.calibration.cross_fit import cross_fit, folds
from bench.calibration.metric import BinnedMetric, Metric, Property
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import Recalibration, check_disjoint
from bench.predictions import Predictions
from bench.statistics.sufficient import group_sums, replicate_values, weighted_values

# Sums of thousands of float64 values of size 1 in another order.
_TOLERANCE = 1e-9


# The value of each metric by name, as `measure` returns them.
Values: TypeAlias = Mapping[str, float]


def measure(outcomes: Outcomes) -> Values:
    """Return the value of every metric that `outcomes` carry enough for, which most checks compare with another."""
    return {metric.name: metric.value(outcomes) for metric in _known(outcomes)}


def check_outcomes(outcomes: Outcomes, values: Values) -> None:
    """Check distributions, ranges, and the order |gap| <= ece15 <= 1 that refinement gives; `values` are theirs."""
    _same("probabilities", "their sum", 1.0, outcomes.probabilities.sum(axis=1))
    confidence, correct = outcomes.confidence, outcomes.correct
    if outcomes.event:
        _holds("confidence", "lie in [0, 1]", _within(confidence, 0.0, 1.0))
    else:
        _holds("confidence", "lie in [1/K, 1]", _within(confidence, 1 / outcomes.probabilities.shape[1], 1.0))
    _holds("correct", "lie in [0, 1]", _within(correct, 0.0, 1.0))
    for metric in _known(outcomes):
        value = values[metric.name]
        if np.isnan(value):
            _holds(metric.name, "be a number", not metric.defined(outcomes))
        else:
            _holds(metric.name, f"lie in [{metric.low}, {metric.high}]", _within(value, metric.low, metric.high))
    gap = confidence.mean() - correct.mean()
    _same("gap", "mean confidence - accuracy", gap, values["gap"])
    _holds("ece15", "be at least |gap|", values["ece15"] >= abs(gap) - _TOLERANCE)
    one_bin = _binned("ece15").formula(bin_sums(np.zeros(len(outcomes), np.intp), 1, confidence, correct))
    _same("ece15", "its value with one bin, |gap|", abs(gap), one_bin)


def check_order(outcomes: Outcomes, values: Values, order: IntArray) -> None:
    """Check that the order of the items changes no metric that says so; `order` (n,) is a permutation."""
    _compare("order", "after the items are permuted", values, outcomes.take(order))


def check_weights(outcomes: Outcomes, values: Values, weights: IntArray) -> None:
    """Check that weight k is k copies, and that doubling all weights changes only what the registry says it may."""
    copies = outcomes.take(np.repeat(np.arange(len(outcomes)), weights))
    for metric in _known(outcomes, "weights"):
        value = metric.value(copies)
        _same(metric.name, "weight k against k copies", value, metric.value(outcomes, weights.astype(np.float64)))
        if "duplication" in metric.holds:
            _same(metric.name, "weight 2 for all", values[metric.name], metric.value(outcomes, _twos(outcomes)))


def check_class_names(predictions: Predictions, values: Values, order: IntArray) -> None:
    """Check that renaming the classes changes no metric that says so; `order` (K,) is a permutation.

    For kinds whose classes are no events and no candidates in order; `values` are those of the first view.
    """
    renamed = replace(
        predictions,
        labels=np.argsort(order)[predictions.labels],
        logits=predictions.logits[:, order],
        posterior=None if predictions.posterior is None else predictions.posterior[:, order],
    )
    _compare("classes", "after the classes are renamed", values, Outcomes.from_predictions(renamed))


def check_clusters(outcomes: Outcomes, multiplicities: FloatArray) -> None:
    """Check that taking group g multiplicities[g] times (groups in sorted order) is weighting its items so."""
    groups, index = np.unique(outcomes.group_ids, return_inverse=True)
    columns = group_sums(outcomes)
    _holds("group sums", f"have one row for each of the {len(groups)} groups", len(columns.columns) == len(groups))
    replicates = replicate_values(columns, multiplicities[None, :])
    direct = weighted_values(outcomes, multiplicities[index], list(replicates))
    for name, replicate in replicates.items():
        _same(name, "a replicate against weighted items", direct[name], replicate[0])


def check_recalibration(outcomes: Outcomes, recalibration: Recalibration) -> None:
    """Check disjoint groups and items, and what the registry says of the calibrator that was fitted."""
    check_apart(recalibration.fitted_on, outcomes)
    name, info = str(recalibration.name), CALIBRATORS[recalibration.name.token]
    if "temperature" in (parameters := recalibration.map.parameters()):
        _holds(name, "have a temperature above 0", np.asarray(parameters["temperature"]) > 0)
    if info.lowers_nll:
        _check_fit(name, recalibration)
    after = recalibration.apply(outcomes)
    _holds(name, "give finite log probabilities", np.isfinite(after.log_probabilities))
    if info.keeps_answers:
        _same(name, "accuracy", METRICS["accuracy"].value(outcomes), METRICS["accuracy"].value(after))
        _check_answers(name, outcomes, after)


def check_cross_fit(outcomes: Outcomes, pivot: Outcomes) -> None:
    """Check that no group was fitted on where it is scored, and that only confidence changes."""
    found = cross_fit(outcomes, pivot)
    _holds("cross-fit", "have temperatures above 0", np.array(found.temperatures) > 0)
    own, fitted = folds(outcomes.group_ids), folds(pivot.group_ids)
    for fold in range(len(found.temperatures)):
        shared = np.intersect1d(outcomes.group_ids[own == fold], pivot.group_ids[fitted != fold])
        _holds("cross-fit", f"scale no group it was fitted on, but {len(shared)} in fold {fold}", not len(shared))
    _holds("cross-fit", "give finite log probabilities", np.isfinite(found.outcomes.log_probabilities))
    _same("cross-fit", "accuracy", METRICS["accuracy"].value(outcomes), METRICS["accuracy"].value(found.outcomes))
    _check_answers("cross-fit", outcomes, found.outcomes)


def check_apart(fit: Outcomes, score: Outcomes) -> None:
    """Check that no group and no item is in both sets, whatever the library's own guard says."""
    for kind, first, second in (
        ("groups", fit.group_ids, score.group_ids),
        ("items", fit.item_ids, score.item_ids),
    ):
        shared = set(first.tolist()) & set(second.tolist())
        _holds(f"{kind} of calibration and test", f"be disjoint, but share {len(shared)}", not shared)
    check_disjoint(fit, score)


def check_parallel(outcomes: Outcomes, source: Outcomes) -> None:
    """Check that a language has the items and groups of the source language: the same number, and the same ones."""
    _holds("language", f"have {len(source)} items, but has {len(outcomes)}", len(outcomes) == len(source))
    pairs = [set(zip(each.item_ids.tolist(), each.group_ids.tolist(), strict=True)) for each in (outcomes, source)]
    _holds("language", "have the source's items in the source's groups", pairs[0] == pairs[1])


def _check_answers(name: str, before: Outcomes, after: Outcomes) -> None:
    if not before.event:
        answers = np.where(before.top > 0, after.log_probabilities, np.inf).min(axis=1)
        highest = after.log_probabilities.max(axis=1)
        _holds(name, "leave every answer the most probable", answers >= highest - _TOLERANCE)


def _check_fit(name: str, recalibration: Recalibration) -> None:
    fitted_on, fitted = recalibration.fitted_on, recalibration.map
    before, after = METRICS["nll"].value(fitted_on), METRICS["nll"].value(fitted.apply(fitted_on))
    _holds(name, "not raise the NLL of its fit set", after <= before + _TOLERANCE * max(1.0, before))
    if isinstance(fitted, Temperature):
        _same(name, "NLL of its fit set", fitted.nll_after, after)


def _known(outcomes: Outcomes, *holding: Property) -> list[Metric]:
    """Return the metrics that `outcomes` carry enough for and that claim these properties."""
    return [m for m in METRICS.values() if m.defined_for(outcomes) and m.holds.issuperset(holding)]


def _compare(claim: Property, change: str, values: Values, changed: Outcomes) -> None:
    for metric in _known(changed, claim):
        _same(metric.name, f"its value {change}", values[metric.name], metric.value(changed))


def _binned(name: str) -> BinnedMetric:
    metric = METRICS[name]
    assert isinstance(metric, BinnedMetric), f"{name} must be a binned metric"
    return metric


def _twos(outcomes: Outcomes) -> FloatArray:
    return np.full(len(outcomes), 2.0)


def _within(values: float | FloatArray, low: float, high: float) -> npt.NDArray[np.bool_]:
    array = np.asarray(values)
    return np.asarray((array >= low - _TOLERANCE) & (array <= high + _TOLERANCE))


def _holds(subject: str, rule: str, truth: bool | npt.ArrayLike) -> None:
    if not np.all(truth):
        raise AssertionError(f"{subject} must {rule}")


def _same(subject: str, what: str, expected: float, found: float | FloatArray) -> None:
    if not np.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
        raise AssertionError(f"{subject}: {what} must be {expected}, but is {found}")
