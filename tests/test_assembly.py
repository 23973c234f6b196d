import pytest

from bench.assembly import _flags
from bench.condition import Condition


@pytest.mark.parametrize(
    ("language", "variant", "recalibration", "expected"),
    [
        ("sw", "", "none", ()),
        ("sw", "", "dir_en", ()),
        ("sw", "", "ts_target", ("target_labels",)),
        ("sw", "", "ts_few16", ("target_labels",)),
        # The source's own labels are what it was trained on; a pool holds those of all languages.
        ("en", "", "ts_target", ()),
        ("en", "", "ts_pool", ("target_labels",)),
        ("sw", "logitnorm", "none", ("arbitrary_scale",)),
        ("sw", "logitnorm", "ts_en", ()),
        ("sw", "ls10", "none", ()),
    ],
)
def test_flags_of_a_recalibration(language, variant, recalibration, expected):
    condition = Condition("tiny", "none", "xnli", language, 0, variant)
    assert _flags(condition, recalibration) == expected
