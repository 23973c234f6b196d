"""A killed run: nothing half is ever readable, no lock stays, and the rerun ends in the bytes of an unbroken one."""

import os
import random
import shutil
import signal
import sys
from collections import Counter
from dataclasses import dataclass

import pytest

from bench.canonical import digest
from bench.report.directory import LEDGER, ROWS
from bench.report.ledger import LedgerEntry, read_ledger, update_ledger
from bench.rows import read_rows, update_rows
from bench.store import Store
from tests.reliability.kill_harness import (
    STAGES,
    TRIALS,
    Cases,
    Kill,
    differences,
    draw,
    leftovers,
    looked_at,
    result_of,
    run_trials,
    trial,
    whole_run,
)
from tests.row_factory import make_row

# Once in each kind of work, and once more while the first kill is made good.
DRAWN = {
    "train": (Kill("train", 1, 0.71),),
    "save": (Kill("save", 0, 0.13),),
    "predict": (Kill("predict", 0, 0.46),),
    "score and write": (Kill("write rows", 0, 0.27),),
    "twice": (Kill("train", 0, 0.82), Kill("score", 1, 0.35)),
}


@pytest.fixture(scope="module")
def cases():
    with Cases() as running:
        yield running


@pytest.fixture(scope="module")
def whole_place(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(cases, whole_place):
    return whole_run(cases, whole_place)


@pytest.mark.parametrize("kills", DRAWN.values(), ids=DRAWN)
def test_a_killed_case_ends_in_the_bytes_of_an_unbroken_one(cases, whole, tmp_path, kills):
    # On a busy machine a case may end before its signal comes.
    for attempt in range(5):
        found = trial(cases, tmp_path / str(attempt), whole, kills)
        assert found.problems == ()
        if len(found.hit) == len(kills):
            return

    pytest.fail(f"{kills} came too late five times")


def test_what_is_missing_is_predicted_to_the_same_bytes_whatever_is_there(cases, whole, whole_place, tmp_path):
    (row,) = Store(whole_place / "second" / "store").entries("row")
    for key in (row.manifest.identity["test"], row.manifest.identity["source"]):
        directory = shutil.copytree(whole_place / "second", tmp_path / key)
        shutil.rmtree(directory / "store" / "predictions" / key[:2])
        shutil.rmtree(directory / "store" / "row")
        cases.run(directory)

        assert differences(whole.result, result_of(directory)) == []


@pytest.mark.nightly
def test_a_hundred_killed_cases_end_in_the_bytes_of_an_unbroken_one(tmp_path):
    trials = list(run_trials(tmp_path, TRIALS))
    hit = Counter(stage for each in trials for stage in each.hit)

    assert [each for each in trials if each.problems] == []
    assert set(hit) >= set(STAGES)
    assert any(each.resumed for each in trials)


def test_equal_seeds_draw_equal_kills(whole):
    assert draw(whole, random.Random(1), 3) == draw(whole, random.Random(1), 3)


class TestTheHarnessNotices:
    """What it is there to find, planted."""

    @pytest.fixture
    def done(self, whole, whole_place, tmp_path):
        return shutil.copytree(whole_place / "second", tmp_path / "done")

    def test_half_an_artefact(self, done):
        model = next((done / "store").rglob("model.safetensors"))
        os.truncate(model, 100)

        assert "has 100 bytes instead of" in looked_at(done)[1][0]

    def test_half_a_line(self, done):
        rows = done / "output" / ROWS
        rows.write_bytes(rows.read_bytes()[:-40])

        assert "It is no JSON" in looked_at(done)[1][0]

    def test_another_weight(self, done, whole):
        assert differences(whole.result, result_of(done)) == []
        model = next((done / "store").rglob("model.safetensors"))
        content = model.read_bytes()
        model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

        (problem,) = differences(whole.result, result_of(done))
        assert problem.endswith("model.safetensors differs")

    def test_what_is_left(self, done):
        assert leftovers(done) == []
        (done / "store" / "unfinished" / "checkpoint").mkdir(parents=True, exist_ok=True)
        (done / "store" / "unfinished" / "checkpoint" / "snapshot").touch()
        (done / "store" / "row" / ".tmp-0").mkdir()

        assert len(leftovers(done)) == 2


ROW = make_row()


def small_case(directory):
    """Publish an artefact that keeps a snapshot meanwhile, and update rows and ledger, as a case does."""
    store, key = Store(directory / "store"), digest("small")

    def make(staging):
        snapshots = store.unfinished("checkpoint", key)
        snapshots.mkdir(parents=True, exist_ok=True)
        (snapshots / "snapshot").write_bytes(b"state")
        (staging / "one.bin").write_bytes(b"one")
        (staging / "deep").mkdir()
        (staging / "deep" / "two.bin").write_bytes(b"two")
        return {}

    store.ensure("checkpoint", key, {}, make)
    update_rows(directory / "output" / ROWS, [ROW])
    update_ledger(directory / "output" / LEDGER, [LedgerEntry(ROW.id, "run", "", ROW.study)])


def killed_before(operation, directory):
    """Run `small_case` in a fork that gets SIGKILL before the operation of that number; return whether it did.

    Operations are what Python reports to audit hooks: opening, making, renaming, removing files and directories.
    """
    if (pid := os.fork()) == 0:
        left = operation

        def count(event, _):
            nonlocal left
            if event.startswith(("open", "os.", "shutil.")):
                left -= 1
                if left < 0:
                    # Not os.kill, which would be reported here in turn.
                    signal.raise_signal(signal.SIGKILL)

        sys.addaudithook(count)
        try:
            small_case(directory)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@dataclass(frozen=True)
class Aftermath:
    """What is wrong after a kill and after the rerun, and what the rerun leaves behind."""

    wrong: list[str]
    left: list[str]


def aftermaths_in(directory):
    """Return one for each file operation of the small case, killed before it and run again in `directory`."""
    found = []
    while killed_before(len(found), directory):
        wrong = looked_at(directory)[1]
        small_case(directory)
        wrong += looked_at(directory)[1]
        assert read_rows(directory / "output" / ROWS) == [ROW]
        assert len(read_ledger(directory / "output" / LEDGER).entries) == 1
        found.append(Aftermath(wrong, leftovers(directory)))
        shutil.rmtree(directory)
    return found


@pytest.fixture(scope="module")
def aftermaths(tmp_path_factory):
    return aftermaths_in(tmp_path_factory.mktemp("small") / "case")


def test_a_kill_before_any_file_operation_leaves_nothing_half(aftermaths):
    assert len(aftermaths) > 50
    assert [each.wrong for each in aftermaths if each.wrong] == []


def test_a_rerun_clears_what_a_kill_before_any_file_operation_has_left(aftermaths):
    assert [each.left for each in aftermaths if each.left] == []
