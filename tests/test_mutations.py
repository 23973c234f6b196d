"""A broken metric, cluster, split or calibrator makes the invariants of a row fail, and by the right name."""

import dataclasses

import numpy as np
import pytest

from bench import invariants
from bench.calibration import binned, metrics, recalibration
from bench.calibration.arrays import log_softmax
from bench.calibration.binning import Binning, equal_mass
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.metric import ALL
from bench.statistics import sufficient
from fixtures.invariants import run_invariants
from tests.prediction_factory import make_predictions

TEST = make_predictions(120, 1, temperature=2)
SOURCE = make_predictions(120, 2)
CALIBRATE = make_predictions(60, 3, temperature=2, split="validation")


def run(test=TEST, calibrate=CALIBRATE, source=SOURCE):
    run_invariants(test, {"en": calibrate}, source)


def broken(monkeypatch, name, **changes):
    monkeypatch.setitem(metrics.METRICS, name, dataclasses.replace(metrics.METRICS[name], **changes))


def test_nothing_broken_passes():
    run()


class ByRow(Binning):
    def assign(self, scores, weights):
        return np.arange(len(scores)) % self.bins


class Unweighted(Binning):
    def assign(self, scores, weights):
        return equal_mass(scores, self.bins)


METRIC_MUTATIONS = {
    "half of the bins are lost": ("ece15", {"formula": lambda sums: 0.5 * binned.ece(sums)}),
    "the gap has the wrong sign": ("gap", {"items": lambda o: o.correct - o.confidence}),
    "an error in percent": ("ece15", {"formula": lambda sums: 100 * binned.ece(sums)}),
    "bins by row number": ("ece15", {"binning": ByRow("confidence", "width", 15)}),
    "weights ignored": ("l2sq15", {"binning": Unweighted("confidence", "mass", 15)}),
    "not a number": ("l2sq15", {"formula": lambda sums: np.nan * binned.squared_debiased_l2(sums)}),
    "class 0 instead of the answer": ("brier", {"items": lambda o: (o.probabilities[:, 0] - (o.labels == 0)) ** 2}),
    "the order seen": ("true_error", {"items": lambda o: np.arange(len(o)) / len(o), "needs": "confidence"}),
    "debiased said to be the same on two copies": ("l2sq15", {"holds": ALL}),
}


@pytest.mark.parametrize("mutation", METRIC_MUTATIONS)
def test_a_broken_metric(monkeypatch, mutation):
    name, changes = METRIC_MUTATIONS[mutation]
    broken(monkeypatch, name, **changes)
    with pytest.raises(AssertionError, match=name):
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


def with_fit(monkeypatch, change):
    """Let temperature scaling fit what `change` makes of its own answer."""
    real = CALIBRATORS["ts"]
    broken_fit = dataclasses.replace(real, fit=lambda outcomes, weights=None: change(real.fit(outcomes, weights)))
    monkeypatch.setitem(CALIBRATORS, "ts", broken_fit)


@pytest.mark.parametrize(
    ("value", "named"),
    [(-2.0, "ts_en must have a temperature above 0"), (5000.0, "ts_en must not raise the NLL of its fit set")],
)
def test_a_broken_calibrator(monkeypatch, value, named):
    with_fit(monkeypatch, lambda fitted: dataclasses.replace(fitted, value=value))
    with pytest.raises(AssertionError, match=named):
        run()


def test_a_calibrator_that_reports_another_fit_than_it_applies(monkeypatch):
    with_fit(monkeypatch, lambda fitted: dataclasses.replace(fitted, value=1.1 * fitted.value))
    with pytest.raises(AssertionError, match="ts_en: NLL of its fit set must be"):
        run()


def test_a_calibrator_that_is_said_to_keep_answers_and_does_not(monkeypatch):
    monkeypatch.setitem(CALIBRATORS, "ts", dataclasses.replace(CALIBRATORS["hist"], keeps_answers=True))
    with pytest.raises(AssertionError, match="ts_en: accuracy must be"):
        run()


class Reversing:
    """Keeps `top`, as a map that keeps answers does, but gives the answer the least probability."""

    def apply(self, outcomes):
        return outcomes.with_log_probabilities(log_softmax(-outcomes.log_probabilities))

    def parameters(self):
        return {}


def test_a_calibrator_that_moves_the_probability_from_the_answers(monkeypatch):
    info = dataclasses.replace(CALIBRATORS["ts"], lowers_nll=False, fit=lambda outcomes, weights=None: Reversing())
    monkeypatch.setitem(CALIBRATORS, "ts", info)
    with pytest.raises(AssertionError, match="ts_en must leave every answer the most probable"):
        run()


class Certain(Reversing):
    """Gives all other classes the probability 0."""

    def apply(self, outcomes):
        return outcomes.with_log_probabilities(np.where(outcomes.top > 0, 0.0, -np.inf))


def test_a_calibrator_that_gives_a_class_no_chance_at_all(monkeypatch):
    info = dataclasses.replace(CALIBRATORS["ts"], lowers_nll=False, fit=lambda outcomes, weights=None: Certain())
    monkeypatch.setitem(CALIBRATORS, "ts", info)
    with pytest.raises(AssertionError, match="ts_en must give finite log probabilities"):
        run()
