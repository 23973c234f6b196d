import dataclasses

import numpy as np
import pytest

from bench.calibration.matching import matched
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes


def test_the_second_comes_in_the_order_of_the_first():
    first, second = make_outcomes(30), dataclasses.replace(make_outcomes(30, 1), labels=make_outcomes(30).labels)
    shuffled = second.take(np.random.default_rng(0).permutation(30))
    assert not np.array_equal(shuffled.item_ids, first.item_ids)
    found = matched(first, shuffled)
    assert np.array_equal(found.item_ids, first.item_ids)
    assert np.array_equal(found.probabilities, second.probabilities)


def test_other_items_are_refused():
    with pytest.raises(BadInput) as caught:
        matched(make_outcomes(9), make_outcomes(12))
    assert str(caught.value) == (
        "Got 3 item(s) on one side of a comparison only, such as 'test-10'; "
        "predict the same items on both sides, with the same limit."
    )


def test_other_labels_are_refused():
    first = make_outcomes(9)
    labels = first.labels.copy()
    labels[4] = (first.labels[4] + 1) % 3
    with pytest.raises(BadInput) as caught:
        matched(first, dataclasses.replace(first, labels=labels))
    assert str(caught.value) == (
        f"Got label {first.labels[4]} on one side and {labels[4]} on the other for item 'test-4', "
        "but an item has one label; predict both from the same data."
    )
