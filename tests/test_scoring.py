import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from bench.calibration.metrics import METRICS
from bench.errors import BadInput
from bench.scoring import score
from tests.prediction_factory import from_logits, make_predictions

ENTRY = {"value", "low", "high", "version", "floor", "p"}


def test_a_plain_score():
    found = score(make_predictions(90), replicates=100)
    assert (found["n"], found["groups"]) == (90, 30)
    assert (found["transfer"], found["calibrator"]) == (None, None)
    assert list(found["metrics"]) == list(METRICS)
    assert all(set(entry) == ENTRY for entry in found["metrics"].values())
    assert found["metrics"]["accuracy"]["low"] < found["metrics"]["accuracy"]["value"]


def test_only_a_plug_in_error_has_a_floor_and_only_binned_errors_a_p():
    metrics = score(make_predictions(90), replicates=100)["metrics"]
    assert {name for name, entry in metrics.items() if entry["floor"] is not None} == {"ece15"}
    assert {name for name, entry in metrics.items() if entry["p"] is not None} == {"ece15", "l2sq15"}


def test_missing_is_missing():
    metrics = score(make_predictions(90), replicates=100)["metrics"]
    assert metrics["true_error"] == {"value": None, "low": None, "high": None, "version": 1, "floor": None, "p": None}
    alone = score(from_logits([[1, 0, 0]], [0]), replicates=100)["metrics"]
    assert alone["accuracy"] == {"value": 1.0, "low": None, "high": None, "version": 1, "floor": None, "p": None}
    assert alone["l2sq15"]["value"] is alone["l2sq15"]["p"] is None


def test_the_true_error_is_scored_where_a_posterior_is_known():
    assert score(make_predictions(90, posterior=True), replicates=100)["metrics"]["true_error"]["value"] is not None


def test_transfer_is_the_difference_of_the_two_scores():
    test, source = make_predictions(90, 1, temperature=2), make_predictions(90, 2)
    found, reference = score(test, source=source, replicates=100), score(source, replicates=100)
    for name, entry in found["transfer"].items():
        expected = found["metrics"][name]["value"] - reference["metrics"][name]["value"]
        assert entry["value"] == pytest.approx(expected)
        assert set(entry) == {"value", "low", "high"}


def test_recalibration_on_english_changes_confidence_and_not_answers():
    test, source = make_predictions(300, 1, temperature=2), make_predictions(300, 2, temperature=2)
    calibrate = make_predictions(300, 3, temperature=2, split="validation")
    plain = score(test, source=source, calibrate=calibrate, replicates=100)
    fitted = score(test, source=source, calibrate=calibrate, recalibration="ts_en", replicates=100)
    assert plain["calibrator"] is None
    assert fitted["calibrator"] == {
        "temperature": pytest.approx(2, rel=0.3),
        "at_bound": False,
        "fitted_on": "en calibrate",
        "n": 300,
    }
    assert fitted["metrics"]["accuracy"]["value"] == plain["metrics"]["accuracy"]["value"]
    assert fitted["transfer"]["accuracy"]["value"] == plain["transfer"]["accuracy"]["value"]
    assert fitted["metrics"]["nll"]["value"] < plain["metrics"]["nll"]["value"]


def test_a_score_is_json_and_repeats():
    options = {
        "source": make_predictions(60, 2),
        "calibrate": make_predictions(60, 3, split="validation"),
        "recalibration": "ts_en",
        "replicates": 50,
    }
    first, second = (score(make_predictions(60, 1), **options) for _ in range(2))
    assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)


def test_the_order_of_the_rows_is_irrelevant():
    test = make_predictions(90)
    order = np.random.default_rng(0).permutation(90)
    columns = {name: getattr(test, name)[order] for name in ("item_ids", "group_ids", "labels", "logits")}
    shuffled = score(dataclasses.replace(test, **columns), replicates=100)
    for name, entry in score(test, replicates=100)["metrics"].items():
        for key, value in entry.items():
            assert shuffled["metrics"][name][key] == (value if value is None else pytest.approx(value, abs=1e-12))


def test_unknown_recalibration():
    with pytest.raises(BadInput) as caught:
        score(make_predictions(9), recalibration="ts_sw")
    assert str(caught.value) == "Got recalibration='ts_sw', but there are: none, ts_en."


def test_recalibration_without_a_calibration_set():
    with pytest.raises(BadInput) as caught:
        score(make_predictions(9), recalibration="ts_en")
    assert str(caught.value) == (
        "Got recalibration='ts_en' without calibrate, but it is fitted there; pass it or use 'none'."
    )


def test_calibrating_on_the_test_groups_is_refused():
    with pytest.raises(BadInput, match="both the fit and the score set"):
        score(make_predictions(9), calibrate=make_predictions(30, 1), recalibration="ts_en")


def test_scoring_needs_no_deep_learning_library():
    code = "import sys, bench.scoring; print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
