import pytest

from bench.calibration.metrics import METRICS
from bench.calibration.recalibration import check_disjoint, recalibrate
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes


def test_english_temperature_repairs_other_groups():
    fitted = recalibrate(make_outcomes(900, 1, temperature=2, split="validation"))
    test = make_outcomes(900, 2, temperature=2)
    assert abs(METRICS["gap"].value(fitted.apply(test))) < 0.05 < abs(METRICS["gap"].value(test))


def test_shared_groups_are_refused():
    fitted = recalibrate(make_outcomes(30, split="test"))
    with pytest.raises(BadInput) as caught:
        fitted.apply(make_outcomes(60))
    assert str(caught.value) == (
        "Got 10 group(s) in both the fit and the score set, such as 'test-0', but a calibrator is scored on other "
        "groups than it was fitted on; split by group_id before fitting."
    )


def test_other_items_of_a_shared_group_are_refused_too():
    first, second = make_outcomes(60).take([0, 1]), make_outcomes(60).take([2])
    with pytest.raises(BadInput, match="1 group"):
        check_disjoint(first, second)
