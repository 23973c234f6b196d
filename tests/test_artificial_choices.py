import pytest

from bench.data.artificial import artificial_split
from bench.data.artificial.choice_tasks import CHOICES, riddles
from bench.data.artificial.meaning import CONTRADICTION, DOMAIN, ENTAILMENT, relation, slot_relations
from bench.data.artificial.task_baselines import task_baselines

TASKS = tuple(CHOICES)
GOLDEN = {
    ("hellaswag", "validation", "w0_src"): "c59321cea59cd0a1",
    ("cosmosqa", "validation", "w0_fus"): "35c46c3731532d97",
    ("csqa", "validation", "w0_agg"): "6a4f84d19b3b162d",
}


def fitting(riddle):
    return max(range(len(riddle.choices)), key=riddle.posterior.__getitem__)


@pytest.mark.parametrize("key", GOLDEN, ids="-".join)
def test_choices_are_drawn_the_same_on_every_machine(key):
    assert artificial_split(*key).fingerprint[:16] == GOLDEN[key]


@pytest.mark.parametrize("task", TASKS)
def test_choices_are_different_and_as_many_as_the_task_has(task):
    split = artificial_split(task, "validation", "w0_src")
    assert split.labels == tuple(map(str, range(CHOICES[task])))
    assert all(len(set(example.choices)) == CHOICES[task] for example in split.examples)


def test_a_continuation_follows_and_the_others_contradict():
    for riddle in riddles(0, "hellaswag", "validation"):
        found = [relation(riddle.text[0], choice) for choice in riddle.choices]
        expected = [CONTRADICTION] * 4
        expected[fitting(riddle)] = ENTAILMENT
        assert found == expected


def test_a_retelling_agrees_with_the_first_sentence_and_the_others_with_two_words_less():
    for riddle in riddles(0, "cosmosqa", "validation"):
        apart = [slot_relations(riddle.text[0], choice).count("disjoint") for choice in riddle.choices]
        expected = [2] * 4
        expected[fitting(riddle)] = 0
        assert apart == expected


def test_a_case_is_below_its_text_and_the_others_are_beside_it():
    for riddle in riddles(0, "csqa", "validation"):
        apart = [slot_relations(riddle.text[0], choice).count("disjoint") for choice in riddle.choices]
        expected = [3] * 5
        expected[fitting(riddle)] = 0
        assert apart == expected
        assert all(DOMAIN[slot].is_leaf(choice.nodes[slot]) for choice in riddle.choices for slot in (0, 3, 5))


@pytest.mark.parametrize("task", TASKS)
def test_the_right_choice_stands_anywhere_and_is_called_right_as_often_as_stated(task):
    drawn = riddles(0, task, "validation")
    n, choices = len(drawn), CHOICES[task]
    for place in range(choices):
        share = 1 / choices
        assert abs(sum(fitting(r) == place for r in drawn) - n * share) < 4 * (n * share * (1 - share)) ** 0.5
    right = sum(r.label == fitting(r) for r in drawn)
    assert abs(right - 0.92 * n) < 4 * (n * 0.92 * 0.08) ** 0.5
    assert all(sum(r.posterior) == pytest.approx(1) and max(r.posterior) == 0.92 for r in drawn)


@pytest.mark.parametrize("task", TASKS)
def test_choices_are_parallel(task):
    source, other = (artificial_split(task, "validation", token) for token in ("w0_src", "w0_int"))
    for mine, theirs in zip(source.examples, other.examples, strict=True):
        assert (mine.item_id, mine.label, mine.posterior) == (theirs.item_id, theirs.label, theirs.posterior)
        assert mine.choices != theirs.choices


def test_validation_and_training_share_no_text():
    texts = {s: {r.text[0].spelled() for r in riddles(0, "cosmosqa", s)} for s in ("train", "validation")}
    assert not texts["train"] & texts["validation"]


def test_the_words_of_choices_do_not_give_the_right_one_away():
    for task in ("hellaswag", "cosmosqa"):
        found = task_baselines(0, task, "validation")
        assert max(found.second, found.bag) <= 1 / CHOICES[task] + 0.07
