"""Synthetic texts have the lengths that are asked for, and no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.modeling.workload import workload
from bench.throughput.texts import LONGEST, synthetic_lengths, synthetic_split, word_tokenizer


def test_lengths_are_distributed_as_stated():
    lengths = synthetic_lengths(20_000)
    assert lengths.mean() == pytest.approx(46, abs=0.7)
    assert np.log(lengths).std() == pytest.approx(0.46, abs=0.02)
    assert 6 <= lengths.min() <= lengths.max() == LONGEST


def test_fewer_lengths_are_the_first_of_more():
    assert synthetic_lengths(10).tolist() == synthetic_lengths(100)[:10].tolist()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(6, LONGEST), min_size=1, max_size=40))
def test_rows_have_the_lengths_asked_for(lengths):
    wanted = np.array(lengths, dtype=np.int64)
    work = workload(word_tokenizer(), synthetic_split(wanted), LONGEST)
    assert work.lengths.tolist() == lengths
    assert not work.truncated.any()
    assert word_tokenizer().unk_token_id not in work.encoded.ids


def test_few_words_are_frequent_and_many_take_part():
    work = workload(word_tokenizer(), synthetic_split(synthetic_lengths(1600)), LONGEST)
    counts = np.bincount(work.encoded.ids)[4:]
    assert 5000 < (counts > 0).sum() < 12_000
    assert counts[0] > 5 * counts[9] > 0
