import pytest

from bench.calibration.entities import entities, entities_of_sentences, has_entities
from bench.scores.entities import count_entities


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", set()),
        ("O O", set()),
        ("B-PER I-PER O B-LOC", {("PER", 0, 1), ("LOC", 3, 3)}),
        ("B-PER B-PER", {("PER", 0, 0), ("PER", 1, 1)}),
        # Lenient: an inside tag begins what nothing else has begun.
        ("O I-PER I-PER", {("PER", 1, 2)}),
        ("O I I", {("_", 1, 2)}),
        ("B-PER I-LOC", {("PER", 0, 0), ("LOC", 1, 1)}),
        # Only the first hyphen parts prefix and type.
        ("B-a-b I-a-b", {("a-b", 0, 1)}),
        # Parts of speech: the first letter is the prefix.
        ("NOUN NOUN VERB", {("OUN", 0, 1), ("ERB", 2, 2)}),
        ("SCONJ CCONJ", {("CONJ", 0, 0), ("CONJ", 0, 1)}),
        ("CCONJ SCONJ", {("CONJ", 1, 1)}),
        ("SYM SYM", {("YM", 0, 0), ("YM", 1, 1)}),
        ("INTJ INTJ ADP", {("NTJ", 0, 1), ("DP", 2, 2)}),
        # A tag without a type is no chunk at the end, and begins at what began before it after an O.
        ("NOUN X", {("OUN", 0, 0)}),
        ("NOUN X VERB", {("OUN", 0, 0), ("_", 1, 1), ("ERB", 2, 2)}),
        ("NOUN O X VERB", {("OUN", 0, 0), ("_", 0, 2), ("ERB", 3, 3)}),
    ],
)
def test_entities_by_hand(tags, expected):
    assert entities(tags.split()) == expected


def test_counts_stand_at_the_last_word_of_an_entity():
    gold = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]
    predicted = ["B-PER", "I-PER", "B-LOC", "B-LOC", "O"]
    found = count_entities(predicted, gold, [0, 0, 0, 2, 2])
    assert found.right.tolist() == [0, 1, 0, 1, 0]
    assert found.predicted.tolist() == [0, 1, 1, 1, 0]
    assert found.gold.tolist() == [0, 1, 0, 1, 1]
    assert found.f1 == 4 / 6


def test_an_entity_with_another_end_or_type_is_wrong():
    gold = ["B-PER", "I-PER", "O"]
    for predicted in ("B-PER O O", "B-LOC I-LOC O", "B-PER I-PER I-PER"):
        assert count_entities(predicted.split(), gold, [0, 0, 0]).right.sum() == 0


def test_no_entity_reaches_into_the_next_sentence():
    tags = ["B-PER", "I-PER"]
    assert entities_of_sentences(tags, [0, 1]) == {("PER", 0, 0), ("PER", 1, 1)}
    assert entities_of_sentences(tags, [0, 0]) == {("PER", 0, 1)}


def test_no_words_have_no_entities():
    found = count_entities([], [], [])
    assert (found.gold.tolist(), found.f1) == ([], 0)


def test_which_tags_mark_entities():
    assert has_entities(["O", "B-PER", "I-PER"])
    assert not has_entities(["NOUN", "PUNCT", "BX"])
