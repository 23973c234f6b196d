import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.consistency import has_floor
from bench.calibration.metrics import METRICS
from bench.errors import BadInput
from bench.scoring import score
from bench.statistics.bootstrap import draws
from tests.prediction_factory import from_logits, make_predictions

ENTRY = {"value", "low", "high", "version", "floor", "p"}


def test_a_plain_score():
    found = score(make_predictions(90), replicates=100)
    assert (found["n"], found["groups"]) == (90, 30)
    assert (found["transfer"], found["calibrator"]) == (None, None)
    assert list(found["metrics"]) == [name for name in METRICS if name != "skce_blocked"]
    assert all(set(entry) == ENTRY for entry in found["metrics"].values())
    assert found["metrics"]["accuracy"]["low"] < found["metrics"]["accuracy"]["value"]
    # No function of sums: an interval would take thousands of evaluations.
    assert found["metrics"]["auroc"]["value"] is not None
    assert found["metrics"]["auroc"]["low"] is None


def test_binned_errors_have_a_p_and_all_but_the_unbiased_one_a_floor():
    metrics = score(make_predictions(90), replicates=100)["metrics"]
    binned = {name for name, metric in METRICS.items() if has_floor(metric)}
    assert {name for name, entry in metrics.items() if entry["p"] is not None} == binned
    assert {name for name, entry in metrics.items() if entry["floor"] is not None} == binned - {"l2sq15"}


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


@pytest.mark.parametrize("recalibration", ["none", "ts_en"])
def test_the_source_is_resampled_once_for_all_languages(monkeypatch, recalibration):
    """And what each language gets is what it gets alone."""
    source, half = make_predictions(90, 2), make_predictions(60, 3, split="validation")
    languages = [make_predictions(90, seed) for seed in (4, 5, 6)]
    resampled = []

    def noted(outcomes, replicates, seed):
        resampled.append(outcomes)
        return draws(outcomes, replicates, seed)

    monkeypatch.setattr("bench.statistics.contrasts.draws", noted)
    monkeypatch.setattr("bench.statistics.refit.draws", noted)

    def scored(test, source, half):
        return score(test, source=source, halves={"en": half}, recalibration=recalibration, replicates=100)

    together = [scored(each, source, half) for each in languages]
    once = len(resampled)
    fresh = dataclasses.replace
    alone = [scored(fresh(each), fresh(source), fresh(half)) for each in languages]
    assert together == alone
    saved = 2 if recalibration == "none" else 4
    assert once == len(resampled) - once - saved


def test_recalibration_on_english_changes_confidence_and_not_answers():
    test, source = make_predictions(300, 1, temperature=2), make_predictions(300, 2, temperature=2)
    halves = {"en": make_predictions(300, 3, temperature=2, split="validation")}
    plain = score(test, source=source, halves=halves, replicates=100)
    fitted = score(test, source=source, halves=halves, recalibration="ts_en", replicates=100)
    assert plain["calibrator"] is None
    assert fitted["calibrator"] == {
        "token": "ts",
        "where": "en",
        "scored": "en",
        "n": 300,
        "replicates": 100,
        "parameters": {"temperature": pytest.approx(2, rel=0.3), "at_bound": 0.0},
    }
    assert fitted["metrics"]["accuracy"]["value"] == plain["metrics"]["accuracy"]["value"]
    assert fitted["transfer"]["accuracy"]["value"] == plain["transfer"]["accuracy"]["value"]
    assert fitted["metrics"]["nll"]["value"] < plain["metrics"]["nll"]["value"]


def test_a_score_is_json_and_repeats():
    options = {
        "source": make_predictions(60, 2),
        "halves": {"en": make_predictions(60, 3, split="validation")},
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
    assert str(caught.value) == (
        "Got recalibration='ts_sw'; write 'none', or <calibrator>_<where> such as ts_en. "
        "Got where='sw', but there are: en, pool, target, pivot, few<k> with k >= 1."
    )


def test_recalibration_without_a_calibration_set():
    with pytest.raises(BadInput) as caught:
        score(make_predictions(9), recalibration="ts_en")
    assert str(caught.value) == (
        "Got recalibration='ts_en' without the calibration half of en, but it is fitted there; "
        "pass it in halves or use 'none'."
    )


def test_calibrating_on_the_test_groups_is_refused():
    with pytest.raises(BadInput, match="both the fit and the score set"):
        score(make_predictions(9), halves={"en": make_predictions(30, 1)}, recalibration="ts_en")


def bent(language, temperature, seed, split="validation"):
    return make_predictions(450, seed, temperature=temperature, split=split, language=language)


# Swahili is over-confident by a factor of 3, English not at all.
HALVES = {"en": bent("en", 1, 5), "sw": bent("sw", 3, 6)}


@pytest.mark.parametrize(
    ("where", "temperature", "n"), [("en", 1, 450), ("target", 3, 450), ("pool", 1.8, 900), ("few90", 3, 90)]
)
def test_where_a_map_is_fitted_is_what_it_repairs(where, temperature, n):
    test, source = bent("sw", 3, 7, "test"), bent("en", 1, 8, "test")
    found = score(test, source=source, halves=HALVES, recalibration=f"ts_{where}", replicates=50)
    assert found["calibrator"]["parameters"]["temperature"] == pytest.approx(temperature, rel=0.35)
    assert (found["calibrator"]["where"], found["calibrator"]["n"], found["calibrator"]["scored"]) == (where, n, "sw")


def test_for_transfer_the_source_is_recalibrated_on_its_own_half():
    test, source = bent("sw", 3, 7, "test"), bent("en", 1, 8, "test")
    found = score(test, source=source, halves=HALVES, recalibration="ts_target", replicates=50)
    alone = score(source, halves=HALVES, recalibration="ts_target", replicates=50)
    expected = found["metrics"]["gap"]["value"] - alone["metrics"]["gap"]["value"]
    assert found["transfer"]["gap"]["value"] == pytest.approx(expected)


def test_prediction_sets_are_calibrated_in_the_source_language():
    test, source = bent("sw", 3, 7, "test"), bent("en", 1, 8, "test")
    found = score(test, source=source, halves=HALVES, replicates=5)["prediction_sets"]
    own = score(source, halves=HALVES, replicates=5)["prediction_sets"]
    assert list(found) == ["lac", "aps", "raps"]
    for sets in (*found.values(), *own.values()):
        assert sets["gap"] == pytest.approx(0.9 - sets["coverage"])
        assert sum(each["n"] for each in sets["by_size"].values()) == 450
    # What is over-confident covers less than it promises.
    assert found["lac"]["gap"] > 0.05 > abs(own["lac"]["gap"])


def test_no_prediction_sets_without_the_sources_half_or_after_recalibration():
    assert score(bent("en", 1, 8, "test"), replicates=5)["prediction_sets"] is None
    fitted = score(bent("en", 1, 8, "test"), halves=HALVES, recalibration="ts_en", replicates=5)
    assert fitted["prediction_sets"] is None


@pytest.mark.parametrize("token", sorted(CALIBRATORS))
def test_every_calibrator_makes_a_row(token):
    found = score(
        make_predictions(60, 1),
        halves={"en": make_predictions(60, 3, split="validation")},
        recalibration=f"{token}_en",
        replicates=5,
    )
    json.dumps(found, allow_nan=False)
    assert found["calibrator"]["token"] == token


def test_scoring_needs_no_deep_learning_library():
    code = "import sys, bench.scoring; print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
