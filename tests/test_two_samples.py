"""The change between two groups of seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.errors import BadInput
from bench.statistics.two_samples import change

sides = st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=6)


@given(sides, sides)
def test_it_is_student_s_test(old, new):
    found = change(np.array(old), np.array(new))
    if found.error > 1e-6:
        expected = stats.ttest_ind(new, old)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        assert found.freedom == expected.df
        bounds = expected.confidence_interval(0.99)
        assert found.interval(0.99) == pytest.approx((bounds.low, bounds.high), rel=1e-6, abs=1e-9)


def test_the_detectable_change_is_found_in_four_of_five_runs():
    generator = np.random.default_rng(0)
    deviation, seeds = 0.01, 8
    size = change(np.zeros(seeds), np.zeros(seeds)).detectable(0.95)
    assert size == 0
    spread = math.sqrt(2 / seeds) * deviation
    expected = (stats.t.ppf(0.975, 14) + stats.t.ppf(0.8, 14)) * spread
    found = []
    for _ in range(2000):
        old, new = generator.normal(0, deviation, (2, seeds))
        found.append(change(old, new + expected).p < 0.05)

    assert 0.77 < np.mean(found) < 0.83


def test_equal_values_changed_by_chance_alone_and_a_change_without_spread_did_not():
    assert change(np.array([0.5, 0.5]), np.array([0.5, 0.5])).p == 1
    assert change(np.array([0.5, 0.5]), np.array([0.6, 0.6])).p == 0


def test_one_seed_has_no_spread():
    with pytest.raises(BadInput, match=r"Got 1 and 3 seeds, but a spread needs at least two on each side\."):
        change(np.ones(1), np.ones(3))
