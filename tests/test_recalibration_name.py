import pytest

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.recalibration_name import RecalibrationName, shots
from bench.errors import BadInput


@pytest.mark.parametrize("token", CALIBRATORS)
@pytest.mark.parametrize("where", ["en", "target", "pool", "few1", "few16"])
def test_a_name_reads_back_as_it_was_written(token, where):
    name = RecalibrationName(token, where)
    assert str(name) == f"{token}_{where}"
    assert RecalibrationName.parse(str(name)) == name


def test_none_is_no_recalibration():
    assert RecalibrationName.parse("none") is None


def test_few_names_its_number_of_examples():
    assert (shots("few1"), shots("few128"), shots("en"), shots("pool")) == (1, 128, None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ts_sw", "Got where='sw', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts", "Got where='', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts_few0", "Got where='few0', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts_few016", "Got where='few016', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts_few", "Got where='few', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts_few\u0661", "Got where='few\u0661', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("ts_en_x", "Got where='en_x', but there are: en, pool, target, pivot, few<k> with k >= 1."),
        ("tss_en", "Got calibrator='tss', but there are: ts, ets, vs, ms, dir, hist, iso, beta, spline."),
        ("None", "Got calibrator='None', but there are: ts, ets, vs, ms, dir, hist, iso, beta, spline."),
    ],
)
def test_unknown_names_are_told_what_there_is(text, reason):
    with pytest.raises(BadInput) as caught:
        RecalibrationName.parse(text)
    assert str(caught.value) == (
        f"Got recalibration={text!r}; write 'none', or <calibrator>_<where> such as ts_en. {reason}"
    )


def test_a_name_is_valid_however_it_is_made():
    with pytest.raises(BadInput, match="Got where='sw'"):
        RecalibrationName("ts", "sw")
