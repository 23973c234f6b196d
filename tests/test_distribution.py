"""Which cases a worker of pytest-xdist gets together."""

import pytest

from fixtures.distribution import checkpoint_of
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("case", "checkpoint"),
    [
        ("suites/test_conditions.py::test_condition[pocket_s-snli-xnli-w0_agg-s1]", "pocket_s-snli-xnli-s1 in w0"),
        ("suites/test_conditions.py::test_condition[pocket_s-snli-xnli-w0_src-s1]", "pocket_s-snli-xnli-s1 in w0"),
        ("suites/test_conditions.py::test_condition[pocket_s-snli-xnli-w1_src-s1]", "pocket_s-snli-xnli-s1 in w1"),
        ("suites/test_conditions.py::test_condition[mbert-none-xnli-en-s0-ls10]", "mbert-none-xnli-s0 ls10"),
        ("tests/test_x.py::test_y[some-case]", "tests/test_x.py::test_y[some-case]"),
        ("tests/test_x.py::test_y", "tests/test_x.py::test_y"),
    ],
)
def test_cases_of_a_checkpoint_stay_together(case, checkpoint):
    assert checkpoint_of(case) == checkpoint


TIMES = """
import os, time
import pytest

@pytest.mark.parametrize("case", ["mbert-none-xnli-%s-s%d" % (l, s) for s in range(3) for l in ("en", "de")])
def test_condition(case):
    with open("order", "a") as file:
        file.write(case + " " + os.environ["PYTEST_XDIST_WORKER"] + "\\n")
    time.sleep(0.2)
"""


def test_workers_share_out_checkpoints_from_the_last_one_on(pytester, monkeypatch):
    pytest.importorskip("xdist")
    pytester.makepyfile(TIMES)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = pytester.runpytest_subprocess("-p", "fixtures.distribution", "-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=6)
    ran = [line.split() for line in (pytester.path / "order").read_text().splitlines()]
    workers = {}
    for case, worker in ran:
        workers.setdefault(case[-2:], set()).add(worker)

    assert all(len(each) == 1 for each in workers.values())
    assert workers["s2"] != workers["s1"]
    assert {case[-2:] for case, _ in ran[:2]} == {"s2", "s1"}


def test_another_distribution_is_left_alone(pytester, monkeypatch):
    pytest.importorskip("xdist")
    pytester.makepyfile(TIMES)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.runpytest_subprocess(
        "-p", "fixtures.distribution", "-p", "no:cacheprovider", "-n", "1", "--dist", "loadfile"
    ).assert_outcomes(passed=6)
