import numpy as np
import pytest

from bench.calibration.consistency import consistency
from bench.calibration.metrics import METRICS
from tests.prediction_factory import make_outcomes

BINNED = [METRICS["ece15"], METRICS["l2sq15"]]


def test_the_floor_is_the_mean_error_of_calibrated_outcomes():
    generator = np.random.default_rng(0)
    found = make_outcomes(400, 3)
    null = []
    for _ in range(400):
        labels = (found.probabilities.cumsum(axis=1)[:, :-1] < generator.random((400, 1))).sum(axis=1)
        null.append(METRICS["ece15"].value(type(found)(**{**_fields(found), "labels": labels})))
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


def _fields(found):
    return {name: getattr(found, name) for name in found.__slots__}
