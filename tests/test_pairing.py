import dataclasses

import numpy as np
import pytest

from bench.errors import BadInput
from bench.statistics.contrasts import difference, estimates, resample, unpaired_difference
from bench.statistics.pairing import comparable, pairing, transfer_estimates
from tests.prediction_factory import make_outcomes


def renamed(outcomes, prefix):
    names = {name: np.strings.add(prefix, getattr(outcomes, name)) for name in ("item_ids", "group_ids")}
    return dataclasses.replace(outcomes, **names)


WHOLE, OTHER = make_outcomes(60, 1), make_outcomes(60, 2)


def test_what_two_languages_share_decides():
    assert pairing(WHOLE.take(np.arange(59, -1, -1)), OTHER) == "items"
    assert pairing(WHOLE.take(np.arange(30)), OTHER) == "common"
    assert pairing(renamed(WHOLE, "x"), OTHER) == "none"


def test_words_are_paired_by_sentence_or_not_at_all():
    words = dataclasses.replace(WHOLE, item_ids=np.strings.add(WHOLE.item_ids, ":x"))
    assert pairing(WHOLE, OTHER, by_group=True) == "items"
    assert pairing(words, OTHER, by_group=True) == "groups"
    # That all words of one language happen to be in the other says nothing.
    assert pairing(WHOLE.take(np.arange(0, 60, 3)), OTHER, by_group=True) == "groups"
    assert pairing(WHOLE.take(np.arange(30)), OTHER, by_group=True) == "none"


def test_a_source_that_lacks_some_items_is_refused():
    with pytest.raises(BadInput, match=r"Got 30 item\(s\) on one side of a paired contrast only"):
        pairing(WHOLE, OTHER.take(np.arange(30)))


def test_only_common_items_are_compared():
    part = WHOLE.take(np.arange(30))
    found = comparable(part, OTHER, "common")
    assert sorted(found.item_ids) == sorted(part.item_ids)
    assert comparable(part, OTHER, "none") is OTHER


def test_each_way_has_its_own_interval():
    first, second = resample(WHOLE, 200, 0), resample(OTHER, 200, 0)
    assert transfer_estimates(first, second, "items") == difference(first, second)
    assert transfer_estimates(first, second, "none") == estimates(unpaired_difference(first, second))


def test_by_group_replicates_take_the_same_groups():
    # Every item twice in one language: other items in the same groups, and the same shares.
    rows = np.repeat(np.arange(60), 2)
    twice = WHOLE.take(rows)
    twice = dataclasses.replace(twice, item_ids=np.array([f"{row}" for row in range(120)]))
    found = transfer_estimates(resample(WHOLE, 200, 0), resample(twice, 200, 0), "groups")
    for name in ("accuracy", "confidence", "nll"):
        assert [found[name].value, found[name].low, found[name].high] == pytest.approx([0, 0, 0], abs=1e-12)
    assert "ece15" not in found
