from collections import Counter

import pytest

from bench.data.artificial import artificial_split, nli_split
from bench.data.artificial.corpus import documents
from bench.data.artificial.draws import GRAMMATICAL
from bench.data.artificial.inference_rounds import round_items
from bench.data.artificial.meaning import (
    ATTRIBUTE,
    DOMAIN,
    EQUAL,
    NUMBER,
    PATIENT_NUMBER,
    TENSE,
    UNSAID,
    relation,
    slot_relations,
)
from bench.data.artificial.pair_tasks import pairs
from bench.data.artificial.paraphrases import OTHER, PARAPHRASE, rewordings
from bench.data.artificial.task_baselines import task_baselines
from bench.data.artificial.translation_noise import translator
from bench.errors import BadInput

GRAMMAR = {NUMBER, TENSE, PATIENT_NUMBER}
GOLDEN = {
    ("anli", "validation", "w0_src"): "c71b3bb2d086e794",
    ("qqp", "validation", "w0_agg"): "e72f42a89d030161",
    ("pawsx", "test", "w0_src"): "444af319a3c0aa6b",
    ("pawsx", "test", "w1_int"): "20c8f2c828967c00",
}


def fingerprint(*key):
    return artificial_split(*key).fingerprint[:16]


@pytest.mark.parametrize("key", GOLDEN, ids="-".join)
def test_pairs_are_drawn_the_same_on_every_machine(key):
    assert fingerprint(*key) == GOLDEN[key]


@pytest.mark.parametrize(("task", "split"), [("xnli", "test"), ("mnli", "train")])
def test_inference_is_what_it_was_before_there_were_other_tasks(task, split):
    assert artificial_split(task, split, "w0_fus") == nli_split(task, split, "w0_fus")


def test_anli_is_snli_and_mnli_and_three_rounds_with_one_label_set():
    split = artificial_split("anli", "train", "w0_src")
    origins = Counter(example.item_id.split("-")[1] for example in split.examples)
    assert origins == {"snli": 12000, "xnli": 12000, "anli1": 600, "anli2": 600, "anli3": 600}
    assert split.labels == nli_split("mnli", "train", "w0_src").labels


def test_rounds_of_anli_get_harder():
    for number in (1, 2, 3):
        drawn = round_items(0, number, "validation")
        changes = [
            {slot for slot, held in enumerate(slot_relations(i.premise, i.hypothesis)) if held != EQUAL} for i in drawn
        ]
        assert all(change & GRAMMATICAL for change in changes)
        assert all(change <= GRAMMATICAL for change in changes) == (number == 3)
        assert all(UNSAID not in (i.premise.nodes[TENSE], i.premise.nodes[ATTRIBUTE]) for i in drawn) == (number == 2)
        for start in range(0, len(drawn), 3):
            assert {relation(i.premise, i.hypothesis) for i in drawn[start : start + 3]} == {0, 1, 2}


@pytest.mark.parametrize("task", ["qqp", "pawsx"])
def test_a_paraphrase_contradicts_nothing_and_another_pair_something(task):
    for drawn in rewordings(0, task, "validation"):
        disjoint = any(held == "disjoint" for held in slot_relations(drawn.first, drawn.second))
        meant = max((OTHER, PARAPHRASE), key=drawn.posterior.__getitem__)
        assert disjoint == (meant == OTHER)
        assert drawn.first != drawn.second


@pytest.mark.parametrize("task", ["qqp", "pawsx"])
def test_groups_hold_one_pair_of_each_kind_and_labels_follow_the_posterior(task):
    drawn = rewordings(0, task, "validation")
    for one, two in zip(drawn[::2], drawn[1::2], strict=True):
        assert one.first == two.first
        assert {pair.posterior[PARAPHRASE] > 0.5 for pair in (one, two)} == {False, True}
    expected = sum(pair.posterior[PARAPHRASE] for pair in drawn)
    spread = sum(pair.posterior[0] * pair.posterior[1] for pair in drawn) ** 0.5
    assert abs(sum(pair.label for pair in drawn) - expected) < 4 * spread


@pytest.mark.parametrize("task", ["qqp", "pawsx"])
def test_bayes_accuracy_leaves_room(task):
    drawn = rewordings(0, task, "validation")
    assert 0.88 <= sum(max(pair.posterior) for pair in drawn) / len(drawn) <= 0.94


def test_bags_of_words_do_not_give_paraphrases_away():
    found = task_baselines(0, "pawsx", "test")
    assert max(found.second, found.bag) <= 0.57


def test_pairs_are_parallel_and_differ_in_words():
    source, other = (artificial_split("pawsx", "test", token) for token in ("w0_src", "w0_int"))
    for mine, theirs in zip(source.examples, other.examples, strict=True):
        assert (mine.item_id, mine.group_id, mine.label, mine.posterior) == (
            theirs.item_id, theirs.group_id, theirs.label, theirs.posterior,
        )  # fmt: skip
        assert mine.text != theirs.text


def test_splits_share_no_first_sentence_and_pretraining_no_content():
    firsts = {s: {pair.first.spelled() for pair in pairs(0, "pawsx", s)} for s in ("train", "validation", "test")}
    assert sum(map(len, firsts.values())) == len(set.union(*firsts.values()))
    said = {text.spelled() for pair in pairs(0, "pawsx", "train") for text in (pair.first, pair.second)}
    corpus = {text.spelled() for document in documents(0, 3000) for text in (document.first, document.second)}
    assert said & corpus == set()


def test_noise_mistakes_words_for_siblings_at_its_rate_and_keeps_grammar():
    into, words, mistaken = translator("w0_iso", "train", 0.2), 0, 0
    for number, pair in enumerate(pairs(0, "pawsx", "train")[::2]):
        heard = into.heard(pair.first, number)
        for slot, (tree, meant, node) in enumerate(zip(DOMAIN, pair.first.nodes, heard.nodes, strict=True)):
            if slot in GRAMMAR or meant == UNSAID:
                assert node == meant
                continue
            words, mistaken = words + 1, mistaken + (node != meant)
            assert tree.is_leaf(node) == tree.is_leaf(meant)
            if tree.groups and tree.is_leaf(node):
                assert tree.hypernym(node) == tree.hypernym(meant)
    assert abs(mistaken - 0.2 * words) < 4 * (0.2 * 0.8 * words) ** 0.5


def test_noisy_translations_keep_ids_and_labels_and_are_drawn_the_same_again():
    exact, noisy = (artificial_split("pawsx", "train", "w0_iso", noise) for noise in (0.0, 0.2))
    assert noisy.examples == artificial_split("pawsx", "train", "w0_iso", 0.2).examples
    assert noisy.examples != exact.examples
    assert [(e.item_id, e.label) for e in noisy.examples] == [(e.item_id, e.label) for e in exact.examples]
    assert noisy.provenance.note == "artificial world 0, words mistranslated at a rate of 0.2"


def test_the_source_is_not_translated_so_nothing_is_mistaken_in_it():
    exact, noisy = (artificial_split("pawsx", "train", "w0_src", noise) for noise in (0.0, 0.5))
    assert exact.examples == noisy.examples


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("qqp", "test", "w0_src"), "Got task='qqp', split='test', but an artificial world has anli train, "),
        (("more", "train", "w0_src"), "Got task='more', split='train', but"),
        (("qqp", "train", "w0_iso", 1.5), "Got noise=1.5, but the share of words mistranslated is between 0 and 1."),
        (
            ("pawsx", "test", "w0_iso", 0.1),
            "Got noise=0.1 for split='test', but only training splits are mistranslated",
        ),
    ],
)
def test_what_a_world_does_not_have_is_refused(arguments, message):
    with pytest.raises(BadInput) as caught:
        artificial_split(*arguments)
    assert message in str(caught.value)
