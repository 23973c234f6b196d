"""Rows of every kind of task."""

import dataclasses
import json

import numpy as np
import pytest

from bench.calibration.metrics import METRICS
from bench.errors import BadInput
from bench.scoring import VIEW_METRICS, score
from tests.kinds_factory import MAKERS, POS, make_kind
from tests.prediction_factory import make_predictions


@pytest.mark.parametrize("kind", MAKERS)
def test_a_row_of_every_kind_is_json_and_repeats(kind):
    made = make_kind(kind, 30)
    first, second = (json.dumps(score(made, replicates=50), allow_nan=False) for _ in range(2))
    assert first == second


def test_a_pair_has_one_view_and_one_score():
    found = score(make_predictions(60), replicates=50)
    assert (found["views"], found["pairing"], found["soft_f1"]) == ({}, None, None)
    accuracy = {name: found["metrics"]["accuracy"][name] for name in ("value", "low", "high")}
    assert found["task_scores"] == {"accuracy": pytest.approx(accuracy)}


def test_other_views_have_a_few_metrics_with_intervals():
    found = score(make_kind("tagging"), replicates=50)
    assert list(found["views"]) == ["non_o", "entity", "entity_min"]
    for view in found["views"].values():
        assert list(view["metrics"]) == list(VIEW_METRICS)
        assert view["metrics"]["ece15"]["floor"] is not None
        assert view["metrics"]["gap"]["low"] < view["metrics"]["gap"]["high"]
    assert list(found["task_scores"]) == ["entity_f1", "accuracy"]


def test_any_view_may_come_first():
    made = make_kind("tagging")
    found, plain = score(made, view="entity", replicates=50), score(made, replicates=50)
    assert found["n"] == plain["views"]["entity"]["n"]
    assert list(found["views"]) == ["word", "non_o", "entity_min"]
    assert found["metrics"]["gap"]["value"] == plain["views"]["entity"]["metrics"]["gap"]["value"]
    assert found["task_scores"] == plain["task_scores"]


def test_spans_have_a_soft_f1():
    assert set(score(make_kind("span"), replicates=50)["soft_f1"]) == {"confidence", "f1", "gap", "ece15"}


def test_views_that_nothing_is_of_are_null():
    made = make_kind("tagging", 20)
    logits = made.logits.copy()
    logits[:, 0] = 9
    found = score(dataclasses.replace(made, logits=logits), replicates=50)
    assert found["views"] == {"non_o": None, "entity": None, "entity_min": None}
    assert found["task_scores"]["entity_f1"]["value"] == 0


def test_a_model_that_mines_nothing_has_a_row_all_the_same():
    made = make_kind("mining", 20)
    nothing = {**made.columns, "mined": np.zeros(20, bool), "hit": np.zeros(20, bool)}
    found = score(dataclasses.replace(made, columns=nothing), replicates=50)
    assert (found["n"], found["metrics"]["accuracy"]["value"], found["task_scores"]["f1"]["value"]) == (0, None, 0)
    assert set(found["metrics"]) == {name for name, metric in METRICS.items() if "order" in metric.holds}


def test_translated_words_are_paired_by_sentence():
    target, source = make_kind("tagging", 40, 1, language="sw"), make_kind("tagging", 40, 2)
    found = score(target, source=source, replicates=50)
    assert found["pairing"] == "groups"
    expected = found["metrics"]["gap"]["value"] - score(source, replicates=50)["metrics"]["gap"]["value"]
    assert found["transfer"]["gap"]["value"] == pytest.approx(expected)
    assert found["views"]["entity"]["transfer"]["gap"]["value"] is not None


def test_questions_of_a_part_are_compared_with_that_part():
    target, source = make_kind("span", 40, 1, language="sw"), make_kind("span", 40, 2)
    rows = np.arange(15)
    found = score(target.take(rows), source=source, replicates=50)
    expected = score(target.take(rows), source=source.take(rows), replicates=50)
    assert (found["pairing"], expected["pairing"]) == ("common", "items")
    assert found["transfer"] == expected["transfer"]


def test_other_data_are_compared_unpaired():
    target, source = make_kind("span", 40, 1, language="sw", prefix="x"), make_kind("span", 40, 2)
    found = score(target, source=source, replicates=50)
    assert found["pairing"] == "none"
    assert found["transfer"]["accuracy"]["low"] < found["transfer"]["accuracy"]["high"]


@pytest.mark.parametrize("kind", ["retrieval", "mining"])
def test_there_is_no_transfer_where_there_is_no_source(kind):
    found = score(make_kind(kind, 20, language="sw"), source=make_kind(kind, 20, 1), replicates=50)
    assert (found["transfer"], found["pairing"]) == (None, None)


def test_prediction_sets_need_classes():
    def half(made):
        renamed = {name: np.strings.add("h", getattr(made, name)) for name in ("item_ids", "group_ids")}
        return {"en": dataclasses.replace(made, **renamed)}

    tagged = make_kind("tagging", names=POS)
    assert score(tagged, halves=half(tagged), replicates=50)["prediction_sets"] is not None
    spans = make_kind("span")
    assert score(spans, halves=half(spans), replicates=50)["prediction_sets"] is None


@pytest.mark.parametrize("kind", ["tagging", "span"])
def test_every_view_is_recalibrated_on_its_own_half(kind):
    made, half = make_kind(kind, 60, 1), make_kind(kind, 60, 2, prefix="h")
    plain = score(made, replicates=50)
    found = score(made, halves={"en": half}, recalibration="ts_en", replicates=50)
    for name, view in found["views"].items():
        before = plain["views"][name]["metrics"]
        assert view["metrics"]["nll"]["value"] != before["nll"]["value"]
        assert view["metrics"]["accuracy"]["value"] == before["accuracy"]["value"]
    assert found["task_scores"] == plain["task_scores"]


def test_a_spline_is_refused_where_the_answer_is_not_the_most_probable_class():
    made, half = make_kind("span", 20, 1), make_kind("span", 20, 2, prefix="h")
    with pytest.raises(BadInput) as caught:
        score(made, halves={"en": half}, recalibration="spline_en", replicates=50)
    assert str(caught.value) == (
        "Got recalibration='spline_en' for span predictions, but a spline moves the most probable class, which is not "
        "the answer to each of them; use ts."
    )
