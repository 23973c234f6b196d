import numpy as np
import pytest

from bench.errors import BadInput
from bench.scores.answers import f1
from bench.scores.baselines import (
    Baseline,
    mining_baseline,
    pair_baseline,
    retrieval_baseline,
    span_baseline,
    tag_baseline,
)

NER = ("O", "B-PER", "I-PER", "B-LOC")


def test_pairs_take_the_majority_or_chance():
    assert pair_baseline([0, 0, 1, 2], 3) == Baseline("majority", "accuracy", 0.5)
    assert pair_baseline([0, 1, 2], 2).value == 0.5


def test_parts_of_speech_take_the_most_frequent_tag():
    assert tag_baseline([1, 1, 0, 2, 1], ("ADJ", "NOUN", "VERB"), [0] * 5) == Baseline("majority", "accuracy", 0.6)


def test_one_tag_everywhere_may_find_short_entities():
    # Every word a person: two of four predicted entities are right, and there are two.
    found = tag_baseline([1, 1, 0, 0], NER, [0, 0, 1, 1])
    assert found == Baseline("one tag", "entity_f1", 4 / 6)
    # Every word inside a person: each sentence is one entity.
    assert tag_baseline([1, 2, 2, 1, 2], NER, [0, 0, 0, 1, 1]).value == 1


def test_drawn_tags_find_entities_that_one_tag_never_does():
    labels, sentence = np.tile([0, 1, 2, 0, 0], 400), np.arange(2000) // 5
    found = tag_baseline(labels, NER, sentence)
    # B I, or I I after an O, and no third I. Entities are predicted at every B, and at every I after an O or at the
    # beginning.
    right = (0.2 + 0.6 * 0.2) * 0.2 * 0.8
    predicted = 5 * 0.2 + 0.2 * (1 + 4 * 0.6)
    assert found.name == "random"
    assert found.value == pytest.approx(2 * right / (predicted + 1), abs=0.004)


def test_without_entities_nothing_is_found():
    assert tag_baseline([0, 0, 0], NER, [0, 0, 0]).value == 0


def test_tag_baselines_repeat():
    labels, sentence = np.random.default_rng(0).integers(0, 4, 50), np.arange(50) // 5
    assert tag_baseline(labels, NER, sentence) == tag_baseline(labels, NER, sentence)


def test_short_contexts_are_best_answered_as_a_whole():
    found = span_baseline(["red fox", "blue cat"], [["red fox"], ["cat"]], "squad", ["en", "en"])
    assert found == Baseline("whole context", "f1", (1 + 2 / 3) / 2)


def test_in_long_contexts_a_drawn_span_is_better():
    found = span_baseline([" ".join(["fox"] * 200)], [["fox fox fox"]], "squad", ["en"])
    # A span of n words has 2 min(n, 3) / (n + 3); lengths are nearly equally likely. The whole context has 6 / 203.
    expected = np.mean([2 * min(n, 3) / (n + 3) for n in range(1, 11)])
    assert (found.name, found.value) == ("random", pytest.approx(expected, abs=0.15))


def test_the_drawn_span_is_uniform_over_all_spans():
    words = [f"w{number}" for number in range(30)]
    text = " ".join(words)
    spans = [words[start : start + length] for length in range(1, 11) for start in range(30 - length + 1)]
    # So many right answers that the whole context is the worse one.
    golds = [" ".join(words[start : start + 5]) for start in range(0, 30, 5)]
    expected = np.mean([f1(" ".join(span), golds) for span in spans])
    found = span_baseline([text] * 300, [golds] * 300, "squad", ["en"] * 300)
    assert found.name == "random"
    # 6,000 draws of an F1 with a deviation below .35.
    assert expected == pytest.approx(found.value, abs=5 * 0.35 / 6000**0.5)


def test_scripts_without_spaces_are_drawn_by_character():
    found = span_baseline(["第二次世界大戰" * 30], [["世"]], "mlqa", ["zh"])
    assert found.value > 0
    assert span_baseline([""], [[]], "squad", ["en"]).value == 1


def test_chance_of_retrieval_and_of_mining():
    assert retrieval_baseline(4) == Baseline("random", "accuracy", 0.25)
    # Two of three candidates are paired; each gold pair is hit with 1/3.
    assert mining_baseline(2, 3, 2) == Baseline("random", "f1", pytest.approx(2 * (2 / 3) / 4))


def test_the_expected_hits_of_random_pairs_are_exact():
    draw = np.random.default_rng(0)
    # Gold pairs are (0, 0) and (1, 1); three queries take three of five candidates.
    hits = np.mean([(draw.permutation(5)[:2] == [0, 1]).sum() for _ in range(20_000)])
    assert mining_baseline(3, 5, 2).value == pytest.approx(2 * hits / 5, abs=0.01)


def test_nothing_to_be_scored():
    messages = {
        "Got 0 labels, but a baseline needs at least 1; give the labels that are scored.": lambda: pair_baseline([], 2),
        "Got 0 questions, but a baseline needs at least 1; give the questions that are scored.": lambda: span_baseline(
            [], [], "squad", []
        ),
        "Got n=0, but a baseline needs at least 1 sentence to find.": lambda: retrieval_baseline(0),
        "Got 0 queries and 3 candidates, but a pair needs one of each.": lambda: mining_baseline(0, 3, 0),
    }
    for message, call in messages.items():
        with pytest.raises(BadInput) as caught:
            call()
        assert str(caught.value) == message
