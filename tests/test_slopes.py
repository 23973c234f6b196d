"""Slopes over a ladder, t estimates and verdicts: against least squares by another route, and against known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.errors import BadInput
from bench.statistics.ladder_slope import between_worlds
from bench.statistics.seed_means import Measured, linear, seed_mean
from bench.statistics.slopes import fitted_ends, log_sizes, residual_change, slope_weights
from bench.statistics.t_estimate import TEstimate, of_sample
from bench.statistics.verdict import SMALLEST_EFFECT, judge
from tests.simulations.verdicts import DESIGNS, PARAMETERS, verdict_rates, verdicts

values_4 = st.lists(st.floats(-1, 1), min_size=4, max_size=4).map(np.array)


@given(values_4)
def test_the_slope_and_its_residual_error_are_those_of_least_squares(values) -> None:
    # scipy's own error is lost to rounding, or not a number, where nothing is left over.
    assume(np.ptp(values) > 1e-3)
    axis = log_sizes(PARAMETERS)
    found = stats.linregress(axis, values)
    residual = residual_change(axis, values)

    assert slope_weights(axis) @ values == pytest.approx(found.slope, abs=1e-12)
    assert residual is not None
    assert residual.freedom == 2
    assert residual.value == pytest.approx(found.slope * np.ptp(axis), abs=1e-12)
    assert residual.error == pytest.approx(found.stderr * np.ptp(axis), abs=1e-7)
    assert fitted_ends(axis, values)[0] == pytest.approx(found.intercept + found.slope * axis[0], abs=1e-9)
    assume(residual.error > 1e-4)
    assert residual.p == pytest.approx(found.pvalue, abs=1e-6)


def test_a_slope_needs_two_sizes_that_differ_and_a_residual_three() -> None:
    with pytest.raises(BadInput, match=r"Got sizes \[1.0, 1.0\], but a slope needs at least two that differ"):
        log_sizes([1.0, 1.0])
    assert residual_change(log_sizes([1, 10]), np.zeros(2)) is None


@given(st.floats(-0.05, 0.05), st.floats(1e-4, 0.05), st.integers(1, 30))
def test_the_interval_and_the_p_values_agree(value, error, freedom) -> None:
    one = TEstimate(value, error, freedom)
    low, high = one.interval()
    inner = one.interval(0.90)
    assume(min(abs(low), abs(high), abs(abs(inner[0]) - 0.01), abs(abs(inner[1]) - 0.01)) > 1e-9)

    assert (one.p <= 0.05) == (not low <= 0 <= high)
    assert (one.p_equivalent(0.01) <= 0.05) == (inner[0] >= -0.01 and inner[1] <= 0.01)


def test_an_unknown_error_has_no_p_and_one_value_no_spread() -> None:
    assert math.isnan(TEstimate(0.1, math.nan, 3).p)
    with pytest.raises(BadInput, match="Got 1 value"):
        of_sample([1.0])


@given(
    st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.5, 1.0]), st.integers(0, 4)), min_size=1, max_size=6),
    st.integers(0, 100),
)
def test_without_replicates_the_item_error_is_never_smaller_than_with_them(terms, seed) -> None:
    drawn = np.random.default_rng(seed).normal(size=(5, 200))
    groups = 100
    factor = math.sqrt(groups / (groups - 1))
    joint = [Measured(0.0, float(row.std(ddof=1)) * factor, groups, row) for row in drawn]
    bounds = [Measured(each.value, each.error, groups) for each in joint]

    exact = linear([(c, joint[place]) for c, place in terms]).error
    assert exact <= linear([(c, bounds[place]) for c, place in terms]).error + 1e-12


def test_seeds_that_share_their_items_count_them_once() -> None:
    shared = np.random.default_rng(0).normal(scale=0.01, size=500)
    alike = [Measured(0.0, 0.01, 400, shared)] * 3

    assert seed_mean(alike).estimate.error == pytest.approx(linear([(1.0, alike[0])]).error)
    assert seed_mean(alike[:1]).item_only


SURE = DESIGNS[0]


def test_without_a_change_a_family_rejects_at_most_at_its_level() -> None:
    (found,) = verdict_rates(300, 7, [SURE], [0.0])

    # 5 % over the three tests, and three standard errors of 300 simulations.
    assert found.wrong <= 0.05 + 3 * 0.0126


@pytest.mark.parametrize(("change", "right"), [(0.2, "supported"), (-0.2, "contradicted")])
def test_a_large_change_is_found_with_its_sign(change, right) -> None:
    generator = np.random.default_rng(7)
    found = [verdicts(SURE, change, generator)[0] for _ in range(100)]

    assert set(found) <= {right, "undecided"}
    assert found.count(right) >= 80


def test_a_change_of_the_smallest_interest_is_called_nothing_at_most_at_the_level() -> None:
    (found,) = verdict_rates(300, 7, [SURE], [SMALLEST_EFFECT])

    assert found.nothing <= 0.05 + 3 * 0.0126


def test_a_tiny_change_that_is_sure_is_equivalent_to_nothing() -> None:
    (one,) = judge([[TEstimate(0.002, 0.0001, 50)]])

    assert (one.verdict, one.p < 0.05) == ("equivalent to nothing", True)


def test_each_estimate_has_to_reject_and_a_test_that_cannot_be_made_has_no_verdict() -> None:
    sure, unsure = TEstimate(0.1, 0.001, 50), TEstimate(0.1, 0.2, 2)

    assert [one.verdict for one in judge([[sure], [sure, unsure], []])] == ["supported", "undecided", "no verdict"]


def test_a_test_that_cannot_be_made_was_announced_all_the_same() -> None:
    one = TEstimate(0.1, 0.05, 50)

    assert judge([[one], [], []])[0].p == pytest.approx(3 * one.p)
    assert judge([[one]])[0].p == pytest.approx(one.p)


def test_worlds_are_the_unit_of_the_artificial_ones() -> None:
    # Every world has a slope of its own, of mean 0: items and seeds of each world know nothing of that.
    (found,) = verdict_rates(300, 3, [DESIGNS[-1]], [0.0])

    assert found.wrong <= 0.05 + 3 * 0.0126
    assert between_worlds([]) is None


def test_a_test_of_three_has_to_be_three_times_as_sure() -> None:
    once = TEstimate(0.1, 0.1 / 2.3, 50)
    nothing = TEstimate(0.0, 0.1, 50)

    assert [one.verdict for one in judge([[once]])] == ["supported"]
    assert [one.verdict for one in judge([[once], [nothing], [nothing]])] == ["undecided"] * 3


def test_what_items_do_to_each_seed_alone_counts_once() -> None:
    drawn = np.random.default_rng(1).normal(scale=0.01, size=(3, 4000))
    # The values differ by as much as their items make them.
    runs = [Measured(value, 0.01, 400, row) for value, row in zip((-0.01, 0.0, 0.01), drawn, strict=True)]

    assert seed_mean(runs).estimate.error == pytest.approx(0.01 / math.sqrt(3), rel=0.05)
    bounds = [Measured(each.value, each.error, 400) for each in runs]
    assert seed_mean(bounds).estimate.error == pytest.approx(math.sqrt(0.01**2 + 0.01**2 / 3))
