"""The order of training: complete, bucketed, and a function of seed, role and lengths alone."""

from itertools import islice

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.training.batches import endless_batches, epoch_batches, shuffled

lengths = st.lists(st.integers(4, 60), min_size=1, max_size=200).map(np.array)


@settings(deadline=None)
@given(lengths, st.integers(1, 16), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_has_every_row_once_in_full_batches_but_one(lengths, batch_size, seed, epoch):
    batches = epoch_batches(lengths, batch_size, seed, "target", epoch)
    sizes = sorted(len(batch) for batch in batches)

    assert list(range(len(lengths))) == sorted(np.concatenate(batches))
    assert all(batch_size == size for size in sizes[1:])
    assert 1 <= sizes[0] <= batch_size


@settings(deadline=None)
@given(lengths, st.integers(1, 16), st.integers(0, 40))
def test_a_resumed_stream_continues_the_first(lengths, batch_size, first):
    whole = list(islice(endless_batches(lengths, batch_size, 0, "target"), first + 5))
    resumed = list(islice(endless_batches(lengths, batch_size, 0, "target", first), 5))

    assert [batch.tolist() for batch in whole[first:]] == [batch.tolist() for batch in resumed]


def test_order_differs_by_seed_role_and_epoch():
    lengths = np.full(64, 10)
    orders = {
        tuple(np.concatenate(epoch_batches(lengths, 8, seed, role, epoch)))
        for seed in (0, 1)
        for role in ("intermediate", "target")
        for epoch in (0, 1)
    }

    assert len(orders) == 8


def test_buckets_leave_a_tenth_of_the_padding_of_plain_shuffling():
    lengths = 5 + shuffled(3200, seed=1) % 60

    def padding(batches):
        return sum(len(batch) * lengths[batch].max() for batch in batches) / lengths.sum() - 1

    plain = np.split(shuffled(3200, seed=2), range(32, 3200, 32))

    assert padding(epoch_batches(lengths, 32, 0, "target", 0)) < 0.1 * padding(plain)


def test_the_permutation_is_the_same_on_every_machine():
    assert shuffled(8, seed=7).tolist() == [4, 1, 6, 3, 2, 7, 5, 0]
