import numpy as np

from bench.calibration.calibrators.one_versus_rest import log_distribution


def test_chances_are_normalised_and_mixed_with_equal_ones():
    # n = 9: one part in ten is spread over the classes.
    found = np.exp(log_distribution(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.0]]), 9))
    np.testing.assert_allclose(found[0], [0.45 + 1 / 30, 0.225 + 1 / 30, 0.225 + 1 / 30])
    np.testing.assert_allclose(found[1], [0.45 + 1 / 30, 0.45 + 1 / 30, 1 / 30])


def test_a_row_of_zeros_becomes_equal_chances():
    found = np.exp(log_distribution(np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]), 100))
    np.testing.assert_allclose(found[0], 0.25)
    np.testing.assert_allclose(found[1], [100 / 101 + 1 / 404, 1 / 404, 1 / 404, 1 / 404])


def test_equal_chances_in_another_order_have_the_same_confidence():
    chances = np.random.default_rng(0).random((200, 5))
    found, other = log_distribution(chances, 50), log_distribution(chances[:, ::-1], 50)
    np.testing.assert_array_equal(found.max(axis=1), other.max(axis=1))
