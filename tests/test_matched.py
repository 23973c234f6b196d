"""Contrasts at equal accuracy: what must hold of any two arms, and values worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.statistics.contrasts import resample
from bench.statistics.matched import METRICS, curve_of, curve_of_values, matched, matched_mean
from tests.strategies import trajectories

DRAWS = 20
LINE = {"gap": [0.3, 0.2, 0.1], "confidence": [0.7, 0.8, 0.9]}


def resampled(points, seed=0):
    return [resample(Outcomes.from_predictions(each), DRAWS, seed, None, METRICS) for each in points]


def curve(points):
    return curve_of(resampled(points))


def scaled(points, factor):
    return tuple(replace(each, logits=each.logits * np.float32(factor)) for each in points)


@given(trajectories())
@settings(max_examples=30)
def test_an_arm_differs_from_itself_in_nothing(points):
    found = matched(curve(points), curve(points))
    # Bins of a single item have no debiased error.
    defined = {name: values for name, values in found.differences.items() if name != "l2sq15"}

    assert (found.reason, found.overlap) == ("", 1)
    assert set(found.differences) == set(METRICS)
    assert np.nan_to_num(found.differences["l2sq15"]).any() == np.False_
    assert all((values == 0).all() for values in defined.values())
    assert all((found.estimates[name].low, found.estimates[name].high) == (0, 0) for name in defined)


@given(trajectories(), st.sampled_from([2, 4]))
@settings(max_examples=30)
def test_a_surer_arm_is_as_accurate_and_its_difference_has_the_sign_of_confidence(points, factor):
    found = matched(curve(scaled(points, factor)), curve(points))

    # In every replicate too: it is the same draw.
    assert np.allclose(found.differences["accuracy"], 0, atol=1e-12)
    assert (found.differences["confidence"] > 0).all()
    assert np.allclose(found.differences["gap"], found.differences["confidence"], atol=1e-12)


@given(trajectories(), st.data())
@settings(max_examples=30)
def test_at_equal_accuracy_the_gap_differs_as_confidence_does_and_either_way_round(points, data):
    order = data.draw(st.permutations(range(len(points))))
    other = scaled([points[place] for place in order], 2)
    one, back = matched(curve(points), curve(other)), matched(curve(other), curve(points))

    assert np.allclose(one.differences["accuracy"], 0, atol=1e-9, equal_nan=True)
    assert np.allclose(one.differences["gap"], one.differences["confidence"], atol=1e-9, equal_nan=True)
    for name in METRICS:
        assert np.allclose(one.differences[name], -back.differences[name], equal_nan=True)
    assert one.level == back.level == max(curve(points).level[0])


@given(trajectories())
@settings(max_examples=30)
def test_arms_whose_accuracies_do_not_meet_have_no_contrast_but_a_reason(points):
    right = tuple(replace(each, logits=np.eye(each.logits.shape[1], dtype=np.float32)[each.labels]) for each in points)
    wrong = tuple(replace(each, logits=-each.logits) for each in right)
    found = matched(curve(right), curve(wrong))

    assert found.estimates is None
    assert math.isnan(found.level)
    assert found.overlap == 0
    assert found.reason == "accuracies of 1.000 to 1.000 and of 0.000 to 0.000 do not meet"
    assert matched_mean([found], "gap") is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_arms_meet_exactly_where_their_ranges_overlap(first, second):
    found = matched(*(curve_of_values(each, {"accuracy": each}, 9) for each in (first, second)))

    assert (found.reason == "") == (min(first) <= max(second) and min(second) <= max(first))
    if not found.reason:
        assert found.level == min(max(first), max(second))
        assert found.differences["accuracy"][0] == pytest.approx(0, abs=1e-9)


def test_the_better_arm_is_taken_back_between_two_snapshots():
    better = curve_of_values([0.4, 0.6, 0.8], LINE, 9)
    worse = curve_of_values([0.3, 0.7], {"gap": [0.5, 0.25], "confidence": [0.8, 0.95]}, 9)
    found = matched(better, worse)

    assert found.level == 0.7
    assert found.differences["gap"][0] == pytest.approx(0.15 - 0.25)
    assert found.differences["confidence"][0] == pytest.approx(0.85 - 0.95)
    assert math.isnan(found.overlap)
    assert all(math.isnan(one.low) for one in found.estimates.values())


def test_an_accuracy_that_is_passed_twice_counts_the_later_time():
    wavy = curve_of_values([0.4, 0.8, 0.5, 0.9], {"gap": [0.0, 0.1, 0.2, 0.6]}, 9)
    flat = curve_of_values([0.7], {"gap": [0.0]}, 9)

    assert matched(wavy, flat).differences["gap"][0] == pytest.approx(0.4)
    # A stretch without change counts its end.
    still = curve_of_values([0.7, 0.7], {"gap": [0.1, 0.3]}, 9)
    assert matched(still, flat).differences["gap"][0] == pytest.approx(0.3)


def test_equal_accuracy_in_the_source_leaves_that_of_the_target_to_differ():
    target = curve_of_values([0.4, 0.6, 0.8], {"accuracy": [0.4, 0.5, 0.6]}, 9)
    other = curve_of_values([0.5, 0.7], {"accuracy": [0.3, 0.35]}, 9)

    assert matched(target, other).differences["accuracy"][0] == pytest.approx(0.55 - 0.35)


def test_only_replicates_that_meet_make_the_interval():
    # The second replicate's ranges do not meet.
    first = replace_level([[0.4, 0.8], [0.4, 0.8], [0.7, 0.8], [0.4, 0.8]], [0.1, 0.2])
    second = replace_level([[0.6], [0.6], [0.6], [0.5]], [0.0])
    found = matched(first, second)

    assert found.overlap == pytest.approx(2 / 3)
    assert found.differences["gap"].tolist() == pytest.approx([0.15, 0.15, math.nan, 0.125], nan_ok=True)
    assert 0.12 < found.estimates["gap"].low < found.estimates["gap"].high < 0.16
    mean, share = matched_mean([found, found], "gap")
    assert share == pytest.approx(2 / 3)
    assert mean.mean.replicates.tolist() == pytest.approx([0.15, 0.125])
    assert mean.seeds == 2


def replace_level(level, gap):
    values = curve_of_values(level[0], {"gap": gap}, 9)
    return replace(values, level=np.array(level), metrics={"gap": np.tile(gap, (len(level), 1))})


def test_a_seed_without_replicates_leaves_the_mean_of_values():
    drawn = replace_level([[0.5], [0.5], [0.5]], [0.2])
    bare, flat = curve_of_values([0.5], {"gap": [0.4]}, 9), curve_of_values([0.5], {"gap": [0.0]}, 9)
    mean, share = matched_mean(
        [matched(drawn, replace_level([[0.5], [0.5], [0.5]], [0.0])), matched(bare, flat)], "gap"
    )

    assert mean.mean.value == pytest.approx(0.3)
    assert mean.mean.replicates is None
    assert math.isnan(share)


def test_seeds_without_a_contrast_are_left_out_of_the_mean():
    flat, high = (curve_of_values([level], {"gap": [0.1]}, 9) for level in (0.5, 0.9))
    both = [matched(flat, flat), matched(flat, high)]
    mean, share = matched_mean(both, "gap")

    assert (mean.seeds, mean.mean.value) == (1, 0)
    assert math.isnan(share)


@given(trajectories(points=2))
@settings(max_examples=10)
def test_what_does_not_belong_together_is_refused(points):
    with pytest.raises(BadInput, match=r"Got 0 points matched on 0, but a trajectory has at least 1"):
        curve_of([])
    with pytest.raises(BadInput, match=r"matched on 3, but .* read both at the same steps"):
        curve_of(resampled(points[:1]), resampled((*points[:1],) * 3))
    with pytest.raises(BadInput, match=r"replicates of seeds \[0, 1\] in one contrast"):
        curve_of(resampled(points), resampled(points, seed=1))
    with pytest.raises(BadInput, match=r"replicates of seeds \[0, 1\] in one contrast"):
        matched(curve(points), curve_of(resampled(points, seed=1)))
    with pytest.raises(BadInput, match=r"Got 20 and 0 replicates of two arms; resample both alike\."):
        matched(curve(points), curve_of_values([0.5], {"gap": [0.1]}, 9))
