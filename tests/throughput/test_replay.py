"""The command that measures replays, on few conditions."""

import shutil

import pytest

from tests.replay import Cost, conditions, measure, replay, selection, summary

FEW = {"models": ("pocket_xs",), "worlds": (0,)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return a directory in which the command has measured, and the lines that it printed."""
    directory = tmp_path_factory.mktemp("replay")
    return directory, measure(directory, 12, 1, **FEW)


def test_conditions_that_nothing_trained_are_all_cached(measured):
    _, lines = measured
    assert lines[0].startswith("36 cached conditions: ")
    assert lines[1].startswith("36 empty cases: ")
    assert lines[2].startswith("a replay takes ")


def test_a_store_that_lacks_a_row_is_no_replay(measured, tmp_path):
    directory, _ = measured
    shutil.copytree(directory / "store", tmp_path / "store")
    shutil.rmtree(next((tmp_path / "store" / "row").glob("*/*")))

    with pytest.raises(SystemExit, match="Not all of 36 conditions were cached; delete "):
        replay(selection(12, **FEW), tmp_path, 36)


def test_at_least_as_many_conditions_as_asked_for():
    assert len(conditions(selection(10_000))) == 10_368


def test_ratios_are_taken_within_a_round():
    pairs = [(Cost(10.0, 400.0, ""), Cost(5.0, 100.0, "")), (Cost(12.0, 500.0, ""), Cost(2.0, 90.0, ""))]
    assert summary(7, pairs) == [
        "7 cached conditions: 11.00 (10.00 to 12.00) s of processor, at most 500 MB",
        "7 empty cases: 3.50 (2.00 to 5.00) s of processor, at most 100 MB",
        "a replay takes 4.00 (2.00 to 6.00) times as long",
    ]
