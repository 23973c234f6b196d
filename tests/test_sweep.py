import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration.binned import ece
from bench.calibration.binning import bin_sums, equal_mass
from bench.calibration.sweep import sweep_error, sweep_errors


def brute_force(confidence, correct):
    """Bin after bin, in the words of the definition."""
    best = None
    for bins in range(1, len(confidence) + 1):
        sums = bin_sums(equal_mass(confidence, bins), bins, confidence, correct)
        filled = sums.count > 0
        accuracy = sums.correct[filled] / sums.count[filled]
        if (np.diff(accuracy) < 0).any():
            break
        best = float(ece(sums))
    return best


def test_by_hand():
    # Two bins: accuracies 0 and 1; three bins of one, one, two: 0, 1, 1/2 falls. So two bins count.
    confidence, correct = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.0, 0, 1, 1])
    assert sweep_error(confidence, correct) == pytest.approx((0.5 + 0.6 + 0.3 + 0.2) / 4)
    assert sweep_error(confidence, np.array([0.0, 1, 0, 1])) == pytest.approx((0.1 + 0.5) / 4)
    assert sweep_error(confidence, np.array([1.0, 1, 0, 0])) == pytest.approx(abs(2.6 - 2) / 4)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40))
def test_equals_the_definition(items):
    confidence = np.array([count / 12 for count, _ in items])
    correct = np.array([float(right) for _, right in items])
    assert sweep_error(confidence, correct) == pytest.approx(brute_force(confidence, correct), abs=1e-12)


def test_many_draws_at_once_equal_one_after_the_other():
    generator = np.random.default_rng(1)
    confidence = np.sort(generator.random(80))
    hits = (generator.random((25, 80)) < confidence).astype(float)
    np.testing.assert_allclose(sweep_errors(confidence, hits), [sweep_error(confidence, each) for each in hits])


def test_a_rising_accuracy_is_swept_to_the_end():
    """All right: every binning is monotone, and as many bins as items are taken without trying each."""
    confidence = np.linspace(0.4, 0.9, 20_000)
    assert sweep_error(confidence, np.ones(20_000)) == pytest.approx(0.35)
