import dataclasses
import itertools
import math

import numpy as np
import pytest

from bench.calibration.binning import bin_sums, equal_mass
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.statistics.permutation import permutation_test
from bench.statistics.sufficient import summable
from tests.prediction_factory import make_outcomes

FIRST, SECOND = make_outcomes(15, 1, temperature=2), make_outcomes(15, 2)


def swapped(first, second, sides):
    """Both conditions after the groups with a 1 have swapped sides; items are in the same order in both."""
    swaps = np.array(sides)[first.groups[1]] == 1

    def mixed(one, other):
        fields = ("probabilities", "log_probabilities", "labels", "top")
        kept = {}
        for name in fields:
            mine, theirs = getattr(one, name), getattr(other, name)
            kept[name] = np.where(swaps if mine.ndim == 1 else swaps[:, None], theirs, mine)
        return dataclasses.replace(one, **kept)

    return mixed(first, second), mixed(second, first)


def every_difference(first, second, value):
    everything = itertools.product([0, 1], repeat=len(first.groups[0]))
    return np.array([value(one) - value(other) for one, other in (swapped(first, second, each) for each in everything)])


@pytest.mark.parametrize("name", ["gap", "accuracy", "nll", "brier"])
def test_few_groups_are_enumerated(name):
    differences = every_difference(FIRST, SECOND, METRICS[name].value)
    found = permutation_test(FIRST, SECOND, metrics=[name])[name]
    assert found.exact
    assert found.value == pytest.approx(METRICS[name].value(FIRST) - METRICS[name].value(SECOND))
    # The first of all differences is the observed one.
    assert found.p == (np.abs(differences) >= abs(differences[0]) - 1e-9).mean()


def test_bins_are_those_of_both_conditions_together():
    both = equal_mass(np.concatenate([FIRST.confidence, SECOND.confidence]), 15)
    bin_of = dict(zip(np.concatenate([FIRST.confidence, SECOND.confidence]).tolist(), both.tolist(), strict=True))

    def value(one):
        index = np.array([bin_of[each] for each in one.confidence.tolist()])
        return float(METRICS["l2sq15"].formula(bin_sums(index, 15, one.confidence, one.correct)))

    differences = every_difference(FIRST, SECOND, value)
    found = permutation_test(FIRST, SECOND, metrics=["l2sq15"])["l2sq15"]
    assert found.value == pytest.approx(differences[0])
    assert found.p == (~(np.abs(differences) < abs(differences[0]) - 1e-9)).mean()


def test_an_undefined_permutation_counts_as_larger():
    # A bin for each condition holds both items; after one of two groups has swapped, no bin of either holds two.
    first, second = (Outcomes.from_probabilities([[p, 1 - p]] * 2, [0, 1]) for p in (0.6, 0.8))
    found = permutation_test(first, second, metrics=["l2sq15"])["l2sq15"]
    assert found.value == pytest.approx((0.1**2 - 0.25) - (0.3**2 - 0.25))
    assert found.p == 1.0


def test_p_by_hand():
    # Three groups of one item; the first condition is right in all, the second in none.
    right, wrong = (Outcomes.from_probabilities(np.tile([0.75, 0.25], (3, 1)), labels) for labels in ([0] * 3, [1] * 3))
    found = permutation_test(right, wrong, metrics=["accuracy", "confidence"])
    # Of 8 swaps, none and all are as extreme.
    assert (found["accuracy"].value, found["accuracy"].p) == (1.0, 0.25)
    assert (found["confidence"].value, found["confidence"].p) == (0.0, 1.0)


def test_draws_come_close_to_enumeration():
    first, second = make_outcomes(36, 3, temperature=2), make_outcomes(36, 4)
    exact, drawn = (permutation_test(first, second, draws=draws) for draws in (4096, 4095))
    for name, each in drawn.items():
        assert exact[name].exact
        assert not each.exact
        # Four standard errors of a share of 4,095.
        assert each.p == pytest.approx(exact[name].p, abs=4 * 0.5 / math.sqrt(4095) + 1 / 4096)


def test_the_least_p_of_drawn_permutations():
    first, second = make_outcomes(300, 1, temperature=8), make_outcomes(300, 1, temperature=0.5)
    found = permutation_test(first, second, draws=199, metrics=["gap"])["gap"]
    assert (found.p, found.exact) == (1 / 200, False)


@pytest.mark.parametrize("n", [18, 90])
def test_a_condition_against_itself(n):
    found = make_outcomes(n, 1)
    for each in permutation_test(found, found.take(np.arange(n)[::-1]), draws=99).values():
        assert (each.value, each.p) == (pytest.approx(0, abs=1e-12), 1.0)


def test_the_sides_and_the_order_of_items_are_irrelevant():
    first, second = make_outcomes(90, 1, temperature=2), make_outcomes(90, 2)
    there = permutation_test(first, second, draws=199)
    back = permutation_test(second.take(np.random.default_rng(0).permutation(90)), first, draws=199)
    for name, each in there.items():
        assert (back[name].value, back[name].p) == (pytest.approx(-each.value, abs=1e-12), each.p)


def test_the_seed_decides_the_draw():
    first, second = make_outcomes(90, 1), make_outcomes(90, 2)
    once, again, other = (permutation_test(first, second, 499, seed, metrics=["gap"]) for seed in (0, 0, 1))
    assert once == again != other


def test_p_is_uniform_where_conditions_are_exchangeable():
    names = ["gap", "nll", "l2sq15"]
    p = {name: [] for name in names}
    for seed in range(200):
        pair = make_outcomes(60, seed), make_outcomes(60, 1000 + seed)
        for name, each in permutation_test(*pair, draws=99, metrics=names).items():
            p[name].append(each.p)
    for name in names:
        # Three standard errors of a mean of 200 uniform numbers, and of a share of .2.
        assert np.mean(p[name]) == pytest.approx(0.5, abs=0.065)
        assert np.mean(np.array(p[name]) <= 0.2) == pytest.approx(0.2, abs=0.085)


def test_items_of_a_group_swap_together():
    """Three copies of an item carry the information of one: p is that of the single items."""
    single = make_outcomes(10, 1, group_size=1, temperature=3), make_outcomes(10, 2, group_size=1)

    def copied(one):
        rows = np.repeat(np.arange(10), 3)
        items = np.array([f"i{row}" for row in range(30)])
        return dataclasses.replace(one.take(rows), item_ids=items)

    for name in ("gap", "nll"):
        once = permutation_test(*single, metrics=[name])[name]
        assert permutation_test(*map(copied, single), metrics=[name])[name] == dataclasses.replace(
            once, value=pytest.approx(once.value)
        )


def test_undefined_values_have_no_p():
    one = Outcomes.from_probabilities([[0.75, 0.25], [0.6, 0.4]], [0, 1])
    found = permutation_test(one, one, metrics=["l2sq15"])["l2sq15"]
    assert math.isnan(found.value)
    assert math.isnan(found.p)


def test_all_metrics_that_are_functions_of_sums_are_tested_by_default():
    assert set(permutation_test(FIRST, SECOND)) == set(summable(FIRST))
    with_posterior = make_outcomes(15, 1, posterior=True)
    assert "true_error" in permutation_test(with_posterior, with_posterior)
    assert "true_error" not in permutation_test(with_posterior, SECOND)


def test_other_items_are_refused():
    with pytest.raises(BadInput, match="on one side of a paired contrast only"):
        permutation_test(FIRST, make_outcomes(18))


def test_other_classes_are_refused():
    with pytest.raises(BadInput) as caught:
        permutation_test(FIRST, make_outcomes(15, classes=4))
    assert str(caught.value) == (
        "Got 3 and 4 classes, but conditions that may swap have the same; compare predictions of one task."
    )


def test_metrics_of_the_whole_sample_are_refused():
    with pytest.raises(BadInput) as caught:
        permutation_test(FIRST, SECOND, metrics=["gap", "ece_sweep"])
    assert str(caught.value) == (
        "Got metric 'ece_sweep', but the permutation test takes metrics that are functions of sums; "
        f"choose among {', '.join(summable(FIRST))}."
    )


def test_too_few_draws():
    with pytest.raises(BadInput) as caught:
        permutation_test(FIRST, SECOND, draws=0)
    assert str(caught.value) == "Got draws=0, but a permutation test needs at least 1, better 9999."
