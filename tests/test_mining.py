"""Mined pairs: the threshold and the curve chosen on one corpus, the rows kept of another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.example import CorpusSentence, Provenance, Split
from bench.modeling import mining
from bench.modeling.mining import Tuning, mined_predictions, tune
from bench.scores.retrieval import Pairs, mine
from bench.scores.tally import task_scores

NOTHING = np.zeros((0, 2), np.float32)


def corpora(partners, pivots):
    """Return a split of foreign sentences f0, f1, ..., each with its partner in the pivot or "", and p0, p1, ..."""
    own = {partner: f"f{row}" for row, partner in enumerate(partners) if partner}
    foreign = [CorpusSentence(f"f{row}", f"g{row}", f"t{row}", False, one) for row, one in enumerate(partners)]
    pivot = [CorpusSentence(f"p{row}", f"p{row}", f"e{row}", True, own.get(f"p{row}", "")) for row in range(pivots)]
    # The two corpora mixed, as nothing says that one comes first.
    mixed = sorted([*foreign, *pivot], key=lambda one: int(one.item_id[1:]))
    return Split("test", "de", (), tuple(mixed), Provenance("local"))


def mined_as(monkeypatch, *pairs):
    """Let the pairs (foreign, pivot, margin) be what is mined."""
    query, candidate, score = (np.array(column) for column in zip(*pairs, strict=True))
    monkeypatch.setattr(mining, "mine", lambda foreign, pivot: Pairs(query, candidate, score))


def vectors_of(split):
    return np.zeros((len(split.examples), 2), np.float32)


# Six foreign sentences; f0 to f2 and f5 have a translation, of which f5's is not mined.
SIX = corpora(["p0", "p1", "p2", "", "", "p5"], 6)
MINED = ((0, 0, 2.0), (1, 1, 1.5), (3, 3, 1.2), (2, 2, 1.1), (4, 5, 0.9))


def test_the_threshold_has_the_highest_f1(monkeypatch):
    mined_as(monkeypatch, *MINED)
    found = tune(SIX, vectors_of(SIX))

    # F1 of the first so many: 2/5, 4/6, 4/7, 6/8, 6/9. The best is half-way from 1.1 to 0.9.
    assert found.threshold == pytest.approx(1.0)


def test_translations_that_were_not_mined_count_for_the_threshold(monkeypatch):
    mined_as(monkeypatch, (0, 0, 2.0), (3, 3, 1.8), (4, 4, 1.6), (1, 1, 1.4))

    # Of four: F1 2/5, 2/6, 2/7, 4/8, so that all are accepted. Of the two that were found it would be 2/3 at once.
    assert tune(SIX, vectors_of(SIX)).threshold == 1.4


def test_the_curve_is_platt_s(monkeypatch):
    mined_as(monkeypatch, *MINED)
    found = tune(SIX, vectors_of(SIX))
    margin = np.array([2.0, 1.5, 1.2, 1.1, 0.9])
    hits = np.array([True, True, False, True, False])
    # Platt 1999: (N+ + 1) / (N+ + 2) and 1 / (N- + 2), and the likelihood's two derivatives are 0.
    target = np.where(hits, 4 / 5, 1 / 4)
    missing = target - 1 / (1 + np.exp(-found.intercept - found.slope * margin))

    assert missing.sum() == pytest.approx(0, abs=1e-9)
    assert (missing * margin).sum() == pytest.approx(0, abs=1e-9)
    assert found.slope > 0


def test_two_margins_have_a_curve_through_the_mean_target_of_each(monkeypatch):
    mined_as(monkeypatch, (0, 0, 2.0), (1, 1, 2.0), (3, 3, 2.0), (2, 2, 1.0), (4, 4, 1.0))
    found = tune(SIX, vectors_of(SIX))

    # Three hits and two others: targets 4/5 and 1/4.
    at_two, at_one = (2 * 4 / 5 + 1 / 4) / 3, (4 / 5 + 1 / 4) / 2
    assert found.intercept + 2 * found.slope == pytest.approx(np.log(at_two / (1 - at_two)))
    assert found.intercept + found.slope == pytest.approx(np.log(at_one / (1 - at_one)))


@pytest.mark.parametrize(
    "pairs",
    [
        ((0, 0, 1.3), (1, 1, 1.2), (3, 3, 0.9)),  # margins that part hits from the rest
        ((0, 0, 1.2), (1, 1, 1.2)),  # one margin, all hits
        ((3, 3, 1.4), (4, 4, 1.0)),  # no hit
    ],
)
def test_the_curve_is_finite_whatever_is_mined(monkeypatch, pairs):
    mined_as(monkeypatch, *pairs)
    found = tune(SIX, vectors_of(SIX))

    assert np.isfinite([found.threshold, found.intercept, found.slope]).all()


def test_without_a_hit_the_threshold_is_0_and_the_curve_is_flat(monkeypatch):
    mined_as(monkeypatch, (3, 3, 1.4), (4, 4, 1.0))
    found = tune(SIX, vectors_of(SIX))

    assert found.threshold == 0
    assert found.slope == pytest.approx(0, abs=1e-6)
    assert found.intercept == pytest.approx(np.log(1 / 3), abs=1e-6)  # 1 / (2 + 2) is right


def test_rows_are_the_foreign_sentences_that_are_accepted_or_have_a_translation(monkeypatch):
    mined_as(monkeypatch, *MINED)
    found = mined_predictions(SIX, vectors_of(SIX), Tuning(1.15, -2.0, 3.0))

    # Accepted: f0, f1 and f3, which is wrong; f2 falls below the threshold, f5 was not mined; f4 is neither.
    assert found.item_ids.tolist() == ["f0", "f1", "f2", "f3", "f5"]
    assert found.group_ids.tolist() == ["g0", "g1", "g2", "g3", "g5"]
    assert found.columns["mined"].tolist() == [True, True, False, True, False]
    assert found.columns["gold"].tolist() == [True, True, True, False, True]
    assert found.columns["hit"].tolist() == found.labels.astype(bool).tolist() == [True, True, False, False, False]
    assert found.logits == pytest.approx(np.array([[0, 4], [0, 2.5], [0, 0], [0, 1.6], [0, 0]]), abs=1e-6)
    assert found.metadata == {
        "kind": "mining", "labels": ["wrong", "right"], "language": "de", "split": "test", "threshold": 1.15
    }  # fmt: skip


def test_a_pair_at_the_threshold_is_accepted(monkeypatch):
    mined_as(monkeypatch, *MINED)
    found = mined_predictions(SIX, vectors_of(SIX), Tuning(1.2, 0.0, 1.0))

    assert found.columns["mined"].sum() == 3


def test_a_wrong_pair_of_a_sentence_with_a_translation_is_no_hit(monkeypatch):
    mined_as(monkeypatch, (0, 1, 1.5))
    found = mined_predictions(SIX, vectors_of(SIX), Tuning(1.0, 0.0, 1.0))

    assert (found.columns["mined"][0], found.columns["gold"][0], found.columns["hit"][0]) == (True, True, False)


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 12), st.floats(0.1, 2), st.integers(0, 2**32))
def test_f1_is_that_of_the_sets_of_pairs(foreign, pivot, gold, noise, seed):
    draw = np.random.default_rng(seed)
    gold = min(foreign, pivot, gold)
    partners = [f"p{row}" for row in range(gold)] + [""] * (foreign - gold)
    split = corpora(partners, pivot)
    english = draw.normal(size=(pivot, 6))
    own = np.concatenate([english[:gold] + noise * draw.normal(size=(gold, 6)), draw.normal(size=(foreign - gold, 6))])
    place = {f"f{row}": own[row] for row in range(foreign)} | {f"p{row}": english[row] for row in range(pivot)}
    vectors = np.stack([place[one.item_id] for one in split.examples]).astype(np.float32)
    tuning = tune(split, vectors)
    scores = task_scores(mined_predictions(split, vectors, tuning))

    pairs = mine(own.astype(np.float32), english.astype(np.float32))
    accepted = {
        (int(q), int(c)) for q, c, s in zip(pairs.query, pairs.candidate, pairs.score, strict=True)
        if s >= tuning.threshold
    }  # fmt: skip
    right = accepted & {(row, row) for row in range(gold)}
    assert len(right) <= gold
    if accepted or gold:
        assert scores["f1"].value == pytest.approx(2 * len(right) / (len(accepted) + gold))
    if accepted:
        assert scores["precision"].value == pytest.approx(len(right) / len(accepted))
    if gold:
        assert scores["recall"].value == pytest.approx(len(right) / gold)


def test_translations_that_are_near_are_mined_and_all_others_are_not():
    draw = np.random.default_rng(0)
    english = draw.normal(size=(30, 16))
    split = corpora([f"p{row}" for row in range(20)] + [""] * 10, 30)
    own = np.concatenate([english[:20] + 0.1 * draw.normal(size=(20, 16)), draw.normal(size=(10, 16))])
    place = {f"f{row}": own[row] for row in range(30)} | {f"p{row}": english[row] for row in range(30)}
    vectors = np.stack([place[one.item_id] for one in split.examples]).astype(np.float32)
    found = mined_predictions(split, vectors, tune(split, vectors))

    assert found.columns["hit"].all()
    assert len(found) == 20
    assert (found.logits[:, 1] > 0).all()
