import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import invariants
from bench.calibration.binning import cell_sums
from bench.calibration.metric import MeanMetric, SampleMetric
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from bench.statistics.bootstrap import draws
from bench.statistics.contrasts import resample
from bench.statistics.sufficient import group_sums, jackknife_values, replicate_values, summable
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

GROUPS = np.array(["c", "a", "b", "a", "c", "c"])


def test_a_draw_takes_as_many_groups_as_there_are():
    counts = draws(GROUPS, 500, 0)
    assert counts.shape == (500, 3)
    assert (counts.sum(axis=1) == 3).all()
    # Each group is missing from (2/3)^3 of the draws.
    assert (counts == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.05)


def test_the_same_groups_get_the_same_draw_in_whatever_order_and_number():
    assert np.array_equal(draws(GROUPS, 50, 0), draws(np.array(["a", "b", "c"]), 50, 0))
    assert not np.array_equal(draws(GROUPS, 50, 0), draws(GROUPS, 50, 1))
    assert not np.array_equal(draws(GROUPS, 50, 0), draws(np.array(["a", "b", "d"]), 50, 0))


def test_fewer_replicates_are_the_first_of_more():
    assert np.array_equal(draws(GROUPS, 20, 0), draws(GROUPS, 173, 0)[:20])


def test_a_draw_cannot_be_changed_for_others():
    with pytest.raises(ValueError, match="read-only"):
        draws(GROUPS, 50, 0)[0, 0] = 9


@pytest.mark.parametrize("replicates", [0, 1])
def test_too_few_replicates(replicates):
    with pytest.raises(BadInput) as caught:
        draws(GROUPS, replicates, 0)
    assert str(caught.value) == f"Got replicates={replicates}, but an interval needs at least 2, better 2000."


def test_taking_every_group_once_gives_the_metrics_themselves():
    found = make_outcomes(90, posterior=True)
    once = replicate_values(group_sums(found), np.ones((1, 30)))
    assert set(once) == {name for name, metric in METRICS.items() if not isinstance(metric, SampleMetric)}
    for name, value in once.items():
        assert value[0] == pytest.approx(METRICS[name].value(found), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_replicates_are_weighted_items(seed):
    found = make_outcomes(50, seed, posterior=True, group_size=4)
    invariants.check_clusters(found, draws(found.group_ids, 2, seed)[0])


def fixed_value(metric, found, rows):
    """The metric of `rows` in the bins of all of `found`."""
    if isinstance(metric, MeanMetric):
        return metric.value(found.take(rows))
    cells = metric.binning.cells(found)
    copies = np.bincount(rows, minlength=len(found)).astype(float)
    return float(metric.formula(cell_sums(dataclasses.replace(cells, weight=cells.weight * copies[cells.item]))))


@given(outcomes(max_items=25), st.data())
def test_the_jackknife_leaves_out_one_group(found, data):
    groups, index = found.groups
    left_out = data.draw(st.integers(0, len(groups) - 1))
    rest = np.flatnonzero(index != left_out)
    for name, values in jackknife_values(group_sums(found)).items():
        expected = fixed_value(METRICS[name], found, rest) if len(rest) else np.nan
        assert values.shape == (len(groups),)
        # The root of a rounding error is 1e-8.
        np.testing.assert_allclose(values[left_out], expected, atol=1e-7)


def test_the_jackknife_of_a_mean_by_hand():
    # Correct 1, 0, 1, 1 in groups a, a, b, c: without a 1, without b or c 2/3.
    found = Outcomes.from_probabilities(
        [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], [0, 1, 0, 0], group_ids=["a", "a", "b", "c"]
    )
    np.testing.assert_allclose(jackknife_values(group_sums(found, ["accuracy"]))["accuracy"], [1, 2 / 3, 2 / 3])


def test_metrics_with_the_same_bins_share_their_columns():
    found = make_outcomes(90)
    one = group_sums(found, ["ece15"]).columns.shape[1]
    assert one == 1 + 3 * 15
    assert group_sums(found, ["ece15", "rmsce15"]).columns.shape[1] == one
    assert group_sums(found, ["ece15", "l2sq15"]).columns.shape[1] == one + 3 * 15


def test_only_what_sums_suffice_for_is_taken_unless_named():
    found = make_outcomes(30)
    assert set(replicate_values(group_sums(found), np.ones((2, 10)))) == set(summable(found))
    assert "true_error" not in summable(found)
    assert "true_error" in summable(make_outcomes(30, posterior=True))
    assert set(replicate_values(group_sums(found, ["gap"]), np.ones((2, 10)))) == {"gap"}


def test_a_metric_of_the_whole_sample_is_taken_from_weighted_items():
    found = make_outcomes(60)
    multiplicities = draws(found.group_ids, 4, 0)
    values = replicate_values(group_sums(found, ["gap", "ece_sweep"]), multiplicities)
    copies = [found.take(np.repeat(np.arange(60), row[found.groups[1]].astype(int))) for row in multiplicities]
    np.testing.assert_allclose(values["ece_sweep"], [METRICS["ece_sweep"].value(each) for each in copies], atol=1e-12)
    left_out = jackknife_values(group_sums(found, ["ece_sweep"]))["ece_sweep"][3]
    rest = found.take(np.flatnonzero(found.groups[1] != 3))
    assert left_out == pytest.approx(METRICS["ece_sweep"].value(rest), abs=1e-12)


def test_a_metric_that_takes_no_weights_has_no_replicates(monkeypatch):
    bare = SampleMetric(
        name="bare", title="", symbol="", better="", low=0, high=1, holds=frozenset(), function=lambda o, w: 0.0
    )
    monkeypatch.setitem(METRICS, "bare", bare)
    with pytest.raises(BadInput) as caught:
        group_sums(make_outcomes(6), ["bare"])
    assert str(caught.value) == "Got metric 'bare', which takes no weights and so has no replicates; leave it out."


def test_an_unknown_metric():
    for take in (
        lambda: group_sums(make_outcomes(6), ["ece"]),
        lambda: resample(make_outcomes(6), 9, 0, None, ["ece"]),
    ):
        with pytest.raises(BadInput) as caught:
            take()
        assert str(caught.value) == f"Got metric 'ece', but there are: {', '.join(METRICS)}."


def test_a_label_that_had_no_chance_leaves_the_other_metrics_alone():
    found = Outcomes.from_probabilities([[1.0, 0.0], [1.0, 0.0], [0.25, 0.75]], [0, 1, 1])
    values = replicate_values(group_sums(found, ["nll", "accuracy"]), np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    assert not np.isfinite(values["nll"]).any()
    np.testing.assert_allclose(values["accuracy"], [1, 2 / 3])


def test_clustered_items_widen_the_interval():
    """Three copies of an item carry the information of one."""
    found = make_outcomes(900, group_size=1)
    copied = dataclasses.replace(
        found.take(np.repeat(np.arange(300), 3)), group_ids=np.repeat(found.group_ids[:300], 3), item_ids=found.item_ids
    )
    ignoring = dataclasses.replace(copied, group_ids=found.group_ids)
    clustered, naive = (resample(each, 1000, 0).replicates["accuracy"].std() for each in (copied, ignoring))
    assert clustered == pytest.approx(np.sqrt(3) * naive, rel=0.15)


def test_one_group_gives_no_replicates():
    found = resample(make_outcomes(3), 100, 0)
    assert all(np.isnan(values).all() and values.shape == (100,) for values in found.replicates.values())
