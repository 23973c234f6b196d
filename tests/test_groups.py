import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.data.example import Example, Provenance, Split
from bench.data.groups import halve_by_group, limit_by_groups, without_groups
from bench.errors import BadInput


def split_of(sizes, language="en"):
    """Return a split with one group for each size, the rows of the groups interleaved."""
    rows = sorted((row, group) for group, size in enumerate(sizes) for row in range(size))
    examples = tuple(
        Example(f"i{index}", f"g{group}", f"{language} {group}", f"{row}", 0) for index, (row, group) in enumerate(rows)
    )
    return Split("validation", language, ("a", "b"), examples, Provenance("mirror", note="as copied"))


def groups_of(split):
    return {example.group_id for example in split.examples}


SIZES = st.lists(st.integers(1, 5), min_size=2, max_size=30)


@given(SIZES, st.integers(1, 40), st.text(max_size=5))
def test_a_limit_keeps_whole_groups_in_order_and_alike_in_all_languages(sizes, limit, seed_text):
    assume(limit >= max(sizes))
    split = split_of(sizes)
    kept = limit_by_groups(split, limit, seed_text)
    assert len(kept.examples) <= limit
    assert kept.examples == tuple(item for item in split.examples if item.group_id in groups_of(kept))
    assert kept.provenance.capped == (sum(sizes) > limit)
    other = limit_by_groups(split_of(sizes, "sw"), limit, seed_text)
    assert [item.item_id for item in other.examples] == [item.item_id for item in kept.examples]


@given(SIZES, st.integers(5, 40))
def test_a_smaller_limit_keeps_a_part_of_what_a_larger_one_keeps(sizes, limit):
    larger = limit_by_groups(split_of(sizes), limit + 3, "x")
    assert groups_of(limit_by_groups(split_of(sizes), limit, "x")) <= groups_of(larger)


def test_a_limit_says_what_it_left_out():
    kept = limit_by_groups(split_of([3] * 20), 10, "x")
    assert kept.provenance == Provenance("mirror", capped=True, note="as copied; capped to 9 of 60 examples")


def test_the_seed_text_chooses_the_groups():
    split = split_of([3] * 20)
    assert groups_of(limit_by_groups(split, 10, "x")) != groups_of(limit_by_groups(split, 10, "y"))


def test_the_chosen_groups_are_the_same_on_every_machine():
    # The four smallest of sha256(b"x\0g0") to sha256(b"x\0g19"), by sha256sum.
    assert groups_of(limit_by_groups(split_of([1] * 20), 4, "x")) == {"g1", "g9", "g12", "g19"}


@pytest.mark.parametrize("limit", [0, -3, 1.5, True, "9"])
def test_a_limit_that_is_no_count_is_refused(limit):
    with pytest.raises(BadInput, match=r"Got limit=.*, but a limit is an integer of 1 or more, such as 501\."):
        limit_by_groups(split_of([3, 3]), limit, "x")


def test_a_limit_below_one_group_is_refused():
    with pytest.raises(BadInput, match=r"Got limit=2, but the first group of validation en has 3 examples, and groups"):
        limit_by_groups(split_of([3, 3]), 2, "x")


@given(SIZES)
def test_halves_are_disjoint_by_group_complete_and_near_equal(sizes):
    split = split_of(sizes)
    select, calibrate = halve_by_group(split)
    assert not groups_of(select) & groups_of(calibrate)
    assert sorted(select.examples + calibrate.examples, key=split.examples.index) == list(split.examples)
    assert abs(len(select.examples) - len(calibrate.examples)) <= max(sizes)
    assert list(select.examples) == sorted(select.examples, key=split.examples.index)
    assert (select.name, calibrate.name) == ("select", "calibrate")


def test_one_group_has_no_halves():
    with pytest.raises(BadInput, match=r"Got 1 groups in validation en, but two halves need at least 2"):
        halve_by_group(split_of([3]))


def test_a_split_without_some_groups():
    split = split_of([2, 3, 1])
    groups = sorted({example.group_id for example in split.examples})
    rest = without_groups(split, {groups[0]})
    assert {example.group_id for example in rest.examples} == set(groups[1:])
    with pytest.raises(BadInput, match="with no group of its own"):
        without_groups(split, set(groups))
