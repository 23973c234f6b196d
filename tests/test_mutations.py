"""A broken metric, cluster, split or calibrator makes the invariants of a row fail, and by the right name."""

import dataclasses

import numpy as np
import pytest

from bench import invariants
from bench.calibration import metrics, recalibration
from bench.calibration.binning import equal_mass
from bench.statistics import sufficient
from fixtures.invariants import run_invariants
from tests.prediction_factory import make_predictions

TEST = make_predictions(120, 1, temperature=2)
SOURCE = make_predictions(120, 2)
CALIBRATE = make_predictions(60, 3, temperature=2, split="validation")


def run(test=TEST, calibrate=CALIBRATE, source=SOURCE):
    run_invariants(test, calibrate, source)


def broken(monkeypatch, name, **changes):
    monkeypatch.setitem(metrics.METRICS, name, dataclasses.replace(metrics.METRICS[name], **changes))


def test_nothing_broken_passes():
    run()


METRIC_MUTATIONS = {
    "half of the bins are lost": ("ece15", {"formula": lambda sums: 0.5 * metrics.ece(sums)}, "ece15"),
    "the gap has the wrong sign": ("gap", {"items": lambda o: o.correct - o.confidence}, "gap"),
    "an error in percent": ("ece15", {"formula": lambda sums: 100 * metrics.ece(sums)}, "ece15"),
    "bins by row number": (
        "ece15",
        {"assign": lambda confidence, bins, weights: np.arange(len(confidence)) % bins},
        "ece15",
    ),
    "weights ignored": ("l2sq15", {"assign": lambda confidence, bins, weights: equal_mass(confidence, bins)}, "l2sq15"),
    "not a number": ("l2sq15", {"formula": lambda sums: np.nan * metrics.squared_debiased_l2(sums)}, "l2sq15"),
    "class 0 instead of the answer": (
        "brier",
        {"items": lambda o: (o.probabilities[:, 0] - (o.labels == 0)) ** 2},
        "brier",
    ),
    "the order seen": ("true_error", {"items": lambda o: np.arange(len(o)) / len(o), "needs": ""}, "true_error"),
    "plug-in called scale free": ("l2sq15", {"scale_free": True}, "l2sq15"),
}


@pytest.mark.parametrize("mutation", METRIC_MUTATIONS)
def test_a_broken_metric(monkeypatch, mutation):
    name, changes, named = METRIC_MUTATIONS[mutation]
    broken(monkeypatch, name, **changes)
    with pytest.raises(AssertionError, match=named):
        run()


def test_a_broken_cluster_by_item(monkeypatch):
    real = sufficient.group_sums
    monkeypatch.setattr(invariants, "group_sums", lambda o: real(dataclasses.replace(o, group_ids=o.item_ids)))
    with pytest.raises(AssertionError, match="group sums must have one row for each of the"):
        run()


def test_a_broken_cluster_that_mixes_groups(monkeypatch):
    real = sufficient.group_sums
    monkeypatch.setattr(
        invariants, "group_sums", lambda o: real(dataclasses.replace(o, group_ids=np.sort(o.group_ids)[::-1]))
    )
    with pytest.raises(AssertionError, match="a replicate against weighted items"):
        run()


def test_groups_that_differ_between_languages():
    with pytest.raises(AssertionError, match="the source's groups"):
        run(source=dataclasses.replace(SOURCE, group_ids=np.roll(SOURCE.group_ids, 1)))


def test_a_language_with_fewer_items():
    with pytest.raises(AssertionError, match="language must have 120 items, but has 117"):
        run(test=make_predictions(117, 1))


def test_a_broken_split_even_when_the_guard_is_gone(monkeypatch):
    for module in (recalibration, invariants):
        monkeypatch.setattr(module, "check_disjoint", lambda fit, score: None)
    with pytest.raises(AssertionError, match="groups of calibration and test must be disjoint, but share 20"):
        run(calibrate=make_predictions(60, 3))


@pytest.mark.parametrize(
    ("value", "named"), [(-2.0, "temperature must be positive"), (5000.0, "temperature must not raise the NLL")]
)
def test_a_broken_calibrator(monkeypatch, value, named):
    real = recalibration.fit_temperature

    def wrong(logits, labels):
        return dataclasses.replace(real(logits, labels), value=value, nll_after=2.0 if value > 0 else 0.0)

    monkeypatch.setattr(recalibration, "fit_temperature", wrong)
    with pytest.raises(AssertionError, match=named):
        run()


def test_a_calibrator_that_reports_another_fit_than_it_applies(monkeypatch):
    real = recalibration.fit_temperature
    monkeypatch.setattr(
        recalibration, "fit_temperature", lambda logits, labels: dataclasses.replace(real(logits, labels), value=9.0)
    )
    with pytest.raises(AssertionError, match="NLL of its fit set"):
        run()
