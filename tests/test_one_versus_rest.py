import numpy as np
import pytest

from bench.calibration.calibrators import histogram, isotonic
from bench.calibration.calibrators.one_versus_rest import log_distribution
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes


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


MIXED = [pytest.param(method.fit, id=method.__name__) for method in (histogram, isotonic)]


@pytest.mark.parametrize("fit", MIXED)
@pytest.mark.parametrize(("label", "expected"), [(0, [2 / 3, 1 / 6, 1 / 6]), (2, [1 / 6, 1 / 6, 2 / 3])])
def test_one_item_shares_its_chances_with_all_classes(fit, label, expected):
    found = Outcomes.from_probabilities([[0.6, 0.3, 0.1]], [label])
    np.testing.assert_allclose(fit(found).apply(found).probabilities, [expected])


@pytest.mark.parametrize("fit", MIXED)
def test_a_missing_class_keeps_what_the_mixture_gives_it(fit):
    found = Outcomes.from_probabilities(make_outcomes(99).probabilities, np.arange(99) % 2)
    np.testing.assert_allclose(fit(found).apply(found).probabilities[:, 2], 1 / 300)
