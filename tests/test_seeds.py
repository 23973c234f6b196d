import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration.metrics import METRICS
from bench.errors import BadInput
from bench.statistics.contrasts import estimates, resample, transfer
from bench.statistics.intervals import estimate
from bench.statistics.seeds import over_seeds, satterthwaite, seed_estimate
from tests.prediction_factory import make_outcomes

NLL = METRICS["nll"]


def test_satterthwaite_by_hand():
    # (4 + 2)^2 / (16 / 10 + 4 / 2)
    assert satterthwaite(6, [(4, 10), (2, 2)]) == pytest.approx(10)


@given(st.floats(0.01, 100), st.integers(1, 100))
def test_a_single_part_keeps_its_degrees_of_freedom(variance, freedom):
    assert satterthwaite(variance, [(variance, freedom), (0, 1)]) == pytest.approx(freedom)


def test_no_variance_has_no_end_of_freedom():
    assert satterthwaite(0, [(0, 3), (0, 2)]) == math.inf


def limits(value, variance, freedom):
    half = scipy.stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    return pytest.approx(value - half), pytest.approx(value + half)


def test_seeds_that_agree_on_items_by_hand():
    # The seed mean's replicates 11 and 13 have variance 2, with three groups 2 * 3/2; no deviations from it.
    found = seed_estimate(NLL, np.array([11.0, 13.0]), np.array([[10.0, 12.0], [12.0, 14.0]]), groups=3)
    assert (found.item_variance, found.seed_variance) == (pytest.approx(3), pytest.approx(2 / 2))
    # (3 + 1)^2 / (3^2 / 2 + 1^2 / 1)
    assert found.freedom == pytest.approx(16 / 5.5)
    assert (found.estimate.value, found.seeds, found.item_only) == (12, 2, False)


def test_what_items_do_to_each_seed_alone_is_counted_once_by_hand():
    # Deviations from the mean 11, 13: -1, 1 and 1, -1, of variance 2 each; (2 + 2) * 3/2 / (2 - 1) = 6.
    replicates = np.array([[10.0, 14.0], [12.0, 12.0]])
    found = seed_estimate(NLL, np.array([9.0, 15.0]), replicates, groups=3)
    # s^2 = 18.
    assert (found.item_variance, found.seed_variance) == (pytest.approx(3), pytest.approx((18 - 6) / 2))
    assert found.freedom == pytest.approx(81 / (9 / 2 + 9**2 / 1))
    # s^2 = 2: seeds differ by no more than their items make them.
    found = seed_estimate(NLL, np.array([11.0, 13.0]), replicates, groups=3)
    assert (found.item_variance, found.seed_variance) == (pytest.approx(3), 0)
    assert found.freedom == pytest.approx(9 / (9 / 2 + 1))


def test_the_interval_is_that_of_t():
    replicates = np.array([[40.0, 42.0], [42.0, 44.0]])
    found = seed_estimate(NLL, np.array([41.0, 43.0]), replicates, groups=3)
    assert (found.estimate.low, found.estimate.high) == limits(42, 4, 16 / 5.5)


def test_two_way_random_effects_by_hand():
    """Against the textbook mean squares, by bootstrap moments that are exact: all draws of two groups."""
    items = np.array([[1.0, 4.0], [2.0, 3.0], [3.0, 8.0]])  # (seeds, groups)
    draws = np.array([[2, 0], [1, 1], [1, 1], [0, 2]]) / 2
    # The four draws are the whole distribution: variance by 4, where B - 1 = 3 is divided by.
    found = seed_estimate(NLL, items.mean(axis=1), items @ draws.T, groups=2)
    grand = items.mean()
    rows, columns = items.mean(axis=1) - grand, items.mean(axis=0) - grand
    rest = items - grand - rows[:, None] - columns
    by_items, by_seeds, interaction = 3 * (columns**2).sum() / 1, 2 * (rows**2).sum() / 2, (rest**2).sum() / 2
    assert found.item_variance == pytest.approx(4 / 3 * by_items / 6)
    assert found.seed_variance == pytest.approx(max(by_seeds - 4 / 3 * interaction, 0) / 6)
    assert found.seed_variance > 0


def test_one_seed_is_an_estimate_over_items_only():
    replicates = np.linspace(0, 1, 1001)[None]
    found = seed_estimate(METRICS["accuracy"], np.array([0.6]), replicates, groups=40)
    assert found.estimate == estimate(METRICS["accuracy"], 0.6, replicates[0])
    assert found.item_only
    assert found.freedom == 39
    assert math.isnan(found.seed_variance)


def test_the_bias_of_a_plug_in_error_is_taken_off():
    replicates = np.array([[0.3, 0.34], [0.32, 0.36]])
    values = np.array([0.21, 0.23])
    plug_in, mean = (seed_estimate(METRICS[name], values, replicates, groups=1000) for name in ("ece15", "accuracy"))
    # The replicates are .33 on average, .11 above the mean.
    assert (mean.estimate.low + mean.estimate.high) / 2 == pytest.approx(0.22)
    assert plug_in.estimate.value == 0.22
    low, high = (limit - 0.11 for limit in (mean.estimate.low, mean.estimate.high))
    assert (plug_in.estimate.low, plug_in.estimate.high) == (pytest.approx(max(low, 0)), pytest.approx(high))


def test_limits_stay_in_the_range_of_the_contrast():
    values, replicates = np.array([-0.9, 0.9]), np.array([[-0.8, -1.0], [0.8, 1.0]])
    found = seed_estimate(METRICS["accuracy"], values, replicates, groups=100, coefficients=(1.0, -1.0))
    assert (found.estimate.low, found.estimate.high) == (-1.0, 1.0)


def test_seeds_that_say_the_same_add_nothing():
    found = over_seeds([resample(make_outcomes(90, 1), 100, 0)] * 4)["gap"]
    assert found.seed_variance == 0
    assert found.freedom == pytest.approx(29)
    assert (found.estimate.low, found.estimate.high) == limits(found.estimate.value, found.item_variance, 29)


def test_what_is_not_finite_has_no_interval():
    replicates = np.array([[0.1, np.nan], [0.2, 0.3]])
    found = seed_estimate(NLL, np.array([0.1, 0.2]), replicates, groups=10).estimate
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    infinite = seed_estimate(NLL, np.array([0.1, np.inf]), np.array([[0.1, 0.2], [np.inf, 0.3]]), groups=10).estimate
    assert math.isnan(infinite.low)


def test_one_group_gives_no_interval():
    found = over_seeds([resample(make_outcomes(3, seed), 20, 0) for seed in (1, 2)])["gap"]
    assert math.isfinite(found.estimate.value)
    assert math.isnan(found.estimate.low)


def runs(*seeds, temperature=1.0):
    return [resample(make_outcomes(120, seed, temperature=temperature), 100, 0) for seed in seeds]


def test_seeds_of_a_cell():
    cells = runs(1, 2, 3)
    found = over_seeds(cells)
    assert set(found) == set(cells[0].values)
    for name, each in found.items():
        assert each.estimate.value == pytest.approx(np.mean([cell.values[name] for cell in cells]))
    assert over_seeds(cells[:1])["gap"].estimate == estimates(cells[0])["gap"]


def test_seeds_of_a_contrast():
    transfers = [transfer(*pair) for pair in zip(runs(1, 2, 3, temperature=2), runs(4, 5, 6), strict=True)]
    found = over_seeds(transfers)
    assert "ece15" not in found
    assert found["gap"].estimate.value == pytest.approx(np.mean([each.values["gap"] for each in transfers]))


def test_seeds_must_share_the_draw_the_items_and_the_contrast():
    first, second = runs(1, 2)
    with pytest.raises(BadInput, match=r"Got \[100\] replicates of seeds \[0, 1\]"):
        over_seeds([first, resample(make_outcomes(120, 2), 100, 1)])
    with pytest.raises(BadInput, match="on one side of a paired contrast only"):
        over_seeds([first, resample(make_outcomes(90, 2), 100, 0)])
    with pytest.raises(BadInput) as caught:
        over_seeds([first, transfer(first, second)])
    assert str(caught.value) == "Got different contrasts as seeds of one; combine seeds of the same contrast."
