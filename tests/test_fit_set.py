import dataclasses
import hashlib
from itertools import pairwise

import numpy as np
import pytest

from bench.calibration.fit_set import first_items, fit_languages, fit_set, pooled
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes

# The same 30 items, in 10 groups, in three languages.
HALVES = {language: make_outcomes(30, seed, split="validation") for seed, language in enumerate(("en", "sw", "de"))}


def chosen(where, target="sw"):
    return fit_set(where, HALVES, "en", target)


def test_en_is_the_source_and_target_the_scored_language():
    assert chosen("en") is HALVES["en"]
    assert chosen("target") is HALVES["sw"]


def test_en_stands_for_the_source_whatever_its_name():
    assert fit_set("en", HALVES, "de", "sw") is HALVES["de"]


def test_a_pool_holds_every_language_once():
    pool = chosen("pool")
    assert len(pool) == 90
    assert len(np.unique(pool.item_ids)) == 90
    for place, language in enumerate(("de", "en", "sw")):
        rows = slice(30 * place, 30 * place + 30)
        np.testing.assert_array_equal(pool.log_probabilities[rows], HALVES[language].log_probabilities)
        np.testing.assert_array_equal(pool.labels[rows], HALVES[language].labels)


def test_a_pool_renames_items_that_coincide_and_keeps_groups():
    pool = chosen("pool")
    assert [str(pool.item_ids[row]) for row in (0, 30, 60)] == ["validation-0", "en/validation-0", "sw/validation-0"]
    assert set(pool.group_ids.tolist()) == set(HALVES["en"].group_ids.tolist())


def test_a_pool_leaves_other_items_their_names():
    pool = pooled({"en": make_outcomes(3, split="a"), "sw": make_outcomes(3, split="b")})
    assert pool.item_ids.tolist() == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]


def test_a_pool_does_not_depend_on_the_order_of_its_languages():
    other = pooled(dict(reversed(HALVES.items())))
    np.testing.assert_array_equal(other.item_ids, pooled(HALVES).item_ids)


def test_few_are_taken_by_group_in_the_order_of_the_hash_of_its_id():
    names = [f"validation-{group}" for group in range(10)]
    groups = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    found = chosen("few6")
    assert set(found.group_ids.tolist()) == set(groups[:2])
    assert set(chosen("few9").group_ids.tolist()) == set(groups[:3])


def test_only_the_last_group_is_cut_and_by_item_id():
    found = chosen("few7")
    assert len(found) == 7
    groups, counts = np.unique(found.group_ids, return_counts=True)
    assert sorted(counts.tolist()) == [1, 3, 3]
    cut = groups[counts == 1][0]
    ids = HALVES["sw"].item_ids[HALVES["sw"].group_ids == cut]
    assert found.item_ids[found.group_ids == cut].tolist() == [min(ids.tolist())]


def test_fewer_are_among_more():
    items = [set(chosen(f"few{k}").item_ids.tolist()) for k in range(1, 31)]
    assert all(first < second for first, second in pairwise(items))
    assert len(items[-1]) == 30


@pytest.mark.parametrize("k", [1, 8, 13, 20, 29])
def test_the_choice_depends_on_ids_alone(k):
    half = HALVES["sw"]
    order = np.random.default_rng(k).permutation(30)
    relabelled = dataclasses.replace(half, labels=(half.labels + 1) % 3)
    expected = set(first_items(half, k).item_ids.tolist())
    assert set(first_items(half.take(order), k).item_ids.tolist()) == expected
    assert set(first_items(relabelled, k).item_ids.tolist()) == expected
    assert set(first_items(HALVES["de"], k).item_ids.tolist()) == expected


def test_more_than_there_are():
    with pytest.raises(BadInput) as caught:
        chosen("few31")
    assert str(caught.value) == (
        "Got few31, but the calibration half of this language has 30 items; use few30 or fewer."
    )


def test_a_language_without_a_calibration_half():
    with pytest.raises(BadInput) as caught:
        chosen("target", "ur")
    assert str(caught.value) == "Got no calibration half of 'ur', but there are: de, en, sw."


def test_an_unknown_place():
    with pytest.raises(BadInput) as caught:
        chosen("sw")
    assert str(caught.value) == "Got where='sw', but there are: en, pool, target, pivot, few<k> with k >= 1."


def test_languages_with_other_classes_do_not_pool():
    with pytest.raises(BadInput) as caught:
        pooled({"en": make_outcomes(3), "sw": make_outcomes(3, classes=2)})
    assert str(caught.value) == (
        "Got classes by language {'en': 3, 'sw': 2}, but a pool needs languages with one set of classes."
    )


@pytest.mark.parametrize(
    ("where", "languages"),
    [("en", ("en",)), ("target", ("en", "sw")), ("few16", ("en", "sw")), ("pool", ("de", "en", "sw"))],
)
def test_the_languages_that_are_read(where, languages):
    assert fit_languages(where, "en", "sw", ("de", "en", "sw")) == languages
