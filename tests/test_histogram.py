import numpy as np

from bench.calibration.calibrators.histogram import fit
from bench.calibration.outcomes import Outcomes


def two_classes(scores, labels):
    scores = np.asarray(scores)
    return Outcomes.from_probabilities(np.column_stack([1 - scores, scores]), labels)


# 30 scores, two a bin: the n-th bin is (2 (n - 1) / 60, 2 n / 60].
SCORES = np.arange(1, 31) / 60


def test_bins_hold_equal_mass_and_give_the_share_of_the_class():
    labels = np.array([0, 0] * 5 + [0, 1] * 5 + [1, 1] * 5)
    fitted = fit(two_classes(SCORES, labels))
    np.testing.assert_array_equal(fitted.edges[1], SCORES[1:-1:2])
    np.testing.assert_array_equal(fitted.shares[1], [0] * 5 + [0.5] * 5 + [1] * 5)
    # What is low for one class is high for the other.
    np.testing.assert_array_equal(fitted.shares[0], [0] * 5 + [0.5] * 5 + [1] * 5)


def test_bins_are_closed_on_the_right_and_reach_beyond_the_fitted_scores():
    labels = np.array([0, 0] * 14 + [1, 1])
    fitted = fit(two_classes(SCORES, labels))
    edge = SCORES[27]
    after = fitted.apply(two_classes([0.0, edge, edge + 1e-9, SCORES[28], 0.99], [0] * 5))
    # n = 30, so 1/31 is spread over the two classes. Just above the edge both classes claim all: class 0 has an edge of
    # its own, at the other end of the gap between two scores.
    expected = [1 / 62, 1 / 62, 0.5, 30 / 31 + 1 / 62, 30 / 31 + 1 / 62]
    np.testing.assert_allclose(after.probabilities[:, 1], expected)


def test_equal_scores_share_a_bin_and_empty_bins_are_dropped():
    fitted = fit(two_classes([0.2] * 40 + [0.4] * 2, [0] * 30 + [1] * 10 + [1, 1]))
    np.testing.assert_array_equal(fitted.edges[1], [0.2])
    np.testing.assert_array_equal(fitted.shares[1], [0.25, 1.0])


def test_equal_rows_get_the_frequencies_of_the_labels():
    found = Outcomes.from_probabilities(np.tile([0.5, 0.3, 0.2], (10, 1)), [0] * 2 + [1] * 5 + [2] * 3)
    expected = np.array([0.2, 0.5, 0.3]) * 10 / 11 + 1 / 33
    np.testing.assert_allclose(fit(found).apply(found).probabilities, np.tile(expected, (10, 1)))


def test_parameters_are_the_edges_and_shares_of_each_class():
    fitted = fit(two_classes([0.2, 0.4], [0, 1]))
    # Class 0 has the scores 0.8 and 0.6, class 1 has 0.2 and 0.4.
    assert fitted.parameters() == {"edges": [[0.6], [0.2]], "shares": [[0.0, 1.0], [0.0, 1.0]]}
