"""Races: whoever asks at the same time for the same artefacts, each is made once, and no row is lost or doubled."""

import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from bench.canonical import digest
from bench.report.ledger import read_ledger
from bench.rows import read_rows, reproducible_part
from bench.store import Store
from tests.conftest import ROOT

RACER = """
import os, sys, time
from pathlib import Path
from bench.store import Store
root, log, go, *keys = sys.argv[1:]
store = Store(Path(root))
def make(directory):
    with open(log, "a") as file:
        file.write(directory.name[5:69] + "\\n")
    time.sleep(0.05)
    (directory / "weights.bin").write_bytes(b"good")
    return {}
print("ready", flush=True)
while not os.path.exists(go):
    time.sleep(0.001)
for key in keys:
    entry, made = store.ensure("checkpoint", key, {"key": key}, make)
    assert (entry.path / "weights.bin").read_bytes() == b"good"
    assert store.verify(entry) == []
    print("made" if made else "found", flush=True)
"""
WRITER = """
import os, sys, time
from pathlib import Path
from bench.report.ledger import LedgerEntry, update_ledger
from bench.rows import update_rows
from tests.row_factory import make_row
output, go, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
while not os.path.exists(go):
    time.sleep(0.001)
for seed in range(number, number + 5):
    row = make_row(seed=seed)
    update_rows(output / "results.jsonl", [row])
    update_ledger(output / "ledger.json", [LedgerEntry(row.id, "run", "", row.study)])
"""
# Loaded by every process of a suite: notes what is made, and begins when all are there.
WATCH = """
import os, time
import pytest
import bench.store.store as store

seal = store.seal

def noting(directory, kind, key, *rest):
    with open({log!r}, "a") as file:
        file.write(f"{{kind}} {{key}}\\n")
    return seal(directory, kind, key, *rest)

store.seal = noting

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    # The controller of xdist has no case of its own to wait with.
    if session.config.getoption("dist", "no") != "no":
        return
    open({ready!r} + str(os.getpid()), "w").close()
    while not os.path.exists({go!r}):
        time.sleep(0.01)
"""
POCKET = (
    "--models", "pocket_xs", "--intermediates", "none,snli", "--targets", "xnli", "--languages", "w0_src,w0_iso",
    "--seeds", "0", "--train-limit", "160", "--eval-limit", "80",
)  # fmt: skip
SECONDS = 300


def waited_for(ready):
    """Wait until `ready` holds."""
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("damaged", [False, True])
def test_eight_processes_make_four_artefacts_once_each(tmp_path, damaged):
    store, keys = Store(tmp_path / "store"), [digest(number) for number in range(4)]
    if damaged:
        for key in keys:
            store.publish("checkpoint", key, {"key": key}, {}, lambda directory: (directory / "x").touch())
            (store.find("checkpoint", key).path / "x").unlink()
    log = tmp_path / "log"
    turns = [[*keys[start % 4 :], *keys[: start % 4]] for start in range(8)]
    printed = raced(RACER, tmp_path / "go", [[store.root, log, tmp_path / "go", *turn] for turn in turns])

    assert sorted(log.read_text().split()) == sorted(keys)
    assert Counter(word for words in printed for word in words) == {"made": 4, "found": 28}
    assert [entry.key for entry in store.entries()] == sorted(keys)
    assert len(list((store.root / "quarantine").glob("*"))) == (4 if damaged else 0)


def test_eight_processes_write_to_the_same_results_and_lose_no_row(tmp_path):
    # Each shares four rows with the next one.
    raced(WRITER, tmp_path / "go", [[tmp_path, tmp_path / "go", number] for number in range(8)])

    assert sorted(row.condition.seed for row in read_rows(tmp_path / "results.jsonl")) == list(range(12))
    assert len(read_ledger(tmp_path / "ledger.json").entries) == 12


def raced(script, go, arguments):
    """Run `script` once for each list of arguments, all from when `go` exists; return the words each printed."""
    racers = [
        subprocess.Popen([sys.executable, "-c", script, *map(str, each)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for each in arguments
    ]
    assert {racer.stdout.readline() for racer in racers} == {"ready\n"}
    go.touch()
    printed = [racer.communicate(timeout=SECONDS)[0].split() for racer in racers]
    assert {racer.returncode for racer in racers} == {0}
    return printed


class Suites:
    """Suites that run at the same time on one store and one output directory, and what they made."""

    def __init__(self, pytester):
        self.directory = pytester.path
        self.output = pytester.path / "output"
        self.log, self._go = pytester.path / "log", pytester.path / "go"
        text = WATCH.format(log=str(self.log), ready=str(pytester.path / "ready-"), go=str(self._go))
        pytester.makepyfile(watching=text)

    def run(self, *commands, processes):
        """Run one suite for each of `commands` (options); all start when `processes` processes are ready."""
        fixed = [sys.executable, "-m", "pytest", ROOT / "suites", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
        fixed += ["-p", "no:cacheprovider", "-p", "watching", "--output", self.output]
        environment = {**os.environ, "PYTHONPATH": f"{self.directory}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
        suites = [
            subprocess.Popen(
                [*map(str, fixed), *options], cwd=self.directory, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            for options in commands
        ]  # fmt: skip
        waited_for(lambda: len(list(self.directory.glob("ready-*"))) == processes)
        self._go.touch()
        printed = [suite.communicate(timeout=SECONDS)[0] for suite in suites]
        assert {suite.returncode for suite in suites} == {0}, printed
        return printed

    @property
    def made(self):
        """How often each artefact was made, by kind and key."""
        return Counter(self.log.read_text().splitlines())

    def made_of(self, kind):
        return sum(line.startswith(f"{kind} ") for line in self.made)


@pytest.fixture
def suites(pytester, monkeypatch):
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "store"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return Suites(pytester)


def test_two_workers_train_each_checkpoint_once_and_lose_no_case(suites):
    # Cases of one training go to both workers: the default distribution knows no groups.
    suites.run([*POCKET, "-n", "2"], processes=2)
    rows = read_rows(suites.output / "results.jsonl")

    assert set(suites.made.values()) == {1}
    assert (suites.made_of("intermediate"), suites.made_of("checkpoint")) == (1, 2)
    assert suites.made_of("row") == 4
    assert Counter((row.id, row.recalibration) for row in rows) == {
        (f"pocket_xs-{intermediate}-xnli-{language}-s0", recalibration): 1
        for intermediate in ("none", "snli")
        for language in ("w0_src", "w0_iso")
        for recalibration in ("none", "ts_en")
    }
    assert read_ledger(suites.output / "ledger.json").counts()["run"] == 4


def test_two_runs_at_once_train_each_checkpoint_once_and_lose_no_row(suites, suite, tiny, monkeypatch):
    # Both ask for what "none" is made from; the other cases are each run's own.
    suites.run([*tiny, "-k", "none or snli"], [*tiny, "-k", "none or more"], processes=2)
    rows = read_rows(suites.output / "results.jsonl")
    # In a process of its own, as those are: bytes depend on the number of threads.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    suite(*tiny, "--store", "alone", "--output", "alone", subprocess=True)
    alone = {row.key: row for row in read_rows(suites.directory / "alone" / "results.jsonl")}

    assert set(suites.made.values()) == {1}
    assert (suites.made_of("intermediate"), suites.made_of("checkpoint")) == (2, 3)
    assert len(rows) == 12
    assert sum(read_ledger(suites.output / "ledger.json").counts().values()) == 6
    assert all(reproducible_part(row) == reproducible_part(alone[row.key]) for row in rows)
