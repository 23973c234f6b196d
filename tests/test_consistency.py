import dataclasses

import numpy as np
import pytest

from bench.calibration.consistency import consistency, has_floor
from bench.calibration.metrics import METRICS
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes

BINNED = [METRICS["ece15"], METRICS["l2sq15"]]


def test_the_floor_is_the_mean_error_of_calibrated_outcomes():
    generator = np.random.default_rng(0)
    found = make_outcomes(400, 3)
    null = []
    for _ in range(400):
        labels = (found.probabilities.cumsum(axis=1)[:, :-1] < generator.random((400, 1))).sum(axis=1)
        null.append(METRICS["ece15"].value(dataclasses.replace(found, labels=labels)))
    floor = consistency(found, BINNED)["ece15"].floor
    assert floor == pytest.approx(np.mean(null), rel=0.05)
    assert consistency(found, BINNED)["l2sq15"].floor == pytest.approx(0, abs=3e-4)


def test_p_is_small_for_overconfidence_and_not_for_calibration():
    over = consistency(make_outcomes(600, 1, temperature=2.5), BINNED)
    assert {name: found.p for name, found in over.items()} == {"ece15": 0.001, "l2sq15": 0.001}
    assert all(found.p > 0.01 for found in consistency(make_outcomes(600, 1), BINNED).values())


def test_p_is_uniform_under_calibration():
    p = [consistency(make_outcomes(150, seed), BINNED[:1], draws=99)["ece15"].p for seed in range(300)]
    # Kolmogorov: the largest distance of 300 uniform draws from the diagonal exceeds .094 once in a hundred.
    assert np.abs(np.sort(p) - np.arange(1, 301) / 300).max() < 0.094 + 0.01


def test_nothing_can_be_less_likely_than_one_in_all_draws():
    found = make_outcomes(300, temperature=5)
    assert consistency(found, BINNED, draws=19)["ece15"].p == 1 / 20


def test_certain_and_right_is_calibrated():
    found = make_outcomes(40, scale=1e6, temperature=1)
    result = consistency(found, BINNED)["ece15"]
    assert (result.floor, result.p) == (0, 1)


def test_the_order_of_items_is_irrelevant():
    found = make_outcomes(200)
    assert consistency(found, BINNED) == consistency(found.take(np.random.default_rng(0).permutation(200)), BINNED)


def test_the_seed_matters_and_repeats():
    found = make_outcomes(100, temperature=1.3)
    assert consistency(found, BINNED, seed=1) == consistency(found, BINNED, seed=1)
    assert consistency(found, BINNED, seed=1)["ece15"].floor != consistency(found, BINNED, seed=2)["ece15"].floor


def test_undefined_for_one_item_where_the_error_is():
    result = consistency(make_outcomes(1), BINNED)["l2sq15"]
    assert np.isnan(result.floor)
    assert np.isnan(result.p)


BY_CLASS = [METRICS[name] for name in ("cwece15", "tlece15", "ace15", "tace15")]
ALL_BINNED = [metric for metric in METRICS.values() if has_floor(metric)]


def test_every_binned_error_has_a_floor():
    assert {"ece15", "ece15_mass", "ece_sweep", "mce15", "rmsce15", "oe15", "l1db15"} <= {m.name for m in ALL_BINNED}
    found = consistency(make_outcomes(200), ALL_BINNED, draws=49)
    assert set(found) == {metric.name for metric in ALL_BINNED}
    assert all(np.isfinite(each.floor) and 0 < each.p <= 1 for each in found.values())


def test_excess_is_what_lies_above_the_floor():
    found = consistency(make_outcomes(600, 1, temperature=2.5), BINNED)["ece15"]
    assert found.excess == found.value - found.floor > 0.1


@pytest.mark.parametrize("name", ["cwece15", "tlece15", "ace15", "tace15", "ece_sweep"])
def test_floors_are_the_mean_error_of_redrawn_labels(name):
    generator = np.random.default_rng(0)
    found = make_outcomes(300, 3, classes=4)
    null = []
    for _ in range(300):
        labels = (found.probabilities.cumsum(axis=1)[:, :-1] < generator.random((300, 1))).sum(axis=1)
        null.append(METRICS[name].value(dataclasses.replace(found, labels=labels)))
    floor = consistency(found, [METRICS[name]])[name].floor
    # Five standard errors of both simulations.
    assert floor == pytest.approx(np.mean(null), abs=5 * np.std(null) * np.sqrt(1 / 300 + 1 / 999))


def test_errors_by_class_see_a_bias_that_the_confidence_hides():
    """Labels drawn for two classes with their probabilities exchanged where the answer is neither."""
    found = make_outcomes(900, 2, classes=3)
    swapped = dataclasses.replace(found, labels=np.where(found.labels == 1, 2, np.where(found.labels == 2, 1, 0)))
    assert all(each.p < 0.01 for each in consistency(swapped, BY_CLASS, draws=199).values())
    assert all(each.p > 0.01 for each in consistency(found, BY_CLASS, draws=199).values())


def test_p_of_a_class_error_is_uniform_under_calibration():
    p = [consistency(make_outcomes(120, seed), BY_CLASS[:1], draws=49)["cwece15"].p for seed in range(300)]
    assert np.abs(np.sort(p) - np.arange(1, 301) / 300).max() < 0.094 + 0.02


def test_the_debiased_l1_error_keeps_a_floor_of_three_fifths():
    """Without any true error 2 |d| - E|d + noise| is on average (2 - sqrt 2) times the plug-in."""
    found = consistency(make_outcomes(3000, 4), [METRICS["l1db15"], METRICS["ece15_mass"]])
    assert found["l1db15"].floor / found["ece15_mass"].floor == pytest.approx(2 - np.sqrt(2), abs=0.03)


def test_what_has_no_floor_or_no_draws_is_refused():
    with pytest.raises(BadInput) as caught:
        consistency(make_outcomes(9), [METRICS["accuracy"], METRICS["ece15"], METRICS["ks"]])
    assert str(caught.value) == ("Got accuracy, ks, which have no floor; only binned errors of drawn answers have one.")
    with pytest.raises(BadInput) as caught:
        consistency(make_outcomes(9), BINNED, draws=0)
    assert str(caught.value) == "Got draws=0, but a floor needs at least 1, better 999."
