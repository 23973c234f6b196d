import numpy as np
import pytest

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.fit_set import fit_set
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import check_disjoint, recalibrate
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes


def halves(**languages):
    return {
        language: make_outcomes(300, 10 + seed, temperature=temperature, split="validation")
        for seed, (language, temperature) in enumerate(languages.items())
    }


def test_english_temperature_repairs_other_groups():
    fitted = recalibrate(make_outcomes(900, 1, temperature=2, split="validation"))
    test = make_outcomes(900, 2, temperature=2)
    assert abs(METRICS["gap"].value(fitted.apply(test))) < 0.05 < abs(METRICS["gap"].value(test))


@pytest.mark.parametrize("token", CALIBRATORS)
def test_every_calibrator_is_fitted_by_its_token(token):
    fit, test = make_outcomes(300, 1, temperature=2, split="validation"), make_outcomes(90, 2, temperature=2)
    fitted = recalibrate(fit, token, "few300")
    assert str(fitted.name) == f"{token}_few300"
    assert fitted.fitted_on is fit
    expected = CALIBRATORS[token].fit(fit).apply(test).probabilities
    np.testing.assert_array_equal(fitted.apply(test).probabilities, expected)


def test_where_it_is_fitted_is_what_it_repairs():
    # English is calibrated, Swahili over-confident.
    stored = halves(en=1, sw=3)
    test = make_outcomes(900, 2, temperature=3)
    gaps = {
        where: METRICS["gap"].value(recalibrate(fit_set(where, stored, "en", "sw"), "ts", where).apply(test))
        for where in ("en", "pool", "target", "few150")
    }
    assert gaps["en"] > 0.2
    assert 0.05 < gaps["pool"] < gaps["en"]
    assert abs(gaps["target"]) < 0.05
    assert abs(gaps["few150"]) < 0.1


def test_shared_groups_are_refused():
    fitted = recalibrate(make_outcomes(30, split="test"))
    with pytest.raises(BadInput) as caught:
        fitted.apply(make_outcomes(60))
    assert str(caught.value) == (
        "Got 10 group(s) in both the fit and the score set, such as 'test-0', but a calibrator is scored on other "
        "groups than it was fitted on; split by group_id before fitting, or give sets of different items ids of "
        "their own: without ids rows are numbered."
    )


def test_other_items_of_a_shared_group_are_refused_too():
    first, second = make_outcomes(60).take([0, 1]), make_outcomes(60).take([2])
    with pytest.raises(BadInput, match="1 group"):
        check_disjoint(first, second)


def test_shared_items_are_refused_even_in_other_groups():
    given = {"logits": [[1.0, 0.0], [0.0, 1.0]], "labels": [0, 1], "item_ids": ["a", "b"]}
    first, second = (Outcomes.from_logits(**given, group_ids=groups) for groups in (["1", "2"], ["3", "4"]))
    with pytest.raises(BadInput) as caught:
        recalibrate(first).apply(second)
    assert str(caught.value) == (
        "Got 2 item(s) in both the fit and the score set, such as 'a', but a calibrator is scored on other items than "
        "it was fitted on; split by group_id before fitting, or give sets of different items ids of their own: "
        "without ids rows are numbered."
    )


def test_a_group_in_another_language_is_the_same_group():
    # Item 17 in English and in Swahili are one item: a pool with its English side may not be scored on its Swahili one.
    pool = fit_set("pool", {"en": make_outcomes(60, 1), "de": make_outcomes(60, 2, split="validation")}, "en", "sw")
    with pytest.raises(BadInput, match=r"Got 20 group\(s\) in both the fit and the score set"):
        recalibrate(pool, "dir", "pool").apply(make_outcomes(60, 3))


def test_other_classes_than_were_fitted():
    fitted = recalibrate(make_outcomes(30, split="validation"), "vs")
    with pytest.raises(BadInput) as caught:
        fitted.apply(make_outcomes(30, classes=2))
    assert str(caught.value) == ("Got outcomes with 2 classes, but vs_en was fitted on 3; fit it on the same task.")


@pytest.mark.parametrize(
    ("token", "where", "message"),
    [
        ("tt", "en", "Got calibrator='tt', but there are: ts, ets, vs, ms, dir, hist, iso, beta, spline."),
        ("ts", "sw", "Got where='sw', but there are: en, pool, target, pivot, few<k> with k >= 1."),
    ],
)
def test_unknown_calibrators_and_places(token, where, message):
    with pytest.raises(BadInput) as caught:
        recalibrate(make_outcomes(30), token, where)
    assert str(caught.value) == message
