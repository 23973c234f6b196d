"""Finding translations by the cosine of their vectors, and mining them from two corpora by margin.

CSLS: Conneau et al. 2018. Ratio margin and mining: Artetxe and Schwenk 2019, as XTREME (Hu et al. 2020) runs them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray, IntArray
from bench.errors import BadInput
from bench.stream import integers, philox

CANDIDATES = 300
# Similarities held at once: 2**24 float64 are 128 MiB.
_CELLS = 2**24


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Mined pairs, best first: the places of both sentences, (p,) each, and their margin, (p,)."""

    query: IntArray
    candidate: IntArray
    score: FloatArray


# One equals itself alone: what it holds are arrays.
@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest candidates of n queries, nearest first: their places and their cosines, (n, k) each."""

    place: IntArray
    cosine: FloatArray


def cosines(queries: npt.ArrayLike, candidates: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) cosines of `queries` (n, d) with `candidates` (m, d); 0 for a vector that is 0."""
    similarities: FloatArray = _unit(queries) @ _unit(candidates).T
    return similarities


def csls(similarities: npt.ArrayLike, k: int = 10) -> FloatArray:
    """Return the (n, m) 2 s_ij - r_i - r_j: cosines, less the mean of the k highest of each side (Conneau 2018, eq. 3).

    k is at most the number of sentences there are. Raises BadInput for a k below 1.
    """
    given = np.asarray(similarities, dtype=np.float64)
    return 2 * given - _mean_of_highest(given, k)[:, None] - _mean_of_highest(given.T, k)[None, :]


def margin(similarities: npt.ArrayLike, k: int = 4) -> FloatArray:
    """Return the (n, m) ratios of cosines to the mean of r_i and r_j (see `csls`), Artetxe and Schwenk 2019, eq. 2-3.

    Raises BadInput for a k below 1.
    """
    given = np.asarray(similarities, dtype=np.float64)
    return _ratio(given, _mean_of_highest(given, k)[:, None], _mean_of_highest(given.T, k)[None, :])


def nearest(queries: npt.ArrayLike, candidates: npt.ArrayLike, k: int) -> Neighbours:
    """Return the k candidates (m, d) with the highest cosine to each of `queries` (n, d), in bounded memory.

    Equal cosines go by place; there are at most m. Raises BadInput for a k below 1.
    """
    _check_k(k)
    first, second = _unit(queries), _unit(candidates)
    rows = max(1, _CELLS // max(1, len(second)))
    parts = [_highest(first[start : start + rows] @ second.T, k) for start in range(0, len(first), rows)]
    return Neighbours(np.concatenate([part.place for part in parts]), np.concatenate([part.cosine for part in parts]))


def mine(queries: npt.ArrayLike, candidates: npt.ArrayLike, k: int = 4) -> Pairs:
    """Return pairs of `queries` (n, d) and `candidates` (m, d), each sentence in one at most, the best margins first.

    The "max" strategy of Artetxe and Schwenk 2019: each sentence of either side proposes the best by margin of its k
    nearest; proposals are taken in order of their margin while both sentences are free. Equal margins go by place, the
    queries' proposals first. Raises BadInput for a k below 1.
    """
    forward, backward = nearest(queries, candidates, k), nearest(candidates, queries, k)
    means = forward.cosine.mean(axis=1), backward.cosine.mean(axis=1)
    there, there_score = _proposals(forward, *means)
    back, back_score = _proposals(backward, *means[::-1])
    query = np.concatenate([np.arange(len(there)), back])
    candidate = np.concatenate([there, np.arange(len(back))])
    score = np.concatenate([there_score, back_score])
    taken = _one_to_one(query, candidate, np.argsort(-score, kind="stable"))
    return Pairs(query[taken], candidate[taken], score[taken])


def best_threshold(scores: npt.ArrayLike, hits: npt.ArrayLike, gold: int) -> float:
    """Return the score from which on pairs are accepted (>=) so that their F1 is highest.

    scores, hits: (p,) of mined pairs, and which of them are right; gold: how many right pairs there are. The highest
    threshold among equals; half-way to the next lower score, the lowest score itself where all are accepted. 0 where no
    pair is right, as XTREME has it. Raises BadInput for a `gold` below the number of hits.
    """
    given, right = np.asarray(scores, dtype=np.float64), np.asarray(hits, dtype=bool)
    if gold < right.sum():
        raise BadInput(f"Got gold={gold}, but {right.sum()} pairs are hits; count all pairs that can be found.")
    if not right.any():
        return 0.0
    order = np.argsort(-given, kind="stable")
    ordered, accepted = given[order], np.arange(1, len(given) + 1)
    below = np.append(ordered[1:], ordered[-1])
    # F1 = 2 TP / (accepted + gold); no threshold can part equal scores.
    quality = np.where(np.append(ordered[:-1] > ordered[1:], True), 2 * right[order].cumsum() / (accepted + gold), -1.0)
    best = int(quality.argmax())
    return float((ordered[best] + below[best]) / 2)


def candidate_sets(n: int, size: int = CANDIDATES, seed: int = 0) -> tuple[IntArray, IntArray]:
    """Return the candidates of each of `n` queries, (n, size) places, and where among them its own is, (n,).

    The others are drawn without repetition, and the place of its own too: a function of n, size and seed, so that
    languages with as many sentences have the same sets. All n where there are fewer than `size`. Raises BadInput for a
    size below 2 or fewer than 2 queries.
    """
    if min(n, size) < 2:
        raise BadInput(f"Got n={n} and size={size}, but to choose there must be at least 2 candidates.")
    size = min(n, size)
    stream = philox("candidates", seed, n, size)
    keys = stream.random_raw(n * (n - 1)).reshape(n, n - 1)
    others = np.argsort(keys, axis=1, kind="stable")[:, : size - 1]
    # Among the n - 1 others those from its own place on are one further.
    others += others >= np.arange(n)[:, None]
    place = integers(stream, (n,), size)
    sets = np.empty((n, size), dtype=np.intp)
    columns = np.arange(size) == place[:, None]
    sets[columns] = np.arange(n)
    sets[~columns] = others.reshape(-1)
    return sets, place


def _unit(vectors: npt.ArrayLike) -> FloatArray:
    given = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(given, axis=1, keepdims=True)
    scaled: FloatArray = given / np.where(lengths > 0, lengths, 1.0)
    return scaled


def _check_k(k: int) -> None:
    if k < 1:
        raise BadInput(f"Got k={k}, but a neighbourhood needs at least 1.")


def _mean_of_highest(similarities: FloatArray, k: int) -> FloatArray:
    _check_k(k)
    k = min(k, similarities.shape[1])
    mean: FloatArray = np.partition(similarities, -k, axis=1)[:, -k:].mean(axis=1)
    return mean


def _highest(similarities: FloatArray, k: int) -> Neighbours:
    n, m = similarities.shape
    k = min(k, m)
    least = np.partition(similarities, m - k, axis=1)[:, m - k, None]
    # More than k only where cosines are equal; which of them are taken must not depend on a library's algorithm.
    row, column = np.nonzero(similarities >= least)
    order = np.lexsort((column, -similarities[row, column], row))
    starts = np.searchsorted(row, np.arange(n))
    chosen = order[starts[:, None] + np.arange(k)]
    return Neighbours(column[chosen], similarities[row[chosen], column[chosen]])


def _ratio(cosine: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    ratios: FloatArray = cosine / ((first + second) / 2)
    return ratios


def _proposals(neighbours: Neighbours, own: FloatArray, others: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return for every sentence the best by margin of its neighbours, (n,), and that margin, (n,)."""
    scores = _ratio(neighbours.cosine, own[:, None], others[neighbours.place])
    rows, best = np.arange(len(scores)), scores.argmax(axis=1)
    return neighbours.place[rows, best], scores[rows, best]


def _one_to_one(query: IntArray, candidate: IntArray, order: IntArray) -> IntArray:
    queries: set[int] = set()
    candidates: set[int] = set()
    taken = []
    for place in order.tolist():
        pair = int(query[place]), int(candidate[place])
        if pair[0] not in queries and pair[1] not in candidates:
            queries.add(pair[0])
            candidates.add(pair[1])
            taken.append(place)
    return np.array(taken, dtype=np.intp)
