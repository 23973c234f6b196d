import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from bench.calibration import kernel
from bench.calibration.kernel import (
    BANDWIDTH,
    SKCE,
    SKCE_BLOCKED,
    skce,
    skce_blocked,
    skce_blocked_test,
    skce_test,
)
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

CERTAIN = [[1.0, 0.0], [0.0, 1.0]]
EVEN = [0.5, 0.5]
# Kolmogorov: the largest distance of 300 uniform draws from the diagonal exceeds .094 once in a hundred.
UNIFORM_300 = 0.094


def of(found):
    return found.probabilities, found.labels


def pair(first, second, first_label, second_label):
    """h of the definition, element by element."""
    distance = sum(abs(p - q) for p, q in zip(first, second, strict=True)) / 2
    product = sum(
        ((k == first_label) - p) * ((k == second_label) - q) for k, (p, q) in enumerate(zip(first, second, strict=True))
    )
    return math.exp(-distance / BANDWIDTH) * product


def mean_of_pairs(found):
    n = len(found)
    given, labels = of(found)
    values = [pair(given[i], given[j], labels[i], labels[j]) for i in range(n) for j in range(i)]
    return np.mean(values)


# The cases of CalibrationErrors.jl's own tests, with this kernel: opposite certainties are 1 apart.
@pytest.mark.parametrize(
    ("labels", "expected"), [([0, 1], 0), ([0, 0], 0), ([1, 1], 0), ([1, 0], -2 * math.exp(-1 / BANDWIDTH))]
)
def test_two_certain_answers_by_hand(labels, expected):
    assert skce(CERTAIN, labels) == pytest.approx(expected, abs=1e-15)
    assert skce_blocked(np.repeat(CERTAIN, 10, axis=0), np.repeat(labels, 10)) == pytest.approx(expected, abs=1e-15)


def test_three_items_by_hand():
    # The residuals (1/2, -1/2), (-1/2, 1/2) and (-1, 1); the third is 1/2 from the others.
    near = math.exp(-0.5 / BANDWIDTH)
    expected = (-0.5 - near + near) / 3
    assert skce([EVEN, EVEN, [1.0, 0.0]], [0, 1, 1]) == pytest.approx(expected, abs=1e-15)


def test_the_range_is_attained():
    assert skce([EVEN, EVEN], [0, 1]) == SKCE.low == -0.5
    assert skce([[1.0, 0.0]] * 3, [1, 1, 1]) == SKCE.high == 2


def test_no_pair_is_below_the_range_whatever_the_predictions():
    generator = np.random.default_rng(0)
    given = generator.dirichlet([0.4, 0.4, 0.1], (20_000, 2))
    given = np.concatenate([given, np.round(given, 1)])
    given[..., 0] += 1 - given.sum(axis=-1)
    values = [skce(two, [0, 1]) for two in given]
    assert min(values) >= -0.5 - 1e-12
    # The search comes close to the bound.
    assert min(values) < -0.45


@given(outcomes(max_items=15))
def test_it_is_the_mean_over_pairs(found):
    if len(found) < 2:
        assert np.isnan(skce(*of(found)))
    else:
        assert skce(*of(found)) == pytest.approx(mean_of_pairs(found), abs=1e-12)
        assert SKCE.low - 1e-12 <= SKCE.value(found) <= SKCE.high + 1e-12


@pytest.mark.parametrize("cells", [1, 100, 1000, 10_000])
def test_chunks_change_nothing(cells, monkeypatch):
    found = make_outcomes(70, classes=4)
    monkeypatch.setattr(kernel, "_KERNEL_CELLS", cells)
    assert skce(*of(found)) == pytest.approx(mean_of_pairs(found), abs=1e-13)


@pytest.mark.parametrize(("classes", "scale"), [(2, 2.0), (3, 2.0), (200, 5.0)])
@pytest.mark.parametrize("estimate", [skce, skce_blocked])
def test_under_calibration_the_mean_is_0(estimate, classes, scale):
    found = [estimate(*of(make_outcomes(30, seed, classes=classes, scale=scale))) for seed in range(500)]
    assert abs(np.mean(found)) < 5 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0 < max(found)


def test_both_estimates_have_one_mean():
    made = [of(make_outcomes(40, seed, temperature=3)) for seed in range(500)]
    linear = np.array([skce_blocked(*each) for each in made])
    quadratic = np.array([skce(*each) for each in made])
    assert quadratic.mean() > 5 * quadratic.std() / np.sqrt(500)
    assert abs((linear - quadratic).mean()) < 5 * (linear - quadratic).std() / np.sqrt(500)
    assert quadratic.std() < linear.std()


@given(outcomes(), st.data())
def test_weight_k_is_k_copies(found, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(found), max_size=len(found)).filter(any)))
    copies = found.take(np.repeat(np.arange(len(found)), weights))
    weighted = SKCE.value(found, weights.astype(float))
    assert weighted == pytest.approx(SKCE.value(copies), abs=1e-12, nan_ok=True)


def test_every_item_twice_raises_it():
    # A copy agrees with itself: -1/2 alone, (4 * -1/2 + 2 * 1/2) / 6 twice.
    assert skce([EVEN, EVEN], [0, 1]) == -0.5
    assert skce([EVEN, EVEN] * 2, [0, 1] * 2) == pytest.approx(-1 / 6)


def test_blocks_depend_on_order_and_on_copies():
    given, labels = [[1.0, 0.0], [1.0, 0.0], EVEN, EVEN], [1, 1, 0, 0]
    near = math.exp(-0.5 / BANDWIDTH)
    # Items 0 and 2, 1 and 3: residuals (-1, 1) and (1/2, -1/2).
    assert skce_blocked(given, labels) == pytest.approx(-near)
    # The two wrong certainties together, and the two even answers.
    assert skce_blocked([given[row] for row in (0, 2, 1, 3)], [1, 0, 1, 0]) == pytest.approx((2 + 0.5) / 2)
    assert skce_blocked(given * 2, labels * 2) == pytest.approx((2 + 2 + 0.5 + 0.5) / 4)


def test_a_block_takes_items_far_apart_and_leaves_the_rest_out():
    found = make_outcomes(11, classes=4)
    expected = [skce(*of(found.take(np.array([first, first + 3, first + 6])))) for first in range(3)]
    assert skce_blocked(*of(found), block=3) == pytest.approx(np.mean(expected), abs=1e-14)


def test_one_block_is_the_quadratic_estimate():
    found = make_outcomes(12)
    assert skce_blocked(*of(found), block=12) == pytest.approx(skce(*of(found)), abs=1e-14)


def test_too_few_items_are_undefined():
    one = make_outcomes(1)
    assert np.isnan([skce(*of(one)), skce_blocked(*of(one)), *dataclasses.astuple(skce_test(*of(one)))]).all()
    assert np.isnan(dataclasses.astuple(skce_blocked_test(*of(one)))).all()
    assert np.isnan(skce_blocked(*of(make_outcomes(4)), block=5))
    assert not SKCE.defined(one)
    assert SKCE.defined(make_outcomes(2))


@pytest.mark.parametrize("classes", [2, 3, 200])
def test_certain_and_right_is_0(classes):
    found = make_outcomes(40, scale=1e6, classes=classes)
    assert SKCE.value(found) == SKCE_BLOCKED.value(found) == 0
    assert dataclasses.astuple(skce_test(*of(found), draws=9)) == (0, 1)


def test_a_single_class_is_defined():
    given = np.full((30, 3), [0.6, 0.3, 0.1])
    # Every pair has the kernel 1 and the residual (.4, -.3, -.1) twice.
    assert skce(given, np.zeros(30, int)) == pytest.approx(0.16 + 0.09 + 0.01)
    assert skce_test(given, np.zeros(30, int), draws=99).p == 0.01


def test_half_precision_is_close():
    found = make_outcomes(200, temperature=2)
    halves = found.probabilities.astype(np.float16)
    assert skce(halves, found.labels.astype(np.int32)) == pytest.approx(SKCE.value(found), abs=1e-3)


def test_the_test_is_uniform_under_calibration():
    p = np.sort([skce_test(*of(make_outcomes(40, seed)), draws=99, seed=seed).p for seed in range(300)])
    assert np.abs(p - np.arange(1, 301) / 300).max() < UNIFORM_300 + 0.01


@pytest.mark.parametrize("block", [2, 8])
def test_the_blocked_test_is_uniform_under_calibration(block):
    p = np.sort([skce_blocked_test(*of(make_outcomes(800, seed)), block).p for seed in range(300)])
    # A normal is only the limit: blocks of 8 are skewed.
    assert np.abs(p - np.arange(1, 301) / 300).max() < UNIFORM_300 + 0.03


def test_both_tests_see_overconfidence():
    over = of(make_outcomes(600, 1, temperature=3))
    assert skce_test(*over).p == 0.001
    assert skce_blocked_test(*over, block=24).p < 0.001
    assert skce_blocked_test(*of(make_outcomes(6000, 1, temperature=3))).p < 0.001


def test_the_test_sees_what_confidence_hides():
    # Right as often as they are sure of it, but the other two classes are the wrong way round.
    given, labels = np.tile([0.5, 0.4, 0.1], (300, 1)), np.repeat([0, 1, 2], [150, 30, 120])
    assert skce_test(given, labels, draws=99).p == 0.01
    assert skce_test(given, np.repeat([0, 1, 2], [150, 120, 30]), draws=99).p > 0.5


def test_the_value_is_the_estimate_and_the_order_of_items_is_irrelevant():
    found = make_outcomes(100, 4)
    shuffled = found.take(np.random.default_rng(0).permutation(100))
    first, second = skce_test(*of(found), draws=99), skce_test(*of(shuffled), draws=99)
    assert first.value == pytest.approx(SKCE.value(found), abs=1e-14)
    assert (first.p, first.value) == (second.p, pytest.approx(second.value, abs=1e-14))
    assert 0.1 < first.p < 0.9


def test_the_seed_matters_and_repeats():
    found = of(make_outcomes(60, 3))
    assert skce_test(*found, seed=1) == skce_test(*found, seed=1)
    assert skce_test(*found, seed=1).p != skce_test(*found, seed=2).p


def test_chunks_of_draws_change_nothing(monkeypatch):
    found = of(make_outcomes(60, 3))
    whole = skce_test(*found, draws=50)
    monkeypatch.setattr(kernel, "_DRAW_CELLS", 7 * 60 * 3)
    assert skce_test(*found, draws=50) == whole


def test_the_blocked_test_by_hand():
    found = make_outcomes(9, temperature=4)
    blocks = np.array([skce(*of(found.take(np.array([first, first + 4])))) for first in range(4)])
    error = np.sqrt(((blocks - blocks.mean()) ** 2).sum() / 3 / 4)
    made = skce_blocked_test(*of(found))
    assert made.value == pytest.approx(blocks.mean())
    assert made.p == pytest.approx(norm.sf(blocks.mean() / error))


def test_blocks_without_spread_have_no_p():
    assert np.isnan(skce_blocked_test(*of(make_outcomes(3))).p)
    same = skce_blocked_test([[0.7, 0.3]] * 20, [1] * 20)
    assert (same.value, np.isnan(same.p)) == (pytest.approx(2 * 0.49), True)


@pytest.mark.parametrize("function", [skce_blocked, skce_blocked_test])
def test_a_block_of_1_is_refused(function):
    with pytest.raises(BadInput, match=r"^Got block=1, but an unbiased estimate needs blocks of at least 2\.$"):
        function(CERTAIN, [0, 1], 1)


def test_no_draws_are_refused():
    with pytest.raises(BadInput, match=r"^Got draws=0, but a p-value needs at least 1\.$"):
        skce_test(CERTAIN, [0, 1], draws=0)


def test_blocks_take_no_weights():
    message = r"^Got weights, but skce_blocked takes none; use skce, or repeat the items\.$"
    with pytest.raises(BadInput, match=message):
        SKCE_BLOCKED.value(make_outcomes(4), np.ones(4))
