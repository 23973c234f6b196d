from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.canonical import digest
from bench.data.artificial import WORLDS, describe, language_tokens, nli_split
from bench.data.artificial.corpus import CONNECTIVES, RELATIONS, best_guess, documents, information, joint
from bench.data.artificial.grammar import language, names
from bench.data.artificial.languages import TYPES, source_type
from bench.data.artificial.meaning import DOMAIN, UNSAID, Description, relation
from bench.data.artificial.tasks import GROUPS, items
from bench.errors import BadInput

SPLITS = sorted(GROUPS)
OPTIONAL = (2, 4, 7)
GOLDEN = {
    "corpus": "bb5568b23433200f",
    "w0_src": "cd9ac960474e8d76",
    "w0_fus": "90757f436582028b",
    "w1_int": "3e02b87f54ac4fff",
}


@st.composite
def descriptions(draw):
    nodes = tuple(
        draw(st.integers(UNSAID if slot in OPTIONAL else 0, tree.size - 1)) for slot, tree in enumerate(DOMAIN)
    )
    return Description(nodes, draw(st.booleans()))


@settings(deadline=None, max_examples=300)
@given(one=descriptions(), two=descriptions(), token=st.sampled_from([t for w in WORLDS for t in language_tokens(w)]))
def test_two_meanings_are_never_said_by_one_sentence(one, two, token):
    speaker = language(token)
    assert (speaker.sentence(one) == speaker.sentence(two)) == (one == two)


@pytest.mark.parametrize("world", WORLDS)
def test_words_of_a_language_have_one_reading(world):
    for token in language_tokens(world):
        speaker = language(token)
        stems = list(speaker.stems.values())
        assert len(set(stems)) == len(stems)
        assert len(set(speaker.markers.values())) == len(speaker.markers)
        assert speaker.polarity[0] != speaker.polarity[1]


def test_neighbouring_types_differ_in_one_factor():
    rows = list(TYPES.values())
    for one, two in pairwise(rows):
        assert sum(mine != other for mine, other in zip(one, two, strict=True)) == 1


def test_a_scarce_twin_and_a_clone_differ_in_words_alone():
    for world in WORLDS:
        for token in language_tokens(world):
            if token.endswith(("_lo", "_cln")):
                facts = describe(token)
                twin = describe(token.removesuffix("_lo") if facts.data == "scarce" else f"w{world}_src")
                same = ("type", "verb_order", "adjective_first")
                assert [getattr(facts, name) for name in same] == [getattr(twin, name) for name in same]
                shared = set(language(token).stems.values()) & set(language(twin.token).stems.values())
                assert shared - set(names(world)) == set()


def test_the_identical_clone_says_what_the_source_says():
    source, clone = nli_split("xnli", "test", "w1_src"), nli_split("xnli", "test", "w1_idn")
    assert source.examples == clone.examples


def test_no_type_keeps_the_order_of_the_source():
    orders = {code: {describe(f"w{w}_{code}").verb_order for w in range(6)} for code in TYPES}
    assert all(found == {"SVO", "SOV", "VSO"} for found in orders.values())


@pytest.mark.parametrize(("task", "split"), SPLITS)
def test_labels_follow_the_posterior(task, split):
    drawn = items(0, task, split)
    for item in drawn:
        logical = relation(item.premise, item.hypothesis)
        assert max(range(3), key=item.posterior.__getitem__) == logical
        assert sum(item.posterior) == pytest.approx(1)
    for label in range(3):
        expected = sum(item.posterior[label] for item in drawn)
        spread = sum(item.posterior[label] * (1 - item.posterior[label]) for item in drawn) ** 0.5
        assert abs(sum(item.label == label for item in drawn) - expected) < 4 * spread


@pytest.mark.parametrize("world", WORLDS)
def test_the_bayes_accuracy_of_the_target_task_is_as_stated(world):
    drawn = items(world, "xnli", "test")
    assert 0.88 <= sum(max(item.posterior) for item in drawn) / len(drawn) <= 0.92


def test_groups_share_a_premise_and_aim_at_each_label_once():
    drawn = items(0, "xnli", "validation")
    for start in range(0, len(drawn), 3):
        group = drawn[start : start + 3]
        assert len({item.premise for item in group}) == 1
        assert Counter(relation(item.premise, item.hypothesis) for item in group) == {0: 1, 1: 1, 2: 1}


def test_all_languages_have_the_same_items():
    ids = {
        token: [(e.item_id, e.group_id, e.label, e.posterior) for e in nli_split("xnli", "test", token).examples]
        for token in ("w0_src", "w0_int", "w0_agg_lo")
    }
    assert ids["w0_src"] == ids["w0_int"] == ids["w0_agg_lo"]


def test_splits_share_no_premise_and_pretraining_no_content_with_any_task():
    premises = {key: {item.premise.spelled() for item in items(0, *key)} for key in SPLITS}
    assert sum(map(len, premises.values())) == len(set.union(*premises.values()))
    said = {text.spelled() for key in SPLITS for item in items(0, *key) for text in (item.premise, item.hypothesis)}
    corpus = {text.spelled() for document in documents(0, 3000) for text in (document.first, document.second)}
    assert said & corpus == set()


def test_connectives_say_as_little_of_the_relation_as_stated():
    read = documents(0, 12000)
    counts = Counter((document.relation, document.connective) for document in read)
    table = [[counts[label, mark] / len(read) for mark in range(CONNECTIVES)] for label in range(RELATIONS)]

    assert best_guess(joint()) == pytest.approx(0.58)
    assert best_guess(table) < 0.6
    assert information(joint()) == pytest.approx(0.50, abs=0.005)
    assert information(table) == pytest.approx(information(joint()), abs=0.03)
    # Many to many: a relation has all connectives, and a connective all relations.
    assert min(map(min, table)) > 0


def test_information_and_guess_of_known_tables():
    assert (best_guess([[0.5, 0.0], [0.0, 0.5]]), information([[0.5, 0.0], [0.0, 0.5]])) == (1.0, 1.0)
    assert (best_guess([[0.25, 0.25], [0.25, 0.25]]), information([[0.25, 0.25], [0.25, 0.25]])) == (0.5, 0.0)


def test_the_polarity_of_a_document_is_drawn_blindly_and_relations_are_balanced():
    read = documents(0, 3000)
    assert 0.45 < sum(document.second.negated for document in read) / len(read) < 0.55
    assert all(0.28 < sum(d.relation == label for d in read) / len(read) < 0.39 for label in range(RELATIONS))


def test_a_scarce_corpus_is_a_prefix_of_a_plentiful_one():
    assert documents(0, 50) == documents(0, 200)[:50]


@pytest.mark.parametrize("world", WORLDS)
def test_the_source_alternates_between_two_types(world):
    assert describe(f"w{world}_src").type == source_type(world) == ("agg" if world % 2 else "iso")


def test_groups_of_richness():
    groups = {code: describe(f"w0_{code}").group for code in TYPES}
    assert groups == {
        "isx": "between",
        "iso": "poor",
        "agf": "between",
        "agg": "rich",
        "fus": "rich",
        "int": "rich",
    }


@pytest.mark.parametrize("token", ["w0_xyz", "en", "w_iso", "w01_iso", "0_iso"])
def test_an_unknown_language_is_named_with_the_ones_there_are(token):
    with pytest.raises(BadInput, match=rf"Got language='{token}', but .* iso, .* cln, idn\."):
        describe(token)


def test_an_unknown_split_is_named_with_the_ones_there_are():
    with pytest.raises(BadInput, match=r"Got task='snli', split='test', but an artificial world has xnli train, "):
        nli_split("snli", "test", "w0_src")


def test_a_negative_world_is_refused():
    with pytest.raises(BadInput, match=r"Got world=-1, but a world is an integer of 0 or more"):
        language_tokens(-1)


def test_a_world_is_the_same_on_every_machine():
    """A change here changes every number of the artificial world: say so in CHANGELOG and rebuild the pocket models."""
    corpus = [[list(d.first.nodes), list(d.second.nodes), d.second.negated, d.connective] for d in documents(0, 500)]
    found = {
        "corpus": digest(corpus)[:16],
        "w0_src": nli_split("xnli", "test", "w0_src").fingerprint[:16],
        "w0_fus": nli_split("snli", "train", "w0_fus").fingerprint[:16],
        "w1_int": nli_split("xnli", "validation", "w1_int").fingerprint[:16],
    }
    assert found == GOLDEN
