import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.artificial.draws import (
    TALES,
    draw_hypothesis,
    draw_premise,
    for_pretraining,
    held_out,
    in_region,
    way_to,
)
from bench.data.artificial.meaning import (
    CONTRADICTION,
    DISJOINT,
    DOWN,
    ENTAILMENT,
    EQUAL,
    NEUTRAL,
    UNSAID,
    UP,
    Description,
    Tree,
    relation,
)
from bench.data.artificial.streams import Stream

SMALL = (Tree(4, 2), Tree(2), Tree(3))


def situations(description):
    """Every situation of the small domain that makes `description` true, by enumeration."""
    boxes = [range(tree.leaves) for tree in SMALL]
    true = set()
    for situation in itertools.product(*boxes):
        inside = all(
            leaf in tree.below(node) for tree, leaf, node in zip(SMALL, situation, description.nodes, strict=True)
        )
        if inside != description.negated:
            true.add(situation)
    return true


def by_model_checking(premise, hypothesis):
    mine, other = situations(premise), situations(hypothesis)
    if mine <= other:
        return ENTAILMENT
    return NEUTRAL if mine & other else CONTRADICTION


DESCRIPTIONS = [
    Description(nodes, negated)
    for nodes in itertools.product(*(range(UNSAID, tree.size) for tree in SMALL))
    for negated in (False, True)
    # Said or denied of everything, a sentence excludes nothing or everything; no task says either.
    if any(node != UNSAID for node in nodes)
]


def test_the_closed_form_agrees_with_enumerating_all_situations():
    wrong = [
        (premise, hypothesis)
        for premise, hypothesis in itertools.product(DESCRIPTIONS, repeat=2)
        if relation(premise, hypothesis, SMALL) != by_model_checking(premise, hypothesis)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("premise", "hypothesis", "expected"),
    [(0, 0, EQUAL), (0, 6, UP), (6, 1, DOWN), (0, 8, DISJOINT), (0, UNSAID, UP), (UNSAID, 7, DOWN), (7, 8, DISJOINT)],
)
def test_how_two_nodes_of_a_tree_stand_to_each_other(premise, hypothesis, expected):
    assert Tree(6, 3).relation(premise, hypothesis) == expected


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), label=st.sampled_from([ENTAILMENT, NEUTRAL, CONTRADICTION]))
def test_a_hypothesis_has_the_label_it_was_drawn_for(seed, label):
    stream = Stream("test", seed)
    premise = draw_premise(stream, 0, TALES, lambda drawn: True)
    kind, negated = way_to(stream, premise, label)
    drawn = draw_hypothesis(stream, 0, TALES, premise, kind, lambda other: True)
    assert drawn is not None
    assert relation(premise, Description(drawn.nodes, negated)) == label


def test_no_content_is_both_of_pretraining_and_of_the_tasks():
    stream = Stream("test regions")
    drawn = [draw_premise(stream, 0, TALES, lambda _: True) for _ in range(300)]
    assert all(in_region(0, "pretraining", one) != in_region(0, "tasks", one) for one in drawn)
    assert any(held_out(0, one) for one in drawn)
    assert not any(for_pretraining(0, one) for one in drawn if held_out(0, one) or in_region(0, "tasks", one))
