"""One general test for each property, over every metric of the registry that claims it, and a counter-example else."""

import dataclasses
from itertools import chain

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench import invariants
from bench.calibration.metric import ALL, MetricInfo
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

NAMES = list(METRICS)
MISSING = [(name, claim) for name in NAMES for claim in sorted(ALL - METRICS[name].holds)]


def lacking(claim):
    return [name for name, missing in MISSING if missing == claim]


def test_the_registry_is_keyed_by_name_and_complete():
    assert all(name == metric.name and metric.version >= 1 for name, metric in METRICS.items())
    assert all(isinstance(metric, MetricInfo) and metric.low < metric.high for metric in METRICS.values())
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    assert len({metric.symbol for metric in METRICS.values()}) == len(METRICS)


def test_only_known_properties_are_claimed():
    assert set(chain.from_iterable(metric.holds for metric in METRICS.values())) <= ALL


@given(outcomes())
def test_ranges_and_bounds(found):
    invariants.check_outcomes(found, invariants.measure(found))


@given(outcomes(), st.randoms(use_true_random=False))
def test_the_order_of_items_is_irrelevant(found, random):
    order = np.array(random.sample(range(len(found)), len(found)))
    invariants.check_order(found, invariants.measure(found), order)


@given(outcomes(), st.data())
def test_weight_k_is_k_copies(found, data):
    weights = st.lists(st.integers(0, 4), min_size=len(found), max_size=len(found)).filter(any)
    invariants.check_weights(found, invariants.measure(found), np.array(data.draw(weights)))


@given(outcomes(), st.randoms(use_true_random=False))
def test_classes_may_be_renamed(found, random):
    order = random.sample(range(found.classes), found.classes)
    renamed = in_order(found, order)
    for name in NAMES:
        if "classes" in METRICS[name].holds and METRICS[name].defined_for(found):
            first, second = METRICS[name].value(found), METRICS[name].value(renamed)
            assert second == pytest.approx(first, rel=1e-9, abs=1e-9, nan_ok=True), name


def in_order(found, order):
    return dataclasses.replace(
        found,
        probabilities=found.probabilities[:, order],
        log_probabilities=found.log_probabilities[:, order],
        labels=np.argsort(order)[found.labels],
        top=found.top[:, order],
        posterior=None if found.posterior is None else found.posterior[:, order],
    )


@pytest.mark.parametrize("name", lacking("duplication"))
def test_a_metric_that_duplication_changes(name):
    found, metric = make_outcomes(61, 3, temperature=1.5), METRICS[name]
    twice = metric.value(found.take(np.repeat(np.arange(61), 2)))
    assert abs(twice - metric.value(found)) > 1e-4


@pytest.mark.parametrize("name", lacking("order"))
def test_a_metric_that_order_changes(name):
    found = make_outcomes(60, temperature=1.5)
    moved = found.take(np.random.default_rng(0).permutation(60))
    assert abs(METRICS[name].value(moved) - METRICS[name].value(found)) > 1e-6


@pytest.mark.parametrize("name", lacking("weights"))
def test_a_metric_that_takes_no_weights_says_so(name):
    with pytest.raises(ValueError, match="weights"):
        METRICS[name].value(make_outcomes(60), np.ones(60))


def test_every_metric_may_have_its_classes_renamed():
    assert not lacking("classes")


def _with_labels(found, right):
    answers = found.top.argmax(axis=1)
    return dataclasses.replace(found, labels=answers if right else (answers + 1) % found.top.shape[1])


def extremes():
    certain = np.eye(3)[[0, 1, 2, 0, 1]]
    return {
        "one item": make_outcomes(1, posterior=True),
        "fewer items than bins": make_outcomes(7, posterior=True),
        "all right": _with_labels(make_outcomes(30, posterior=True), right=True),
        "all wrong": _with_labels(make_outcomes(30, posterior=True), right=False),
        "one class only": dataclasses.replace(make_outcomes(30, posterior=True), labels=np.zeros(30, np.intp)),
        "two classes": make_outcomes(30, classes=2, posterior=True),
        "many classes": make_outcomes(30, classes=200, posterior=True),
        "all tied": Outcomes.from_probabilities(np.full((20, 4), 0.25), np.arange(20) % 4),
        "all certain and right": Outcomes.from_probabilities(certain, [0, 1, 2, 0, 1]),
        "all certain and wrong": Outcomes.from_probabilities(certain, [1, 2, 0, 1, 2]),
        "on every edge of 15": on_edges(15),
        "on every edge of 10": on_edges(10),
    }


def on_edges(bins):
    confidence = np.arange(bins + 1) / bins
    rows = np.stack([confidence, 1 - confidence], axis=1)
    return Outcomes.from_probabilities(np.concatenate([rows, rows]), [0] * (bins + 1) + [1] * (bins + 1))


@pytest.mark.parametrize("case", list(extremes()))
def test_extreme_outcomes_are_in_range_or_undefined(case):
    found = extremes()[case]
    for name, metric in METRICS.items():
        if not metric.defined_for(found):
            continue
        value = metric.value(found)
        if np.isnan(value):
            assert not metric.defined(found), name
        else:
            assert metric.low - 1e-12 <= value <= metric.high + 1e-12, name


# Half precision moves confidences by up to 5e-4: a few of 2,000 items change their bin.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float16, 5e-3)])
def test_narrow_floats_are_close_to_float64(dtype, tolerance):
    exact = make_outcomes(2000, 5, temperature=1.7)
    narrow = Outcomes.from_probabilities(exact.probabilities.astype(dtype), exact.labels, group_ids=exact.group_ids)
    for name, metric in METRICS.items():
        if metric.needs == "posterior":
            continue
        # A maximum over bins is decided by the few items of one bin; the sweep by where the first fall is.
        allowed = 20 * tolerance if name in {"mce15", "ece_sweep"} else tolerance
        assert metric.value(narrow) == pytest.approx(metric.value(exact), abs=allowed), name


def test_half_precision_does_not_lose_counts():
    """Sums are in float64: with 100,000 items half precision would stop counting at 2,048."""
    generator = np.random.default_rng(0)
    rows = generator.dirichlet([4, 1, 1], 100_000)
    labels = generator.integers(0, 3, 100_000)
    exact = METRICS["ece15"].value(Outcomes.from_probabilities(rows, labels))
    half = METRICS["ece15"].value(Outcomes.from_probabilities(rows.astype(np.float16), labels))
    assert half == pytest.approx(exact, abs=1e-3)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(0, 1000))
@example(2, 0)
def test_one_bin_gives_the_size_of_the_gap(n, seed):
    found = make_outcomes(n, seed)
    one = dataclasses.replace(METRICS["ece15"].binning, bins=1)
    metric = dataclasses.replace(METRICS["ece15"], binning=one)
    assert metric.value(found) == pytest.approx(abs(METRICS["gap"].value(found)), abs=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -1, 1], "Got weight -1.0, but frequencies are finite and not negative; count copies."),
        ([0.0, 0, 0], "Got weights that are 0 for all 3 items, but one must count; give one at least a weight."),
        ([1.0], "Got weights of shape (1,) for 3 items; pass one frequency an item."),
    ],
)
def test_weights_that_are_no_frequencies(weights, message):
    found = make_outcomes(3, posterior=True)
    for metric in METRICS.values():
        with pytest.raises(BadInput) as caught:
            metric.value(found, np.array(weights))
        assert str(caught.value) == message
