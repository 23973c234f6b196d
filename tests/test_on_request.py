import pytest

from tests.conftest import ROOT

TIMED = ROOT / "suites" / "test_metric_speed.py"
THROUGHPUT = ROOT / "suites" / "test_throughput.py"


def collected(pytester, *arguments):
    fixed = ("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider", "--collect-only", "-q")
    return pytester.runpytest_inprocess(*fixed, *arguments).stdout.str()


@pytest.mark.parametrize(
    ("arguments", "there"),
    [
        ((ROOT / "suites", "--models", "pocket_s"), False),
        ((ROOT / "suites", "--models", "pocket_s", "--timed"), True),
        ((TIMED,), True),
        ((f"{TIMED}::test_streaming",), True),
    ],
    ids=["unasked", "option", "file", "case"],
)
def test_timed_suites_run_when_asked_for(pytester, arguments, there):
    found = collected(pytester, *arguments)
    assert ("test_metric_speed.py::test_streaming" in found) == there


@pytest.mark.parametrize(
    ("arguments", "there"),
    [((ROOT / "suites",), False), ((ROOT / "suites", "--timed"), True), ((THROUGHPUT,), True)],
    ids=["unasked", "option", "file"],
)
def test_throughput_runs_when_asked_for(pytester, arguments, there):
    found = collected(pytester, *arguments, "--models", "pocket_s")
    assert ("test_throughput.py::test_train_step[" in found) == there


def test_tests_of_the_instrument_always_run(pytester):
    pytester.makepyfile(test_throughput_of_this="def test_one(): pass")
    assert "test_one" in collected(pytester, pytester.path)


NIGHTLY = """
import pytest

@pytest.mark.nightly
def test_long():
    pass

def test_short():
    pass
"""


@pytest.mark.parametrize(
    ("arguments", "passed"), [((), 1), (("-m", "nightly"), 1), (("-m", "nightly or not nightly"), 2)]
)
def test_nightly_cases_run_when_asked_for(pytester, arguments, passed):
    pytester.makepyfile(NIGHTLY)
    fixed = ("-c", ROOT / "pyproject.toml", "-p", "no:cacheprovider", "-p", "fixtures.on_request")
    loaded = ("-p", "fixtures.options", "-p", "fixtures.session", *arguments)
    result = pytester.runpytest_inprocess(*fixed, *loaded, pytester.path)
    result.assert_outcomes(passed=passed, deselected=2 - passed)
