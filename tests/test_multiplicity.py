import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.statistics.multiplicity import benjamini_hochberg, holm

BOTH = pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_by_hand():
    # .01 * 4, .02 * 3, .03 * 2 = .06 as the one before, .5 * 1.
    np.testing.assert_allclose(holm([0.03, 0.01, 0.5, 0.02]), [0.06, 0.04, 0.5, 0.06])
    # .04 * 3 = .12, then .05 * 2 = .1 and .06 * 1, no less than .12.
    np.testing.assert_allclose(holm([0.04, 0.05, 0.06]), [0.12, 0.12, 0.12])


def test_benjamini_hochberg_by_hand():
    # .5 * 4/4, .03 * 4/3 = .04, .02 * 4/2 = .04, .01 * 4/1 = .04.
    np.testing.assert_allclose(benjamini_hochberg([0.03, 0.01, 0.5, 0.02]), [0.04, 0.04, 0.5, 0.04])
    # .1 * 3/3 is the least from below: .001 * 3, .09 * 3/2 = .135 but no more than .1.
    np.testing.assert_allclose(benjamini_hochberg([0.001, 0.09, 0.1]), [0.003, 0.1, 0.1])


@BOTH
def test_one_test_needs_no_adjustment(adjust):
    assert adjust([0.03]) == [0.03]


@BOTH
def test_no_tests_are_no_answers(adjust):
    assert adjust([]).shape == (0,)


@BOTH
@given(p_values, st.randoms(use_true_random=False))
def test_the_order_of_the_tests_is_irrelevant(adjust, p, random):
    order = random.sample(range(len(p)), len(p))
    np.testing.assert_array_equal(adjust(p)[order], adjust(np.array(p)[order]))


@given(p_values)
def test_raw_is_at_most_false_discovery_is_at_most_familywise(p):
    raw, discovery, familywise = np.array(p), benjamini_hochberg(p), holm(p)
    assert (raw <= discovery + 1e-15).all()
    assert (discovery <= familywise + 1e-15).all()
    assert (familywise <= 1).all()
    # Bonferroni is the bound of both.
    assert (familywise <= np.minimum(1, len(p) * raw) + 1e-15).all()


@BOTH
def test_a_test_that_was_not_made_stays_nan_and_is_not_counted(adjust):
    found = adjust([0.01, np.nan, 0.03, np.nan])
    np.testing.assert_array_equal(np.isnan(found), [False, True, False, True])
    np.testing.assert_array_equal(found[[0, 2]], adjust([0.01, 0.03]))
    assert np.isnan(adjust([np.nan])).all()


@BOTH
@pytest.mark.parametrize("bad", [-0.5, 1.5, np.inf])
def test_what_is_no_p_value_is_refused(adjust, bad):
    with pytest.raises(BadInput) as caught:
        adjust([0.5, bad])
    assert str(caught.value) == (f"Got p={bad}, but a p-value lies in [0, 1]; nan marks a test that was not made.")
