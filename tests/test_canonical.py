"""Canonical JSON: equal values, equal digests."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.canonical import canonical_json, digest, plain

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple[int, ...]


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=5))
def test_the_order_of_keys_is_no_part_of_the_identity(value):
    assert digest(value) == digest(dict(reversed(value.items())))


@given(VALUES)
def test_plain_values_stay_plain(value):
    assert plain(plain(value)) == plain(value)


def test_dataclasses_tuples_and_sets_are_spelled_one_way():
    assert canonical_json({"b": Point(1, (2, 3)), "a": {3, 1}}) == '{"a":[1,3],"b":{"x":1,"y":[2,3]}}'


def test_the_digest_is_that_of_the_spelling():
    # echo -n '{"a":1}' | sha256sum
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


def test_not_a_number_has_no_spelling():
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json(float("nan"))


def test_a_value_whose_spelling_could_change_is_refused():
    with pytest.raises(TypeError, match="Got a object, but canonical JSON takes only plain values"):
        canonical_json({"a": object()})
