import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.calibration.binning import Binning, bin_sums, cell_sums, equal_mass, equal_width
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


@pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 15, 100])
def test_every_edge_belongs_to_the_bin_below_it(bins):
    edges = np.array([edge / bins for edge in range(bins + 1)])
    assert equal_width(edges, bins).tolist() == [0, *range(bins)]


@given(bins=st.integers(1, 60), parts=st.integers(1, 60))
def test_equal_width_agrees_with_integer_arithmetic(bins, parts):
    counts = range(parts + 1)
    expected = [max(0, -(-count * bins // parts) - 1) for count in counts]
    assert equal_width(np.array(counts) / parts, bins).tolist() == expected


def test_just_above_an_edge_is_the_next_bin():
    assert equal_width(np.nextafter(np.array([0.2, 0.4]), 1), 5).tolist() == [1, 2]


def test_equal_mass_splits_distinct_values_evenly():
    values = np.random.default_rng(0).permutation(np.linspace(0, 1, 60))
    assert np.bincount(equal_mass(values, 15)).tolist() == [4] * 15


def test_equal_mass_keeps_ties_in_one_bin_with_what_lies_just_below():
    assert equal_mass(np.array([1.0, 0.1, 1.0, 1.0, 0.5, 0.2]), 3).tolist() == [1, 0, 1, 1, 1, 0]


def test_equal_mass_with_fewer_items_than_bins_separates_them():
    assert equal_mass(np.array([0.2, 0.8]), 15).tolist() == [0, 7]


@given(
    values=st.lists(st.integers(0, 12), min_size=1, max_size=30),
    bins=st.integers(1, 20),
    data=st.data(),
)
def test_weight_k_is_k_copies_for_equal_mass(values, bins, data):
    weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(values), max_size=len(values))))
    confidence = np.array(values) / 12
    weighted = equal_mass(confidence, bins, weights.astype(float))
    assert np.array_equal(np.repeat(weighted, weights), equal_mass(np.repeat(confidence, weights), bins))


def test_sums_over_bins():
    sums = bin_sums(np.array([0, 2, 2]), 3, np.array([0.2, 0.7, 0.9]), np.array([1.0, 0, 0.5]), np.array([1.0, 2, 1]))
    assert sums.count.tolist() == [1, 0, 3]
    np.testing.assert_allclose(sums.confidence, [0.2, 0, 2.3])
    np.testing.assert_allclose(sums.correct, [1, 0, 0.5])


@pytest.mark.parametrize("bins", [0, -3])
@pytest.mark.parametrize("scheme", [equal_width, equal_mass])
def test_no_bins(scheme, bins):
    with pytest.raises(BadInput) as caught:
        scheme(np.array([0.5]), bins)
    assert str(caught.value) == f"Got bins={bins}, but a histogram needs at least 1."


ROWS = np.array([[0.7, 0.2, 0.1], [0.45, 0.45, 0.1]])


def test_classes_are_binned_each_by_its_own_probability():
    cells = Binning("classes", "width", 2).cells(Outcomes.from_probabilities(ROWS, [0, 2]))
    assert cells.shape == (3, 2)
    sums = cell_sums(cells)
    np.testing.assert_allclose(sums.count, [[1, 1], [2, 0], [2, 0]])
    np.testing.assert_allclose(sums.confidence, [[0.45, 0.7], [0.65, 0], [0.2, 0]])
    np.testing.assert_allclose(sums.correct, [[0, 1], [0, 0], [1, 0]])


def test_answers_are_binned_apart_and_tied_ones_shared():
    sums = Binning("answers", "width", 2).sums(Outcomes.from_probabilities(ROWS, [0, 1]), np.array([1.0, 4]))
    np.testing.assert_allclose(sums.count, [[2, 1], [2, 0], [0, 0]])
    np.testing.assert_allclose(sums.correct, [[0, 1], [2, 0], [0, 0]])


def test_entries_below_the_threshold_are_left_out():
    cells = Binning("classes", "mass", 2, threshold=0.2).cells(Outcomes.from_probabilities(ROWS, [0, 1]))
    assert sorted(cells.score.tolist()) == [0.2, 0.45, 0.45, 0.7]


def test_bins_are_named_by_their_convention():
    assert Binning("confidence", "width", 10).name == "width/10/right-closed/first-includes-0"
    assert Binning("classes", "mass", 15, threshold=0.01).name == "mass/15/right-closed/ties-together/from-0.01"


def test_nothing_to_bin_by_mass():
    assert equal_mass(np.array([0.2, 0.5]), 3, np.zeros(2)).tolist() == [0, 0]
    assert equal_mass(np.array([]), 3).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(1, 400))
@example([1.0, np.nextafter(1, 2)], 7)
def test_equal_width_is_a_search_among_the_edges(scores, bins):
    expected = np.searchsorted(np.arange(1, bins) / bins, scores, side="left")
    assert equal_width(np.array(scores), bins).tolist() == expected.tolist()
