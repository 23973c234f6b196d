import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.scores import retrieval
from bench.scores.retrieval import best_threshold, candidate_sets, cosines, csls, margin, mine, nearest

SIMILARITIES = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.3]]


def vectors(n, seed, d=5):
    return np.random.default_rng([n, seed]).normal(size=(n, d))


def test_cosines_by_hand():
    np.testing.assert_allclose(cosines([[3, 4], [0, 0]], [[1, 0], [0, 2], [-3, -4]]), [[0.6, 0.8, -1], [0, 0, 0]])


def test_csls_takes_off_the_neighbourhoods_of_both_sides():
    # Of the rows the two highest average .7 and .75; of the columns .85, .6 and .2.
    expected = [[1.8 - 0.7 - 0.85, 1 - 0.7 - 0.6, 0.2 - 0.7 - 0.2], [1.6 - 0.75 - 0.85, 1.4 - 1.35, 0.6 - 0.95]]
    np.testing.assert_allclose(csls(SIMILARITIES, k=2), expected, atol=1e-12)


def test_the_margin_is_the_ratio_to_the_neighbourhoods_of_both_sides():
    expected = [[0.9 / 0.775, 0.5 / 0.65, 0.1 / 0.45], [0.8 / 0.8, 0.7 / 0.675, 0.3 / 0.475]]
    np.testing.assert_allclose(margin(SIMILARITIES, k=2), expected)
    # No more neighbours than there are.
    np.testing.assert_allclose(margin([[0.5]], k=4), [[1]])


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(0, 99))
def test_the_nearest_are_those_of_a_full_sort(n, m, k, seed):
    # Axes, so that cosines are exactly 0, 1 or -1 and many are equal.
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    draw = np.random.default_rng([n, m, seed])
    queries, candidates = axes[draw.integers(0, 6, n)], axes[draw.integers(0, 6, m)]
    found, expected = nearest(queries, candidates, k), queries @ candidates.T
    for row in range(n):
        order = sorted(range(m), key=lambda column: (-expected[row, column], column))[:k]
        assert found.place[row].tolist() == order
        assert found.cosine[row].tolist() == expected[row, order].tolist()


def test_blocks_change_nothing(monkeypatch):
    queries, candidates = vectors(40, 0), vectors(30, 1)
    whole = nearest(queries, candidates, 3)
    monkeypatch.setattr(retrieval, "_CELLS", 70)
    parts = nearest(queries, candidates, 3)
    assert np.array_equal(whole.place, parts.place)
    np.testing.assert_allclose(whole.cosine, parts.cosine)


def reference_pairs(queries, candidates, k):
    """Forward and backward proposals among the k nearest, the best margins first, one to one: by plain loops."""
    similar = np.array([[q @ c / np.linalg.norm(q) / np.linalg.norm(c) for c in candidates] for q in queries])
    there = [sorted(range(similar.shape[1]), key=lambda j: -row[j])[:k] for row in similar]
    back = [sorted(range(similar.shape[0]), key=lambda i: -column[i])[:k] for column in similar.T]
    first = [np.mean([similar[i, j] for j in near]) for i, near in enumerate(there)]
    second = [np.mean([similar[i, j] for i in near]) for j, near in enumerate(back)]

    def ratio(i, j):
        return similar[i, j] / ((first[i] + second[j]) / 2)

    proposals = [(ratio(i, j), i, j) for i in range(len(there)) for j in [max(there[i], key=lambda j: ratio(i, j))]]
    proposals += [(ratio(i, j), i, j) for j in range(len(back)) for i in [max(back[j], key=lambda i: ratio(i, j))]]
    pairs = []
    for score, i, j in sorted(proposals, key=lambda each: -each[0]):
        if all(i != other[1] and j != other[2] for other in pairs):
            pairs.append((score, i, j))
    return pairs


@pytest.mark.parametrize(("n", "m", "k"), [(12, 12, 4), (20, 7, 4), (5, 9, 2), (3, 3, 1)])
def test_mined_pairs_are_those_of_plain_loops(n, m, k):
    queries, candidates = 2 + vectors(n, 2), 2 + vectors(m, 3)
    found = mine(queries, candidates, k)
    expected = reference_pairs(queries, candidates, k)
    assert list(zip(found.query.tolist(), found.candidate.tolist(), strict=True)) == [each[1:] for each in expected]
    np.testing.assert_allclose(found.score, [each[0] for each in expected])


def test_a_sentence_is_in_one_pair_at_most_and_translations_are_found():
    queries = 1 + np.abs(vectors(30, 4, 20))
    order = np.random.default_rng(0).permutation(30)
    found = mine(queries, queries[order][:25] * 3)
    assert len(set(found.query.tolist())) == len(found.query) == len(set(found.candidate.tolist())) == 25
    assert found.query.tolist() == order[found.candidate].tolist()
    assert (np.diff(found.score) <= 0).all()


@pytest.mark.parametrize(
    ("scores", "hits", "gold", "expected"),
    [
        # Precision and recall: 1 and 1/2, F1 2/3; then 1/2 and 1/2; then 2/3 and 1, F1 4/5, the best; then 1/2 and 1.
        ([0.9, 0.8, 0.7, 0.4], [1, 0, 1, 0], 2, 0.55),
        # In another order of the pairs.
        ([0.4, 0.7, 0.9, 0.8], [0, 1, 1, 0], 2, 0.55),
        # All are accepted: there is no next one.
        ([0.9, 0.8], [1, 1], 2, 0.8),
        # Two cuts with F1 1/2: the higher.
        ([0.9, 0.8, 0.5], [1, 0, 0], 1, 0.85),
        # Equal scores are accepted together: at .7 it is 2/3 with a threshold of .5, not 1.
        ([0.7, 0.7, 0.3], [1, 0, 0], 1, 0.5),
        ([0.9, 0.8], [0, 0], 3, 0.0),
        ([], [], 3, 0.0),
    ],
)
def test_thresholds_by_hand(scores, hits, gold, expected):
    assert best_threshold(scores, hits, gold) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=8), st.integers(0, 3))
def test_no_other_threshold_has_a_higher_f1(pairs, missed):
    scores, hits = (np.array(column) for column in zip(*pairs, strict=True))
    gold = int(hits.sum()) + missed

    def quality(threshold):
        accepted = scores >= threshold
        return 2 * (hits & accepted).sum() / max(1, accepted.sum() + gold)

    assert quality(best_threshold(scores, hits, gold)) == pytest.approx(max(quality(each) for each in range(6)))


def test_candidates_hold_the_own_sentence_once_and_others_without_repetition():
    sets, place = candidate_sets(50, 10)
    assert sets.shape == (50, 10)
    assert (sets[np.arange(50), place] == np.arange(50)).all()
    assert all(len(set(row)) == 10 for row in sets.tolist())
    assert (sets.min(), sets.max()) == (0, 49)
    # Neither the places nor the others are always the same ones.
    assert len(set(place.tolist())) > 5
    assert len(np.unique(sets)) == 50


def test_candidates_are_a_function_of_n_size_and_seed():
    first, second = candidate_sets(60, 10), candidate_sets(60, 10)
    assert all(np.array_equal(*each) for each in zip(first, second, strict=True))
    others = [candidate_sets(60, 10, seed=1), candidate_sets(61, 10), candidate_sets(60, 11)]
    assert all(not np.array_equal(first[0][:, :10], other[0][:60, :10]) for other in others)
    # Nor may the draws change with the version of numpy.
    assert first[1][:6].tolist() == GOLDEN[0]
    assert first[0][0].tolist() == GOLDEN[1]


GOLDEN = [9, 9, 7, 5, 6, 9], [25, 39, 9, 10, 31, 58, 41, 22, 7, 0]


def test_fewer_sentences_than_candidates_are_all_candidates():
    sets, _ = candidate_sets(4)
    assert sorted(map(sorted, sets.tolist())) == [[0, 1, 2, 3]] * 4


def test_every_other_sentence_is_drawn_as_often():
    counts = sum(
        (np.bincount(candidate_sets(12, 4, seed)[0].reshape(-1), minlength=12) for seed in range(300)), np.zeros(12)
    )
    # 300 own places, and 3 of 11 in 11 sets of 300 draws: 900, with a deviation of about 26.
    assert np.abs(counts - 1200).max() < 5 * 26


def test_what_is_refused():
    messages = {
        "Got k=0, but a neighbourhood needs at least 1.": [
            lambda: nearest(vectors(3, 0), vectors(3, 1), 0),
            lambda: csls(SIMILARITIES, 0),
            lambda: margin(SIMILARITIES, 0),
        ],
        "Got n=1 and size=300, but to choose there must be at least 2 candidates.": [lambda: candidate_sets(1)],
        "Got gold=1, but 2 pairs are hits; count all pairs that can be found.": [
            lambda: best_threshold([1, 2], [1, 1], 1)
        ],
    }
    for message, call in itertools.chain(*([(text, each) for each in calls] for text, calls in messages.items())):
        with pytest.raises(BadInput) as caught:
            call()
        assert str(caught.value) == message
