"""Conditions and their ids."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.condition import Condition
from bench.errors import BadInput

TOKENS = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True).filter(lambda token: token not in {"and", "or", "not"})


@given(TOKENS, TOKENS, TOKENS, TOKENS, st.integers(0, 10**9), st.just("") | TOKENS)
@example("m", "none", "xnli", "s0", 0, "")
@example("m", "none", "xnli", "en", 0, "s1")
def test_every_id_reads_back(model, intermediate, target, language, seed, variant):
    condition = Condition(model, intermediate, target, language, seed, variant)

    assert Condition.from_id(condition.id) == condition


def test_an_id_is_the_documented_one():
    assert Condition("xlmr_large", "snli", "xnli", "sw", 0).id == "xlmr_large-snli-xnli-sw-s0"
    assert Condition("xlmr_large", "snli", "xnli", "sw", 2, "ls10").id == "xlmr_large-snli-xnli-sw-s2-ls10"


@pytest.mark.parametrize(
    "text", ["", "a-b-c-d", "a-b-c-d-0", "a-b-c-d-s01", "a-b-c-d-s-1", "a-b-c-d-s0-v-w", "a-b-c-d-sx"]
)
def test_no_other_text_is_an_id(text):
    with pytest.raises(BadInput, match="an id reads <model>-<intermediate>-<target>-<language>-s<seed>"):
        Condition.from_id(text)


@pytest.mark.parametrize("token", ["", "A", "a-b", "a b", "a/b", "..", "é", "a\n"])
def test_tokens_hold_nothing_that_an_id_or_path_could_trip_over(token):
    with pytest.raises(BadInput, match="a token consists of a-z, 0-9 and _ only"):
        Condition(token, "none", "xnli", "en", 0)


def test_operators_of_dash_k_are_no_tokens():
    with pytest.raises(BadInput, match=r"language='or', which is an operator of pytest -k; choose another.*in_or"):
        Condition("m", "none", "xnli", "or", 0)


@pytest.mark.parametrize("seed", [-1, 1.0, "0", True, None])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(BadInput, match=r"Got seed=.*a seed is an integer of 0 or more"):
        Condition("m", "none", "xnli", "en", seed)
