import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.calibration.dispersion import DISPERSION, confidence_dispersion, dispersion, gold_dispersion
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes

tables = st.tuples(st.integers(2, 5), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 20).map(lambda count: count / 20))
)


def test_by_hand():
    # Differences .2 and .4 between two languages: variances .02 and .08; the means differ by .3, variance .045.
    found = dispersion([[0.9, 0.8], [0.7, 0.4]])
    assert found.variance == pytest.approx(0.05)
    assert found.value == pytest.approx(math.sqrt(0.05))
    assert found.mean_deviation == pytest.approx((math.sqrt(0.02) + math.sqrt(0.08)) / 2)
    assert found.between == pytest.approx(0.045)
    assert found.rest == pytest.approx(0.005)


def test_languages_that_are_less_sure_of_everything_differ_in_their_means_alone():
    found = dispersion([[0.9, 0.7, 0.5], [0.8, 0.6, 0.4], [0.7, 0.5, 0.3]])
    assert (found.between, found.rest) == (pytest.approx(0.01), pytest.approx(0))
    assert found.value == pytest.approx(found.mean_deviation) == pytest.approx(0.1)


def test_languages_that_are_sure_of_different_items_do_not_differ_in_their_means():
    found = dispersion([[0.9, 0.5], [0.5, 0.9]])
    assert (found.between, found.rest) == (pytest.approx(0), pytest.approx(0.08))


def test_one_item_has_no_rest():
    found = dispersion([[0.9], [0.6], [0.6]])
    assert (found.between, found.rest) == (pytest.approx(0.03), 0)


@given(tables)
def test_the_parts_add_up_to_the_mean_variance_of_an_item(table):
    found = dispersion(table)
    variances = np.var(table, axis=0, ddof=1)
    assert found.variance == pytest.approx(variances.mean(), abs=1e-15)
    assert found.between == pytest.approx(np.var(table.mean(axis=1), ddof=1), abs=1e-15)
    assert found.mean_deviation == pytest.approx(np.sqrt(variances).mean(), abs=1e-12)
    assert found.mean_deviation <= found.value + 1e-12
    assert found.rest >= 0
    assert DISPERSION.low <= found.value <= DISPERSION.high + 1e-12


@given(tables, st.data())
def test_weight_k_is_k_copies(table, data):
    items = table.shape[1]
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=items, max_size=items).filter(any)))
    copies = dispersion(np.repeat(table, weights, axis=1))
    for scaled in (weights, 2.0 * weights):
        found = dispersion(table, scaled)
        assert found.between == pytest.approx(copies.between, abs=1e-15)
        assert found.rest == pytest.approx(copies.rest, abs=1e-15)
        assert found.mean_deviation == pytest.approx(copies.mean_deviation, abs=1e-12)


def test_two_certain_languages_that_disagree_are_the_upper_bound():
    assert dispersion([[0.0, 1.0], [1.0, 0.0]]).value == pytest.approx(DISPERSION.high)


def test_confidence_may_agree_where_the_answers_do_not():
    labels = [0, 0]
    languages = {
        "en": Outcomes.from_probabilities([[0.8, 0.2], [0.9, 0.1]], labels),
        "sw": Outcomes.from_probabilities([[0.2, 0.8], [0.9, 0.1]], labels),
    }
    assert confidence_dispersion(languages).value == pytest.approx(0)
    # .8 against .2 in one item of two.
    assert gold_dispersion(languages).variance == pytest.approx(0.36 / 2 / 2)


def test_items_are_matched_by_id_and_weights_follow_the_first_language():
    english = make_outcomes(40)
    swahili = dataclasses.replace(make_outcomes(40, 1), labels=english.labels)
    order = np.random.default_rng(0).permutation(40)
    weights = np.arange(40) % 3
    for function in (confidence_dispersion, gold_dispersion):
        straight = function({"en": english, "sw": swahili}, weights)
        assert function({"en": english, "sw": swahili.take(order)}, weights) == straight
        turned = function({"en": english.take(order), "sw": swahili}, weights[order])
        assert turned.variance == pytest.approx(straight.variance)
    with pytest.raises(BadInput, match="on one side of a comparison only"):
        confidence_dispersion({"en": english, "sw": swahili.take(order[:5])})


@pytest.mark.parametrize("names", [[], ["en"]])
def test_one_language_has_no_dispersion(names):
    with pytest.raises(BadInput) as caught:
        confidence_dispersion({name: make_outcomes(6) for name in names})
    assert str(caught.value) == (f"Got {len(names)} language(s), but a dispersion between languages needs at least 2.")
