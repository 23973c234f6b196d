import math

import numpy as np
import pytest

from bench.errors import BadInput
from bench.predictions import Predictions
from bench.scores.soft import soft_f1
from bench.scores.tally import Tally, task_scores
from bench.statistics.bootstrap import draws
from tests.kinds_factory import MAKERS, POS, make_kind
from tests.prediction_factory import from_logits


def predictions(kind, logits, labels=None, groups=None, names=(), **columns):
    n = len(logits)
    return Predictions(
        np.array([f"s:{row}" for row in range(n)]),
        np.array(groups or [f"g{row}" for row in range(n)]),
        np.array(labels if labels is not None else [0] * n),
        np.array(logits, dtype=np.float32),
        metadata={"kind": kind, "labels": list(names)},
        columns={name: np.array(values) for name, values in columns.items()},
    )


def values(made):
    return {name: tally.value for name, tally in task_scores(made).items()}


def test_pairs_have_an_accuracy_that_counts_ties_in_part():
    assert values(from_logits([[1, 0], [0, 1], [2, 2]], [0, 0, 0])) == {"accuracy": 0.5}


def one_hot(tags, names):
    return [[float(name == tag) * 3 for name in names] for tag in tags.split()]


def test_tags_of_entities_have_an_f1_and_lost_words_are_wrong_and_outside():
    names = ("B-PER", "I-PER", "O")
    gold = [names.index(tag) for tag in ["B-PER", "I-PER", "O", "B-PER", "O"]]
    logits = one_hot("B-PER I-PER B-PER B-PER O", names)
    # Lost with every tag equally likely, and with O.
    logits[3] = logits[4] = [0, 0, 0]
    made = predictions("tagging", logits, gold, names=names, sentence=[0] * 5, lost=[0, 0, 0, 1, 1])
    # Gold has two entities, two are predicted, one of them right; words 0 and 1 are right.
    assert values(made) == {"entity_f1": 2 / 4, "accuracy": 2 / 5}
    assert list(task_scores(made)) == ["entity_f1", "accuracy"]


def test_parts_of_speech_have_an_accuracy_and_the_f1_of_chunks():
    gold = [POS.index(tag) for tag in ["NOUN", "NOUN", "VERB", "ADJ"]]
    made = predictions("tagging", one_hot("NOUN NOUN NOUN ADJ", POS), gold, names=POS, sentence=[0] * 4, lost=[0] * 4)
    # Gold chunks: nouns, verb, adjective; predicted: nouns up to the verb, adjective.
    assert values(made) == {"accuracy": 0.75, "chunk_f1": 2 / 5}
    assert list(task_scores(made)) == ["accuracy", "chunk_f1"]


def test_spans_have_the_credit_of_their_best_answer():
    made = predictions("span", [[2, 1], [2, 1]], em=[[1.0, 0], [0, 1]], f1=[[1.0, 0.1], [0.5, 1]], answer=["a", "b"])
    assert values(made) == {"f1": 0.75, "em": 0.5}


def test_queries_are_right_where_their_sentence_is_the_first_of_all():
    everything = [[0.9, 0.1, 0], [0.2, 0.2, 0], [0.5, 0, 0.1]]
    made = predictions("retrieval", [[1, 0]] * 3, everything=everything, place=[0, 1, 2], reverse=[True, False, False])
    assert values(made) == {"accuracy": 0.5, "accuracy_reverse": pytest.approx(1 / 3)}


def test_mined_pairs_have_f1_precision_and_recall():
    made = predictions("mining", [[0, 1]] * 4, mined=[1, 1, 1, 0], gold=[1, 0, 0, 1], hit=[1, 0, 0, 0])
    assert values(made) == {"f1": 2 / 5, "precision": pytest.approx(1 / 3), "recall": 0.5}


def test_nothing_mined_has_a_recall_and_no_precision():
    made = predictions("mining", [[0, 1]] * 2, mined=[0, 0], gold=[1, 1], hit=[0, 0])
    assert values(made)["f1"] == values(made)["recall"] == 0
    assert math.isnan(values(made)["precision"])
    assert math.isnan(task_scores(made)["precision"].estimate().low)


def test_sums_are_by_group_in_sorted_order():
    tally = task_scores(
        predictions("mining", [[0, 1]] * 3, groups=["b", "a", "b"], mined=[1, 1, 1], gold=[1, 0, 0], hit=[1, 0, 0])
    )["f1"]
    assert tally.groups.tolist() == ["a", "b"]
    assert (tally.numerator.tolist(), tally.denominator.tolist()) == ([0, 2], [1, 3])


def tally(above, below):
    groups = np.array([f"g{number:03}" for number in range(len(above))])
    return Tally("x", "X", np.array(above, dtype=float), np.array(below, dtype=float), groups)


def test_the_interval_is_that_of_ratios_of_resampled_sums():
    made = tally([1, 0, 2, 4], [2, 1, 3, 4])
    drawn = draws(made.groups, 500, 3)
    ratios = [sum(row * made.numerator) / sum(row * made.denominator) for row in drawn]
    found = made.estimate(500, 3)
    assert found.value == 0.7
    assert [found.low, found.high] == pytest.approx(np.quantile(ratios, [0.025, 0.975]).tolist())


def test_groups_that_add_nothing_are_not_drawn():
    made, longer = tally([1, 0, 2], [2, 1, 3]), tally([1, 0, 2, 0], [2, 1, 3, 0])
    assert made.estimate() == longer.estimate()


def test_one_group_has_no_interval():
    found = tally([1], [2]).estimate()
    assert found.value == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_has_scores_within_their_intervals(kind):
    for found in task_scores(make_kind(kind)).values():
        estimate = found.estimate(200)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_unusable_predictions_are_refused():
    with pytest.raises(BadInput, match="Got mining predictions without 'hit', which they need; predict again"):
        task_scores(predictions("mining", [[0, 1]], mined=[1], gold=[1]))


def test_soft_f1_by_hand():
    logits = np.log([[0.75, 0.25], [0.5, 0.5]])
    made = predictions("span", logits, em=[[1.0, 0], [0, 1]], f1=[[1.0, 0.1], [0.25, 1]], answer=["a", "b"])
    found = soft_f1(made)
    # Each answer is alone in its bin.
    expected = {"confidence": 0.625, "f1": 0.625, "gap": 0, "ece15": 0.25}
    assert found == {name: pytest.approx(value, abs=1e-6) for name, value in expected.items()}
