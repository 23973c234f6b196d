"""SIGKILL at random moments: a case in a process of its own, killed in a stage it announced, and run again to its end.

`python -m tests.reliability.kill_harness KILLS.json [TRIALS]` runs TRIALS (100) trials and writes what became of them.
The case is one condition of an artificial world with an intermediate task: train, save, predict, publish, score, write
rows and ledger. The instrument knows nothing of the stages: its functions are wrapped from outside, here. Importing
torch and drawing the data take longer than the case, so one process does both once and forks for every run
(`--fork`); what it forks from has opened no store, trained nothing and started no thread.
"""

import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.condition import Condition
from bench.report.directory import LEDGER, ROWS
from bench.report.ledger import SCORED, LedgerEntry, read_ledger, update_ledger
from bench.rows import read_rows, reproducible_part, update_rows, written_row
from bench.store import Entry, Failures, Store
from bench.store.location import stored
from bench.store.manifest import MANIFEST_NAME

ROOT = Path(__file__).parents[2]
CONDITION = "pocket_xs-snli-xnli-w0_iso-s0"
LANGUAGES = ("w0_src", "w0_iso")
TRAIN_LIMIT, EVAL_LIMIT = 960, 240
STAGES = ("train", "save", "predict", "publish", "score", "write rows")
TRIALS, SEED = 100, 20261005
# Far above what a case takes, even beside other work: what is not done then hangs.
_LIMIT_SECONDS = 120
_KINDS = ("intermediate", "checkpoint", "predictions")


@dataclass(frozen=True)
class Kill:
    """SIGKILL after `fraction` of the usual duration of the `occurrence`-th time that `stage` begins."""

    stage: str
    occurrence: int
    fraction: float


@dataclass(frozen=True)
class Trial:
    """What became of one trial.

    `hit` are the stages that were really killed, in order; `published` counts the artefacts seen after each kill;
    `resumed` the trainings that went on from a snapshot; `problems` says what went wrong, and is empty.
    """

    planned: tuple[Kill, ...]
    hit: tuple[str, ...]
    published: tuple[int, ...]
    resumed: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Whole:
    """The uninterrupted run: how long each stage took, every time it began, in seconds, and what it left."""

    durations: dict[str, list[float]]
    result: dict[str, object]


class Cases:
    """Runs the case in forks of one process that has torch and the data at hand; a context manager."""

    def __enter__(self):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "tests.reliability.kill_harness", "--fork"]
        self._server = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_):
        self._server.communicate()

    def run(self, directory, kill=None, duration=0.0):
        """Run the case in `directory`; return each stage with the time it began, and the exit status last.

        With `kill`, the process gets SIGKILL `duration` times the kill's fraction after its stage began. What takes
        longer than any case does is killed too, and "hangs" is its last stage.
        """
        self._server.stdin.write(f"{directory}\n")
        self._server.stdin.flush()
        pid, begun = int(self._line()), []
        overdue = threading.Timer(_LIMIT_SECONDS, _kill, [pid])
        overdue.start()
        while not (line := self._line()).startswith("ended "):
            begun.append((line, time.monotonic()))
            if kill is not None and line == kill.stage and [one for one, _ in begun].count(line) > kill.occurrence:
                time.sleep(kill.fraction * duration)
                _kill(pid)
                kill = None
        if not overdue.is_alive():
            begun.append(("hangs", time.monotonic()))
        overdue.cancel()
        return begun, int(line.split()[1])

    def _line(self):
        return self._server.stdout.readline().rstrip("\n")


def whole_run(cases, directory):
    """Run the case to its end with nobody killing it, twice: the first run is slower than those after it."""
    cases.run(directory / "first")
    begun, status = cases.run(directory / "second")
    assert status == 0, begun
    result = result_of(directory / "second")
    assert differences(result_of(directory / "first"), result) == []
    durations = {stage: [] for stage in STAGES}
    for (stage, start), (_, end) in itertools.pairwise(begun):
        durations[stage].append(end - start)
    return Whole(durations, result)


def draw(whole, generator, kills):
    """Return `kills` kills, each of a stage drawn evenly, at a moment drawn evenly within it."""
    stages = [generator.choice(STAGES) for _ in range(kills)]
    return tuple(Kill(stage, generator.randrange(len(whole.durations[stage])), generator.random()) for stage in stages)


def trial(cases, directory, whole, kills):
    """Kill the case in `directory` as `kills` say, one run after the other, then run it to its end; return a Trial."""
    hit, published, problems = [], [], []
    for kill in kills:
        begun, status = cases.run(directory, kill, whole.durations[kill.stage][kill.occurrence])
        if status == -signal.SIGKILL:
            hit.append(begun[-1][0] if begun else "start")
        found, wrong = looked_at(directory)
        published.append(found)
        problems += [f"after {kill}: {one}" for one in wrong]
    begun, status = cases.run(directory)
    if status != 0:
        problems.append(f"the rerun ended with {status}: {begun[-1:]}")
    problems += differences(whole.result, result_of(directory)) + leftovers(directory)
    return Trial(kills, tuple(hit), tuple(published), _resumed(directory), tuple(problems))


def looked_at(directory):
    """Return how many artefacts a reader finds now, and what is wrong with what it can read."""
    store, problems = Store(directory / "store"), []
    # Store.find would move damage aside, so names are taken from the disk: whatever has one is visible.
    artefacts = list(stored(store.root))
    for kind, key, path in artefacts:
        problems += store.verify(Entry(kind, key, path, None))
    shown = sum(1 for _ in store.entries())
    if shown != len(artefacts):
        problems.append(f"{shown} of {len(artefacts)} artefacts are found")
    for name, read in ((ROWS, read_rows), (LEDGER, read_ledger)):
        path = directory / "output" / name
        try:
            if path.exists():
                read(path)
        except ValueError as error:
            problems.append(str(error))
    return len(artefacts), problems


def result_of(directory):
    """Return what must not depend on interruptions: sha256 of every file of every artefact, rows and ledger."""
    store = Store(directory / "store")
    files = {
        f"{kind}/{key[:12]}/{path.relative_to(home).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in _KINDS
        for _, key, home in stored(store.root, kind)
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    }
    rows = read_rows(directory / "output" / ROWS)
    entries = read_ledger(directory / "output" / LEDGER).entries
    return files | {
        "rows": [reproducible_part(row) for row in rows],
        "stored rows": [
            reproducible_part(row) for _, _, home in stored(store.root, "row") for row in read_rows(home / "rows.jsonl")
        ],
        "ledger": [(entry.id, entry.status in SCORED, entry.study) for entry in entries],
    }


def differences(one, other):
    """Return the names under which two results differ."""
    return [f"{name} differs" for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def leftovers(directory):
    """Return what the rerun should have cleared, or should never have been there."""
    root = directory / "store"
    half = [path for path in directory.rglob("*") if path.name.startswith(".tmp-")]
    unfinished = [path for path in (root / "unfinished").rglob("*") if not path.is_dir()]
    return [f"{path.relative_to(directory)} is left" for path in (*half, *unfinished, *root.glob("quarantine/*"))]


def run_trials(directory, count, seed=SEED):
    """Yield `count` trials in which somebody was killed; every third draw kills the rerun too."""
    with Cases() as cases:
        whole = whole_run(cases, directory / "whole")
        for number in itertools.count():
            kills = draw(whole, random.Random(f"{seed} {number}"), 2 if number % 3 == 2 else 1)
            found = trial(cases, directory / "trial", whole, kills)
            shutil.rmtree(directory / "trial")
            # Where the case was faster than usual, the signal came too late.
            if found.hit or found.problems:
                yield found
                count -= 1
            if count == 0:
                return


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _resumed(directory):
    store = Store(directory / "store")
    entries = [entry for kind in ("intermediate", "checkpoint") for entry in store.entries(kind)]
    return sum(bool(entry.manifest.provenance["report"]["resumed_at"]) for entry in entries)


def fork_cases():
    """Run the case in a fork for every directory named on stdin, one after the other."""
    engine = _engine()
    _announce_stages()
    # Not `for line in sys.stdin`, which reads ahead into a buffer that the forks would share.
    while line := sys.stdin.readline():
        if (pid := os.fork()) == 0:
            os._exit(_forked(engine, Path(line.rstrip("\n"))))
        _announce(f"ended {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


def _engine():
    """Return an engine that has drawn its data; its store is a place that is gone."""
    from bench.data.sources import Access
    from bench.engine import Engine, Settings
    from bench.modeling.encoder import load_encoder
    from bench.plan import training_of

    training = training_of(Condition.from_id(CONDITION))
    with tempfile.TemporaryDirectory() as nowhere:
        settings = Settings(
            store=Store(Path(nowhere)),
            failures=Failures(Path(nowhere), "none"),
            access=Access((), hub_allowed=False),
            languages={training: LANGUAGES},
            train_limit=TRAIN_LIMIT,
            eval_limit=EVAL_LIMIT,
            keep_checkpoints=True,
            snapshot_seconds=0.0,
        )
        engine = Engine(settings)
        engine.find(Condition.from_id(CONDITION))
        engine.streams(training)
        recipes = engine.recipes(training)
        _ = recipes.checkpoint_key
    # Imports the model's own module.
    load_encoder(recipes.weights.directory)
    return engine


def _forked(engine, directory):
    _announce(os.getpid())
    try:
        store = Store(directory / "store")
        failures = Failures(store.root, f"process-{os.getpid()}")
        engine.settings = replace(engine.settings, store=store, failures=failures)
        _case(engine, Condition.from_id(CONDITION), directory / "output")
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _case(engine, condition, output):
    """Do what a case of the suites does, but for its invariants."""
    from bench import assembly, work

    inputs = engine.find(condition)
    if inputs is None:
        work.produce(engine, condition, lambda title: None)
        inputs = engine.find(condition)
    stored = assembly.find_rows(engine, assembly.row_key(engine, condition, inputs))
    status = "run" if stored is None else "cached"
    rows = [written_row(row.line()) for row in stored or ()]
    if stored is None:
        inputs = engine.find(condition, hashed=True)
        rows = assembly.make_rows(engine, condition, inputs, lambda test, halves, source: None)
    _announce("write rows")
    update_rows(output / ROWS, rows)
    update_ledger(output / LEDGER, [LedgerEntry(CONDITION, status, "", engine.study(condition.model).digest)])
    _announce("done")


def _announce_stages():
    # What the instrument imports when work starts is imported now, for all forks.
    import bench.assembly
    import bench.modeling.predict
    import bench.training.checkpoint_io
    import bench.training.finetune
    import bench.work

    _wrap(bench.training.finetune, "finetune", "train")
    _wrap(bench.training.checkpoint_io, "save_classifier", "save")
    _wrap(bench.modeling.predict, "predict", "predict")
    _wrap(bench.assembly, "score", "score")
    _wrap_publishing()


def _wrap(owner, name, stage):
    function = getattr(owner, name)

    def wrapped(*arguments, **options):
        _announce(stage)
        return function(*arguments, **options)

    setattr(owner, name, wrapped)


def _wrap_publishing():
    publish = Store.publish

    def wrapped(self, kind, *arguments):
        _announce("write rows" if kind == "row" else "publish")
        return publish(self, kind, *arguments)

    Store.publish = wrapped


def _announce(words):
    print(words, flush=True)


def main(path, count=TRIALS):
    """Run trials and write them to `path`."""
    with tempfile.TemporaryDirectory() as directory:
        trials = []
        for each in run_trials(Path(directory), int(count)):
            trials.append(asdict(each))
            print(len(trials), each.hit, each.resumed, each.problems, flush=True)
        Path(path).write_text(json.dumps(trials, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--fork":
        fork_cases()
    else:
        main(*sys.argv[1:])
