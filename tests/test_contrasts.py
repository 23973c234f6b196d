import dataclasses
import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import recalibrate
from bench.errors import BadInput
from bench.statistics.contrasts import (
    contrast,
    difference,
    difference_in_differences,
    estimates,
    intermediate_effect,
    log_odds,
    resample,
    transfer,
    unpaired_difference,
)
from bench.statistics.sufficient import summable
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

B = 200
TARGET, SOURCE, TARGET_WITHOUT, SOURCE_WITHOUT = (
    resample(make_outcomes(120, seed, temperature=temperature), B, 0)
    for seed, temperature in ((1, 2.0), (2, 1.0), (3, 2.5), (4, 1.2))
)


def same(found, expected):
    """Whether two contrasts have the same values and replicates."""
    assert found.values.keys() == expected.values.keys()
    for name in found.values:
        assert found.values[name] == pytest.approx(expected.values[name], abs=1e-12)
        np.testing.assert_allclose(found.replicates[name], expected.replicates[name], atol=1e-12)


def test_a_language_against_itself_degrades_by_nothing():
    found = make_outcomes(120)
    reversed_ = found.take(np.arange(119, -1, -1))
    for each in estimates(transfer(resample(found, B, 0), resample(reversed_, B, 0))).values():
        assert (each.value, each.low, each.high) == tuple(pytest.approx(0, abs=1e-12) for _ in range(3))


@given(outcomes(max_items=12), st.data())
def test_contrasts_are_antisymmetric(found, data):
    order = np.array(data.draw(st.permutations(range(len(found)))))
    other = dataclasses.replace(found, labels=found.labels[order])
    first, second = resample(found, 20, 0), resample(other, 20, 0)
    there, back = difference(first, second), difference(second, first)
    for name in there:
        assert there[name].value == pytest.approx(-back[name].value, abs=1e-12, nan_ok=True)
        assert there[name].low == pytest.approx(-back[name].high, abs=1e-12, nan_ok=True)
        assert there[name].high == pytest.approx(-back[name].low, abs=1e-12, nan_ok=True)


def test_a_contrast_is_the_difference_of_values_and_of_replicates():
    for found in (transfer(TARGET, SOURCE), intermediate_effect(TARGET, SOURCE)):
        for name in found.values:
            assert found.values[name] == TARGET.values[name] - SOURCE.values[name]
            assert np.array_equal(found.replicates[name], TARGET.replicates[name] - SOURCE.replicates[name])


def test_difference_gives_the_estimates_of_the_contrast():
    assert difference(TARGET, SOURCE) == estimates(transfer(TARGET, SOURCE))


def test_the_change_of_the_gap_is_confidence_minus_accuracy():
    found = transfer(TARGET, SOURCE)
    assert found.values["gap"] == pytest.approx(found.values["confidence"] - found.values["accuracy"])
    np.testing.assert_allclose(
        found.replicates["gap"], found.replicates["confidence"] - found.replicates["accuracy"], atol=1e-12
    )


def test_difference_in_differences_is_the_difference_of_transfers():
    found = difference_in_differences(TARGET, SOURCE, TARGET_WITHOUT, SOURCE_WITHOUT)
    transfers = transfer(TARGET, SOURCE), transfer(TARGET_WITHOUT, SOURCE_WITHOUT)
    same(found, intermediate_effect(*transfers))
    # And of the intermediate effects in the two languages.
    effects = intermediate_effect(TARGET, TARGET_WITHOUT), intermediate_effect(SOURCE, SOURCE_WITHOUT)
    same(found, transfer(*effects))
    assert found.coefficients == (1.0, -1.0, -1.0, 1.0)
    assert found.values["accuracy"] == pytest.approx(
        (TARGET.values["accuracy"] - SOURCE.values["accuracy"])
        - (TARGET_WITHOUT.values["accuracy"] - SOURCE_WITHOUT.values["accuracy"])
    )


def test_a_mean_over_languages_is_a_contrast():
    transfers = [transfer(TARGET, SOURCE), transfer(TARGET_WITHOUT, SOURCE)]
    found = contrast([(0.5, each) for each in transfers])
    directly = contrast([(0.5, TARGET), (0.5, TARGET_WITHOUT), (-1.0, SOURCE)])
    same(found, directly)


def test_pairing_narrows_the_interval():
    first = make_outcomes(600, 1)
    # The same items, every tenth label another: what pairing removes is what both share.
    labels = np.where(np.arange(600) % 10 == 0, (first.labels + 1) % 3, first.labels)
    changed, original = (resample(each, 500, 0) for each in (dataclasses.replace(first, labels=labels), first))
    paired = difference(changed, original)["accuracy"]
    unpaired = estimates(unpaired_difference(changed, original))["accuracy"]
    assert paired.value == unpaired.value
    assert paired.high - paired.low < 0.6 * (unpaired.high - unpaired.low)


def test_replicates_do_not_hold_what_they_were_made_of():
    # A report keeps thousands of them.
    outcomes = make_outcomes(60)
    held, kept = weakref.ref(outcomes), resample(outcomes, 20, 0)
    del outcomes
    gc.collect()
    assert held() is None
    assert len(kept.members[0].item_ids) == 60


def test_only_metrics_whose_differences_mean_something_are_contrasted():
    scored = [make_outcomes(60, seed, posterior=True) for seed in (1, 2)]
    first, second = (resample(each, 20, 0) for each in scored)
    meaningful = {name for name in summable(scored[0]) if METRICS[name].contrast}
    assert {"gap", "nll", "brier", "accuracy", "l2sq15", "true_error"} <= meaningful
    assert "ece15" not in meaningful
    assert set(difference(first, second)) == set(unpaired_difference(first, second).values) == meaningful
    # A mean is no difference.
    assert "ece15" in contrast([(0.5, first), (0.5, second)]).values
    assert "true_error" not in difference(first, TARGET_OF_60)


TARGET_OF_60 = resample(make_outcomes(60), 20, 0)


def test_metrics_may_be_chosen_among_them_some_of_the_whole_sample():
    found = resample(make_outcomes(60), 10, 0, metrics=["gap", "ece_sweep"])
    assert set(estimates(found)) == {"gap", "ece_sweep"}


def test_a_contrast_has_as_many_groups_as_its_smallest_set():
    fitted = recalibrate(make_outcomes(60, 2, temperature=2, split="validation"))
    recalibrated = resample(make_outcomes(120), B, 0, fitted)
    assert (TARGET.groups, recalibrated.groups, transfer(TARGET, recalibrated).groups) == (40, 20, 20)


def half(correct):
    """Outcomes of 12 items, `correct` of them right, each a group."""
    labels = np.array([0] * correct + [1] * (12 - correct))
    return resample(Outcomes.from_probabilities(np.tile([0.75, 0.25], (12, 1)), labels), B, 0)


def test_log_odds_by_hand():
    found = log_odds(half(9))
    assert found.values == {"accuracy_log_odds": pytest.approx(math.log(3))}
    # Back by the logistic function.
    shares = 1 / (1 + np.exp(-found.replicates["accuracy_log_odds"]))
    np.testing.assert_allclose(shares, half(9).replicates["accuracy"])


def test_a_difference_of_log_odds_is_a_log_odds_ratio_and_unbounded():
    found = difference(log_odds(half(9)), log_odds(half(4)))
    # (9 / 3) / (4 / 8)
    assert found["accuracy_log_odds"].value == pytest.approx(math.log(6))
    assert difference(log_odds(TARGET), log_odds(SOURCE))["accuracy_log_odds"].low < 0


def test_log_odds_difference_in_differences_by_hand():
    found = difference_in_differences(*(log_odds(half(correct)) for correct in (9, 6, 8, 4)))
    assert found.values == {"accuracy_log_odds": pytest.approx(math.log(3) - 0 - (math.log(2) - math.log(1 / 2)))}


def test_log_odds_of_certainty_are_infinite_and_have_no_interval():
    found = estimates(log_odds(half(12)))["accuracy_log_odds"]
    assert found.value == math.inf
    assert math.isnan(found.low)


def test_log_odds_of_a_contrast_are_refused():
    with pytest.raises(BadInput) as caught:
        log_odds(transfer(TARGET, SOURCE))
    assert str(caught.value) == "Got a contrast, but log odds are taken of one condition; take them before contrasting."


def test_unpaired_sides_are_drawn_independently_whatever_their_groups_are_called():
    first, second = resample(make_outcomes(600, 1), 1000, 0), resample(make_outcomes(600, 1), 1000, 0)
    found = unpaired_difference(first, second)
    assert not found.paired
    # The same data: a paired difference is 0, an independent one has twice the variance of a side.
    assert found.replicates["gap"].var() == pytest.approx(2 * first.replicates["gap"].var(), rel=0.15)


def test_unpaired_data_need_not_have_the_same_items():
    found = unpaired_difference(resample(make_outcomes(90), B, 0), resample(make_outcomes(60, split="other"), B, 0))
    assert found.groups == 20
    assert math.isfinite(estimates(found)["gap"].low)


def test_an_intermediate_effect_on_an_unpaired_transfer_pairs_each_language_with_itself():
    first, second, third, fourth = (
        resample(make_outcomes(n, seed, split=split), B, 0)
        for n, seed, split in ((90, 1, "a"), (60, 2, "b"), (90, 3, "a"), (60, 4, "b"))
    )
    found = intermediate_effect(unpaired_difference(first, second), unpaired_difference(third, fourth))
    assert not found.paired
    effects = intermediate_effect(first, third), intermediate_effect(second, fourth)
    same(found, unpaired_difference(*effects))
    with pytest.raises(BadInput, match="on one side of a paired contrast only"):
        intermediate_effect(unpaired_difference(first, second), unpaired_difference(third, third))


@pytest.mark.parametrize("swapped", [False, True])
def test_paired_and_unpaired_contrasts_do_not_mix(swapped):
    pair = [transfer(TARGET, SOURCE), unpaired_difference(TARGET, SOURCE)]
    with pytest.raises(BadInput) as caught:
        intermediate_effect(*(reversed(pair) if swapped else pair))
    assert str(caught.value) == "Got an unpaired and a paired contrast in one; contrast like with like."


def test_other_items_are_refused():
    first, second = resample(make_outcomes(9), 20, 0), resample(make_outcomes(12), 20, 0)
    with pytest.raises(BadInput) as caught:
        transfer(first, second)
    assert str(caught.value) == (
        "Got 3 item(s) on one side of a paired contrast only, such as 'test-10'; "
        "score both conditions on the same items, with the same limit."
    )


@pytest.mark.parametrize("place", range(4))
def test_every_member_must_have_the_same_items(place):
    members = [TARGET, SOURCE, TARGET_WITHOUT, SOURCE_WITHOUT]
    members[place] = resample(make_outcomes(117), B, 0)
    with pytest.raises(BadInput, match=r"Got 3 item\(s\) on one side"):
        difference_in_differences(*members)


def test_other_groups_are_refused():
    first = make_outcomes(9)
    second = dataclasses.replace(first, group_ids=np.roll(first.group_ids, 1))
    with pytest.raises(BadInput) as caught:
        difference(resample(first, 20, 0), resample(second, 20, 0))
    assert str(caught.value) == (
        "Got item 'test-0' in different groups on the two sides of a contrast; groups must agree."
    )


def test_other_draws_are_refused():
    found = make_outcomes(9)
    with pytest.raises(BadInput) as caught:
        difference(resample(found, 20, 0), resample(found, 30, 1))
    assert str(caught.value) == (
        "Got [20, 30] replicates of seeds [0, 1] in one contrast; "
        "resample all conditions with the same number and seed (with at most 200 replicates where one has a map other "
        "than a temperature, which is fitted anew in each)."
    )
    with pytest.raises(BadInput, match=r"Got \[20\] replicates of seeds \[0, 1\]"):
        difference(resample(found, 20, 0), resample(found, 20, 1))
    with pytest.raises(BadInput, match=r"Got \[20, 30\] replicates of seeds \[0\]"):
        difference(resample(found, 20, 0), resample(found, 30, 0))


def test_unpaired_sides_need_as_many_replicates():
    with pytest.raises(BadInput) as caught:
        unpaired_difference(resample(make_outcomes(9), 20, 0), resample(make_outcomes(12), 30, 0))
    assert str(caught.value) == (
        "Got different numbers of replicates in one contrast; resample all with the same number."
    )
