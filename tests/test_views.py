import dataclasses
import json
import math

import numpy as np
import pytest

from bench.calibration.arrays import log_softmax
from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.fit_set import pooled
from bench.calibration.means import item_nll
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes, outcomes_of
from bench.calibration.recalibration import recalibrate
from bench.calibration.views import views
from bench.errors import BadInput
from bench.predictions import Predictions, read_predictions, write_predictions
from fixtures.invariants import run_invariants
from tests.kinds_factory import MAKERS, NER, POS, make_kind
from tests.prediction_factory import make_predictions

EVENTS = {"span": ("em", "f1_half"), "tagging": ("entity", "entity_min"), "mining": ("pair",)}


def words(tags, gold, lost=(), names=NER, sentence=None):
    """One word a tag, each given .75 and the others the rest in equal parts."""
    logits = np.log([[0.75 if name == tag else 0.25 / (len(names) - 1) for name in names] for tag in tags])
    logits[list(lost)] = 0
    n = len(tags)
    return Predictions(
        np.array([f"s:{row}" for row in range(n)]),
        np.array(["g"] * n),
        np.array([names.index(tag) for tag in gold]),
        logits.astype(np.float32),
        metadata={"kind": "tagging", "labels": list(names), "language": "en"},
        columns={
            "sentence": np.array(sentence or [0] * n),
            "lost": np.isin(np.arange(n), list(lost)),
        },
    )


def test_which_views_there_are():
    assert views(make_predictions(3)) == ("item",)
    assert views(make_kind("tagging")) == ("word", "non_o", "entity", "entity_min")
    assert views(make_kind("tagging", names=POS)) == ("word",)
    assert views(make_kind("span")) == ("em", "f1_half")
    assert views(make_kind("retrieval")) == ("among_300", "among_all")
    assert views(make_kind("mining")) == ("pair",)


def test_words_that_were_cut_off_are_wrong_with_the_least_confidence():
    found = Outcomes.from_predictions(words(["O", "B-PER"], ["O", "O"], lost=[1]))
    assert found.correct.tolist() == [1, 0]
    np.testing.assert_allclose(found.confidence, [0.75, 0.2])
    # A calibrator gives no answer to them either.
    changed = found.with_new_answers(log_softmax(np.array([[0.0, 1, 0, 0, 0], [9, 0, 0, 0, 0]])))
    assert changed.top.tolist() == [[0, 1, 0, 0, 0], [0] * 5]


def test_words_other_than_o_go_by_the_predicted_tag():
    made = words(["O", "B-PER", "B-LOC", "B-PER"], ["B-PER", "O", "B-LOC", "O"], lost=[3])
    found = Outcomes.from_predictions(made, "non_o")
    assert found.item_ids.tolist() == ["s:1", "s:2"]
    assert found.correct.tolist() == [0, 1]
    assert found.classes == 5


def test_entities_are_sure_as_all_their_words_and_right_as_a_whole():
    tags = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-LOC"]
    gold = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"]
    made = words(tags, gold, sentence=[0, 0, 0, 0, 0, 1])
    made = dataclasses.replace(made, item_ids=np.array(["s:0", "s:1", "s:2", "s:3", "s:4", "t:0"]))
    product, least = (Outcomes.from_predictions(made, view) for view in ("entity", "entity_min"))
    assert product.item_ids.tolist() == ["s:0-1", "s:3-3", "t:0-0"]
    np.testing.assert_allclose(product.confidence, [0.75**2, 0.75, 0.75], rtol=1e-6)
    np.testing.assert_allclose(least.confidence, [0.75] * 3, rtol=1e-6)
    assert product.correct.tolist() == least.correct.tolist() == [1, 0, 0]
    np.testing.assert_allclose(item_nll(product), -np.log([0.75**2, 0.25, 0.25]), rtol=1e-5)


def test_no_entity_ends_where_a_word_was_cut_off():
    tags = ["B-PER", "I-PER"]
    found = Outcomes.from_predictions(words(tags, tags, lost=[1]), "entity")
    assert found.item_ids.tolist() == ["s:0-0"]
    assert found.correct.tolist() == [0]


def test_certain_entities_that_are_wrong_have_a_finite_cost():
    made = words(["B-PER"], ["O"])
    found = Outcomes.from_predictions(dataclasses.replace(made, logits=np.float32([[0, 2000, 0, 0, 0]])), "entity")
    assert found.confidence[0] == 1
    assert 700 < item_nll(found)[0] < math.inf


def test_a_view_without_units_is_absent():
    made = words(["O", "O"], ["B-PER", "O"])
    assert outcomes_of(made, "entity") is outcomes_of(made, "non_o") is None
    with pytest.raises(BadInput) as caught:
        Outcomes.from_predictions(made, "entity")
    assert str(caught.value) == (
        "Got 2 tagging predictions with nothing in the view 'entity', but a score needs at least 1; leave this view "
        "out."
    )


def span(logits, em, f1):
    n = len(logits)
    names = np.array([f"q{row}" for row in range(n)])
    columns = {"em": np.array(em), "f1": np.array(f1), "answer": names}
    return Predictions(
        names, names, np.zeros(n, int), np.array(logits, dtype=np.float32), metadata={"kind": "span"}, columns=columns
    )


def test_answers_are_right_by_exact_match_or_by_half_an_f1():
    made = span(
        np.log([[0.6, 0.3, 0.1]] * 3), [[1.0, 0, 0], [0, 1, 0], [0, 0, 0]], [[1.0, 0, 0], [0.5, 1, 0], [0.4, 0, 0]]
    )
    exact, half = (Outcomes.from_predictions(made, view) for view in ("em", "f1_half"))
    np.testing.assert_allclose(exact.confidence, [0.6] * 3, rtol=1e-6)
    assert exact.correct.tolist() == [1, 0, 0]
    assert half.correct.tolist() == [1, 1, 0]


def test_a_confidence_below_a_half_is_that_of_the_answer_all_the_same():
    found = Outcomes.from_predictions(span(np.log([[0.4, 0.35, 0.25]]), [[0.0, 0, 0]], [[0.0, 0, 0]]))
    assert found.confidence[0] == pytest.approx(0.4)
    assert METRICS["gap"].value(found) == pytest.approx(0.4)
    assert METRICS["nll"].value(found) == pytest.approx(-math.log(0.6))
    assert METRICS["brier"].value(found) == pytest.approx(2 * 0.16)
    # The isotonic fit of one wrong answer is 0: the whole score is miscalibration.
    assert METRICS["nll_mcb"].value(found) == pytest.approx(-math.log(0.6))


def test_queries_are_answered_among_300_and_among_all():
    names = np.array(["a", "b"])
    made = Predictions(
        names, names, np.array([1, 0]), np.float32(np.log([[0.2, 0.8], [0.2, 0.8]])), metadata={"kind": "retrieval"},
        columns={
            "everything": np.float32(np.log([[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]])), "place": np.array([1, 2]),
            "reverse": np.array([True, False]),
        },
    )  # fmt: skip
    few, all_of_them = (Outcomes.from_predictions(made, view) for view in ("among_300", "among_all"))
    np.testing.assert_allclose(few.confidence, [0.8, 0.8], rtol=1e-6)
    np.testing.assert_allclose(all_of_them.confidence, [0.6, 0.6], rtol=1e-6)
    assert few.correct.tolist() == all_of_them.correct.tolist() == [1, 0]
    assert (few.classes, all_of_them.classes) == (2, 3)


def test_only_mined_pairs_are_calibrated():
    made = make_kind("mining", 30)
    found = Outcomes.from_predictions(made)
    rows = made.columns["mined"]
    assert found.item_ids.tolist() == made.item_ids[rows].tolist()
    np.testing.assert_allclose(found.confidence, 1 / (1 + np.exp(-made.logits[rows, 1].astype(float))))
    assert found.correct.tolist() == made.columns["hit"][rows].tolist()


@pytest.mark.parametrize(("kind", "view"), [(kind, view) for kind, names in EVENTS.items() for view in names])
def test_an_event_stays_what_it_is_whatever_is_done_to_it(kind, view):
    found = Outcomes.from_predictions(make_kind(kind), view)
    assert found.event
    half = dataclasses.replace(Outcomes.from_predictions(make_kind(kind, 41, 1), view))
    half = dataclasses.replace(
        half, item_ids=np.strings.add("h", half.item_ids), group_ids=np.strings.add("h", half.group_ids)
    )
    changed = [found.take(np.array([0, 1, 1])), pooled({"en": found, "de": half})]
    changed += [recalibrate(half, token).apply(found) for token in CALIBRATORS if token != "spline"]
    for each in changed:
        assert each.event
        assert (each.top == [0, 1]).all()
        assert np.array_equal(each.confidence, each.probabilities[:, 1])
        assert np.array_equal(each.correct, each.labels)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_metric_is_a_number_or_declared_undefined(kind):
    for size in (40, 320) if kind == "retrieval" else (40,):
        made = make_kind(kind, size)
        for view in views(made):
            found = Outcomes.from_predictions(made, view)
            for metric in METRICS.values():
                if metric.defined_for(found) and metric.defined(found):
                    assert metric.low - 1e-9 <= metric.value(found) <= metric.high + 1e-9, (view, metric.name)


def test_errors_by_class_are_left_out_among_many_candidates():
    found = Outcomes.from_predictions(make_kind("retrieval", 60))
    left_out = {
        name for name, metric in METRICS.items() if not metric.defined_for(found) and metric.needs != "posterior"
    }
    assert left_out == {
        "cwece15", "tlece15", "ace15", "tace15", "skce", "brier_mcb", "brier_dsc", "brier_unc",
    }  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
def test_a_row_of_every_kind_passes_the_invariants(kind):
    run_invariants(make_kind(kind, 30))


def test_words_that_were_all_cut_off_have_no_answers_to_judge_and_pass_the_invariants():
    made = words(["O", "O"], ["B-PER", "O"], lost=[0, 1])
    with np.errstate(all="raise"):
        assert math.isnan(METRICS["tlece15"].value(Outcomes.from_predictions(made)))
    run_invariants(made)


@pytest.mark.parametrize("kind", MAKERS)
def test_stored_predictions_have_the_same_outcomes(kind, tmp_path):
    made = make_kind(kind, 12)
    write_predictions(tmp_path / "p.parquet", made)
    read = read_predictions(tmp_path / "p.parquet")
    assert json.dumps(dict(read.metadata), sort_keys=True)
    for view in views(made):
        first, second = Outcomes.from_predictions(made, view), Outcomes.from_predictions(read, view)
        assert np.array_equal(first.probabilities, second.probabilities)
        assert np.array_equal(first.correct, second.correct)


def refused(made, view="", **columns):
    with pytest.raises(BadInput) as caught:
        Outcomes.from_predictions(dataclasses.replace(made, columns={**made.columns, **columns}), view)
    return str(caught.value)


def test_columns_that_do_not_fit():
    made = make_kind("span", 4)
    assert refused(dataclasses.replace(made, columns={})) == (
        "Got span predictions without 'em', which they need; predict again."
    )
    assert refused(made, em=np.zeros(4)) == ("Got em of shape (4,) for 4 span predictions, but it is (4, candidates).")
    assert refused(made, em=np.zeros((4, 3))) == "Got em of shape (4, 3) for logits of shape (4, 20); make them equal."
    bad = made.columns["f1"].copy()
    bad[2, 1] = np.nan
    assert refused(made, f1=bad) == "Got f1 outside [0, 1] for item 'q2'; divide percentages by 100."
    assert refused(dataclasses.replace(made, logits=made.logits[:, ::-1])) == (
        "Got candidates out of order for item 'q0', but the best one comes first; sort them by their logits."
    )


def test_tags_retrieval_and_mining_that_do_not_fit():
    tagged = words(["O", "O"], ["O", "O"])
    assert refused(dataclasses.replace(tagged, metadata={"kind": "tagging"})) == (
        "Got 0 label names for 5 tags; state one each in metadata['labels']."
    )
    assert refused(words(["O"] * 3, ["O"] * 3, sentence=[0, 1, 0])) == (
        "Got a sentence whose words are not beside each other; keep the order in which they stand."
    )
    retrieved = make_kind("retrieval", 5)
    assert refused(retrieved, everything=np.full((5, 5), np.nan)) == (
        "Got cosines with everything that are not finite; embed this split again."
    )
    assert refused(retrieved, place=np.array([0, 1, 2, 3, 5])).startswith("Got label 5 for item '4', but for 5 classes")
    mined = make_kind("mining", 5)
    assert refused(dataclasses.replace(mined, logits=np.zeros((5, 3), np.float32))) == (
        "Got logits of 3 classes for mined pairs, but a pair is wrong or right; give two."
    )


def test_kinds_and_views_that_are_not_there():
    made = make_predictions(4)
    assert refused(dataclasses.replace(made, metadata={"kind": "summary"})) == (
        "Got kind='summary', but there are: sentence_pair, multiple_choice, tagging, span, retrieval, mining."
    )
    assert refused(make_kind("span"), "entity") == "Got view='entity', but span predictions have: em, f1_half."
