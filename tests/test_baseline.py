"""The baseline of a split: which one each kind of task has, and from what it is computed."""

import dataclasses

import numpy as np
import pytest

from bench.baseline import baseline_of
from bench.data.example import Answer, CorpusSentence, Provenance, Question, Split, Translation
from bench.predictions import Predictions
from tests.tiny_splits import choice_split, tag_split

ORIGIN = Provenance("local")


def predicted(kind, labels, logits, **columns):
    ids = np.array([str(row) for row in range(len(labels))])
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Predictions(ids, ids, np.array(labels), np.array(logits, np.float32), None, {"kind": kind}, arrays)


def baseline(split, predictions, **options):
    found = baseline_of(split, predictions, **options)
    return found.name, found.score, found.value


def test_choices_are_the_most_frequent_place_or_a_guess():
    split = choice_split(4)

    assert baseline(split, predicted("multiple_choice", [0, 1, 2, 0], np.zeros((4, 3)))) == (
        "majority",
        "accuracy",
        0.5,
    )
    even = predicted("multiple_choice", [0, 1, 2, 0, 1, 2], np.zeros((6, 2)))
    assert baseline(split, even) == ("random", "accuracy", 0.5)


def test_tags_are_one_tag_for_every_word_of_each_sentence():
    # Two sentences of a person each, "B I" and "B I I": I-PER everywhere makes each sentence one entity.
    tags = predicted("tagging", [1, 2, 1, 2, 2], np.zeros((5, 3)), sentence=[0, 0, 1, 1, 1])
    # As one sentence it would find neither.
    joined = dataclasses.replace(tags, columns={"sentence": np.zeros(5, int)})

    assert baseline(tag_split(2), tags) == ("one tag", "entity_f1", 1.0)
    assert baseline(tag_split(2), joined)[2] < 0.5


def test_questions_are_compared_by_their_context_rule_and_language():
    asked = tuple(Question(f"q{row}", "g", "?", "—uno", (Answer("uno", 1),)) for row in range(2))
    split = Split("test", "es", (), asked, ORIGIN)
    made = predicted("span", [0, 0], np.zeros((2, 20)))

    # SQuAD's rule keeps the dash, MLQA's takes it and the article away: nothing is left on either side, which is right.
    assert baseline(split, made) == ("whole context", "f1", 0.0)
    assert baseline(split, made, rule="mlqa") == ("whole context", "f1", 1.0)


def test_queries_are_guessed_among_all_sentences():
    split = Split("test", "sw", (), tuple(Translation(f"i{row}", "g", "t", "p") for row in range(8)), ORIGIN)

    assert baseline(split, predicted("retrieval", [0] * 8, np.zeros((8, 4)))) == ("random", "accuracy", 1 / 8)


def test_pairs_are_drawn_from_both_corpora_whole():
    sides = [False] * 3 + [True] * 5
    corpus = tuple(CorpusSentence(f"i{row}", "g", "t", side) for row, side in enumerate(sides))
    # Rows hold a part of the foreign sentences alone.
    made = predicted("mining", [0, 0], np.zeros((2, 2)), gold=[True, True])

    # Three pairs, of which 2 * 1/5 are right: F1 = 2 * 0.4 / (3 + 2).
    expected = ("random", "f1", pytest.approx(0.16))
    assert baseline(Split("test", "de", (), corpus, ORIGIN), made) == expected
