from collections import Counter

import pytest

from bench.data.artificial import artificial_split, language_tokens
from bench.data.artificial.bitext_tasks import FAMILIES, FAMILY, families
from bench.data.artificial.meaning import slot_relations
from bench.errors import BadInput

GOLDEN = {
    ("tatoeba", "test", "w0_agg"): "4db9dbee81a34b54",
    ("bucc", "validation", "w0_isx"): "9412db3ea383791d",
    ("bucc", "test", "w1_int"): "e2e4115cc3a5284b",
}


@pytest.mark.parametrize("key", GOLDEN, ids="-".join)
def test_bitext_is_drawn_the_same_on_every_machine(key):
    assert artificial_split(*key).fingerprint[:16] == GOLDEN[key]


def test_tatoeba_has_one_translation_for_each_sentence_in_every_language():
    pivots = {
        token: [(e.item_id, e.group_id, e.pivot) for e in artificial_split("tatoeba", "test", token).examples]
        for token in language_tokens(0)[1:]
    }
    assert len({tuple(found) for found in pivots.values()}) == 1
    examples = artificial_split("tatoeba", "test", "w0_fus").examples
    assert len({e.text for e in examples}) == len({e.pivot for e in examples}) == FAMILIES * FAMILY
    clone = artificial_split("tatoeba", "test", "w0_idn").examples
    assert all(e.text == e.pivot for e in clone)


def test_a_family_differs_from_its_first_sentence_in_one_slot():
    for first, *others in families(0):
        for other in others:
            held = Counter(slot_relations(first, other))
            assert held == {"equal": 7, "disjoint": 1}


@pytest.mark.parametrize(("split", "size", "paired"), [("validation", 600, 90), ("test", 800, 120)])
def test_bucc_has_two_corpora_with_the_stated_share_of_pairs(split, size, paired):
    examples = {e.item_id: e for e in artificial_split("bucc", split, "w0_iso").examples}
    assert Counter(e.in_pivot for e in examples.values()) == {False: size, True: size}
    partners = [e for e in examples.values() if e.partner]
    assert len(partners) == 2 * paired
    for one in partners:
        other = examples[one.partner]
        assert (other.partner, other.group_id) == (one.item_id, one.group_id)
        assert other.in_pivot != one.in_pivot
    assert len({e.text for e in examples.values()}) == 2 * size


def test_the_pairs_of_bucc_are_translations_and_their_order_says_nothing():
    examples = artificial_split("bucc", "validation", "w0_idn").examples
    text = {e.item_id: e.text for e in examples}
    assert all(text[e.partner] == e.text for e in examples if e.partner)
    sides = [[e.group_id for e in examples if e.in_pivot == pivot and e.partner] for pivot in (False, True)]
    assert sides[0] != sides[1]
    assert sorted(sides[0]) == sorted(sides[1])


def test_validation_and_test_of_bucc_share_no_sentence():
    texts = [{e.text for e in artificial_split("bucc", split, "w0_agg").examples} for split in ("validation", "test")]
    assert not texts[0] & texts[1]


@pytest.mark.parametrize("task", ["tatoeba", "bucc"])
def test_the_source_is_the_pivot_and_no_language_to_translate_from(task):
    with pytest.raises(BadInput) as caught:
        artificial_split(task, "test", "w0_src")
    assert str(caught.value) == (
        f"Got task={task!r}, language='w0_src', but the source is what {task} translates to; use another."
    )
