import hashlib

import numpy as np
import pytest

from bench.calibration.calibrators import temperature
from bench.calibration.cross_fit import cross_fit, folds
from bench.calibration.recalibration_name import RecalibrationName
from bench.errors import BadInput
from bench.invariants import check_cross_fit
from bench.scoring import score
from tests.kinds_factory import make_kind
from tests.prediction_factory import make_outcomes


def test_folds_are_a_function_of_the_group_id():
    found = folds(np.array(["a", "b", "a", "c"]))
    assert found.tolist() == [int(hashlib.sha256(each.encode()).hexdigest(), 16) % 5 for each in "abac"]
    assert np.bincount(folds(np.arange(5000).astype(str))).min() > 900


def test_each_fold_has_the_temperature_of_the_others():
    outcomes, pivot = make_outcomes(90, 1, temperature=3), make_outcomes(120, 2, temperature=3)
    found = cross_fit(outcomes, pivot)
    own, others = folds(outcomes.group_ids), folds(pivot.group_ids)
    for fold in range(5):
        expected = temperature.fit(pivot.take(np.flatnonzero(others != fold))).value
        assert found.temperatures[fold] == expected
        rows = np.flatnonzero(own == fold)
        scaled = temperature.apply(outcomes.take(rows), expected)
        np.testing.assert_allclose(found.outcomes.probabilities[rows], scaled.probabilities)
    assert found.items == 120
    assert len(set(found.temperatures)) == 5


def test_no_item_of_the_pivot_decides_over_itself():
    pivot = make_outcomes(60, 3)
    before = cross_fit(pivot, pivot)
    first = folds(pivot.group_ids) == 0
    # Other labels in fold 0 move the temperatures of all folds but the first.
    changed = make_outcomes(60, 3)
    changed.labels[first] = (changed.labels[first] + 1) % 3
    after = cross_fit(changed, changed)
    moved = [one != other for one, other in zip(before.temperatures, after.temperatures, strict=True)]
    assert moved == [False, True, True, True, True]


def test_other_numbers_of_candidates_are_taken_and_answers_stay():
    outcomes, pivot = make_outcomes(60, 1, classes=5), make_outcomes(60, 2, classes=9)
    found = cross_fit(outcomes, pivot)
    assert np.array_equal(found.outcomes.top, outcomes.top)
    check_cross_fit(outcomes, pivot)


def test_a_pivot_of_one_group_cannot_be_cut():
    with pytest.raises(BadInput) as caught:
        cross_fit(make_outcomes(9), make_outcomes(3))
    assert str(caught.value) == (
        f"Got a pivot pair whose 3 items are all in fold {folds(np.array(['test-0']))[0]}, but a temperature is fitted "
        "on the other folds; take a pair with more groups."
    )


def test_retrieval_is_scored_with_the_temperatures_of_the_pivot():
    made, pivot = make_kind("retrieval", 60, 1, language="sw"), make_kind("retrieval", 60, 2)
    plain = score(made, replicates=50)
    found = score(made, halves={"de": pivot}, recalibration="ts_pivot", replicates=50)
    assert found["metrics"]["nll"]["value"] < plain["metrics"]["nll"]["value"]
    assert found["metrics"]["accuracy"] == plain["metrics"]["accuracy"]
    assert (
        found["views"]["among_all"]["metrics"]["nll"]["value"] < plain["views"]["among_all"]["metrics"]["nll"]["value"]
    )
    calibrator = found["calibrator"]
    assert len(calibrator["parameters"].pop("temperatures")) == 5
    assert calibrator == {
        "token": "ts", "where": "pivot", "scored": "sw", "n": 60, "replicates": 50, "parameters": {},
        "held_fixed": True,
    }  # fmt: skip


def test_the_pivot_itself_is_cross_fitted_too():
    pivot = make_kind("retrieval", 60, 2)
    found = score(pivot, halves={"de": pivot}, recalibration="ts_pivot", replicates=50)
    assert found["metrics"]["nll"]["value"] < score(pivot, replicates=50)["metrics"]["nll"]["value"]


def test_only_a_temperature_is_fitted_on_a_pivot_and_there_is_one_pivot():
    assert str(RecalibrationName("ts", "pivot")) == "ts_pivot"
    with pytest.raises(BadInput, match=r"Got calibrator='iso' where='pivot', but only a temperature \(ts\) is fitted"):
        RecalibrationName.parse("iso_pivot")
    made = make_kind("retrieval", 20)
    with pytest.raises(BadInput, match="Got halves of de, fr for 'ts_pivot', but there is one pivot; pass it alone"):
        score(made, halves={"de": made, "fr": made}, recalibration="ts_pivot")
