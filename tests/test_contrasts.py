import dataclasses

import numpy as np
import pytest

from bench.calibration.metrics import METRICS
from bench.calibration.recalibration import recalibrate
from bench.errors import BadInput
from bench.statistics.contrasts import difference, resample, transfer
from tests.prediction_factory import make_outcomes


def test_a_language_against_itself_degrades_by_nothing():
    found = make_outcomes(120)
    for each in transfer(found, found.take(np.arange(119, -1, -1)), 200, 0).values():
        assert (each.value, each.low, each.high) == (
            pytest.approx(0, abs=1e-12),
            pytest.approx(0, abs=1e-12),
            pytest.approx(0, abs=1e-12),
        )


def test_contrasts_are_antisymmetric():
    first, second = make_outcomes(120, 1, temperature=2), make_outcomes(120, 2)
    there, back = transfer(first, second, 200, 0), transfer(second, first, 200, 0)
    for name in there:
        assert there[name].value == pytest.approx(-back[name].value)
        assert (there[name].low, there[name].high) == (pytest.approx(-back[name].high), pytest.approx(-back[name].low))


def test_the_change_of_the_gap_is_confidence_minus_accuracy():
    found = transfer(make_outcomes(300, 1, temperature=3), make_outcomes(300, 2), 200, 0)
    assert found["gap"].value == pytest.approx(found["confidence"].value - found["accuracy"].value)


def test_pairing_narrows_the_interval():
    first = make_outcomes(600, 1)
    # The same items, every tenth label another: what pairing removes is what both share.
    labels = np.where(np.arange(600) % 10 == 0, (first.labels + 1) % 3, first.labels)
    paired = transfer(dataclasses.replace(first, labels=labels), first, 500, 0)["accuracy"]
    unpaired = transfer(make_outcomes(600, 2), first, 500, 0)["accuracy"]
    assert paired.high - paired.low < 0.6 * (unpaired.high - unpaired.low)


def test_only_metrics_whose_differences_mean_something_are_contrasted():
    first, second = make_outcomes(60, 1, posterior=True), make_outcomes(60, 2, posterior=True)
    assert set(transfer(first, second, 20, 0)) == set(METRICS) - {"ece15"}
    assert "true_error" not in transfer(make_outcomes(60), make_outcomes(60), 20, 0)


def test_recalibrated_intervals_know_that_the_temperature_is_estimated():
    test = make_outcomes(900, 1, temperature=2)
    fitted = recalibrate(make_outcomes(60, 2, temperature=2, split="validation"))
    refitted = resample(test, 500, 0, fitted).replicates["gap"].std()
    fixed = resample(fitted.apply(test), 500, 0).replicates["gap"].std()
    assert refitted > 1.5 * fixed


def test_other_items_are_refused():
    first, second = make_outcomes(9), make_outcomes(12)
    with pytest.raises(BadInput) as caught:
        transfer(first, second, 20, 0)
    assert str(caught.value) == (
        "Got 3 item(s) on one side of a paired contrast only, such as 'test-10'; "
        "score both conditions on the same items, with the same limit."
    )


def test_other_groups_are_refused():
    first = make_outcomes(9)
    second = dataclasses.replace(first, group_ids=np.roll(first.group_ids, 1))
    with pytest.raises(BadInput) as caught:
        difference(resample(first, 20, 0), resample(second, 20, 0))
    assert str(caught.value) == (
        "Got item 'test-0' in different groups on the two sides of a contrast; groups must agree."
    )
