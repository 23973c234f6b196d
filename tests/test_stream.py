import numpy as np

from bench.stream import integers, philox, unit_integers


def test_a_stream_is_a_function_of_its_key_and_never_changes():
    assert integers(philox("golden", 0), (6,), 1000).tolist() == [237, 878, 418, 345, 414, 408]
    assert not np.array_equal(integers(philox("golden", 1), (6,), 1000), [237, 878, 418, 345, 414, 408])


def test_integers_cover_their_range_evenly():
    counts = np.bincount(integers(philox("even"), (100, 700), 7).reshape(-1), minlength=7)
    assert len(counts) == 7
    # Six standard deviations of a binomial count of 10,000.
    assert np.abs(counts - 10_000).max() < 6 * np.sqrt(10_000)


def test_unit_integers_are_below_p_with_probability_p():
    drawn = unit_integers(philox("unit"), (100_000,))
    assert drawn.max() < 2**53
    assert abs((drawn < np.uint64(0.3 * 2**53)).mean() - 0.3) < 0.01
