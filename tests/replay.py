"""What a replay costs: `python -m tests.replay DIRECTORY` compares cached conditions with as many empty cases.

Makes a store of conditions without training, and an output directory, in DIRECTORY (or uses what an earlier call left
there); runs the suites on them once to fill the output, then in turn with empty parametrized cases.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from unittest.mock import patch

from bench.assembly import make_rows
from bench.data.sources import Access
from bench.engine import PREDICTIONS_FILE, Engine, Settings
from bench.grids import SMOKE_INTERMEDIATES, Selection, conditions
from bench.plan import languages_by_training, training_of
from bench.predictions import write_predictions
from bench.store import Failures, Store
from bench.store.provenance import collect
from tests.prediction_factory import make_predictions

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "reports" / "published" / "pocket-worlds" / "results.jsonl"
MODELS = ("pocket_xs", "pocket_s", "pocket_m", "pocket_l")
WORLDS = (0, 1, 2)
SCORED = (
    "n", "groups", "metrics", "transfer", "pairing", "calibrator", "prediction_sets", "views", "task_scores", "soft_f1",
)  # fmt: skip
WORK = {
    "predict": {"examples": 900, "tokens": 9000, "seconds": 1.5, "attention": "padded", "halved": 0, "peak_bytes": 0},
    "train": {
        "examples": 9000, "tokens": 90000, "train_seconds": 30.5, "attention": "padded", "vocabulary": 500,
        "micro_batch": 32, "peak_bytes": 0,
    },
    "timing_note": "",
}  # fmt: skip
CASES = "import pytest\n\n\n@pytest.mark.parametrize('number', range({count}))\ndef test_nothing(number):\n    pass\n"

# What a process reports of its own peak counts that of its parent too.
PYTEST = """
import sys, pytest
code = pytest.main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("peak", peak, "KiB")
sys.exit(code)
"""

Cost = namedtuple("Cost", "seconds megabytes output")


def selection(count, models=MODELS, worlds=WORLDS):
    """Return the axes of the pocket models in artificial worlds with as many seeds as give `count` conditions."""
    one = Selection(models=models, worlds=worlds, seeds=(0,))
    seeds = -(-count // len(conditions(one)))
    return Selection(models=models, worlds=worlds, seeds=tuple(range(seeds)))


def fill(store, chosen):
    """Put predictions and rows of all conditions into the store, as if they had been run; return their number."""
    selected = conditions(chosen)
    engine = Engine(
        Settings(Store(store), Failures(store, "replay"), Access(), languages=languages_by_training(selected))
    )
    templates = _templates()
    for condition in selected:
        _publish_predictions(engine, condition)
    for condition in selected:
        own = templates[condition.model, condition.language, condition.seed % 3]
        with patch("bench.assembly.score", lambda test, own=own, **asked: own[asked["recalibration"]]):
            make_rows(engine, condition, engine.find(condition), lambda *parts: None)
    return len(selected)


def _templates():
    """Return what the published rows of each model, language and seed say of its predictions, by recalibration."""
    found = {}
    for line in TEMPLATES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        of = row["condition"]
        scored = found.setdefault((of["model"], of["language"], of["seed"]), {})
        scored[row["recalibration"]] = {name: row[name] for name in SCORED}
    return found


def _publish_predictions(engine, condition):
    training = training_of(condition)
    recipes = engine.recipes(training)
    for read in (recipes.materials.test, recipes.materials.calibrate):
        split = read(training, condition.language)
        key, identity = recipes.predictions_key(split), recipes.predictions_identity(split)
        stated = make_predictions(3, classes=3, split=split.name, language=split.language)
        stated.metadata.update(_metadata(recipes, split))

        def write(directory, stated=stated):
            write_predictions(directory / PREDICTIONS_FILE, stated)

        engine.settings.store.publish("predictions", key, identity, collect("cpu") | WORK, write)


def _metadata(recipes, split):
    return {
        "kind": split.kind,
        "labels": list(split.labels),
        "baseline": {"score": "accuracy", "name": "majority", "value": 1 / 3},
        "digests": {"recipe": recipes.checkpoint_key, "data": split.fingerprint, "weights": recipes.weights.digest},
        "flags": ["artificial", "source_discourse"],
    }


def options(chosen, directory):
    """Return the command line of a run that selects what was put into the store."""
    worlds, seeds = (",".join(map(str, axis)) for axis in (chosen.worlds, chosen.seeds))
    return [
        str(ROOT / "suites"), "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "--device", "cpu",
        "--models", ",".join(chosen.models), "--intermediates", ",".join(SMOKE_INTERMEDIATES),
        "--worlds", worlds, "--seeds", seeds,
        "--store", str(directory / "store"), "--output", str(directory / "output"),
    ]  # fmt: skip


def replay(chosen, directory, count):
    """Run the suites on the store, and return the cost; raises SystemExit unless every condition was cached."""
    cost = run(options(chosen, directory), ROOT, directory)
    if f"{count} of {count} selected cases are scored: run 0, cached {count}," not in cost.output:
        raise SystemExit(f"Not all of {count} conditions were cached; delete {directory}.\n{cost.output[-3000:]}")
    return cost


def nothing(directory, count):
    """Run as many empty cases as there are conditions, with the same plugins, and return the cost."""
    empty = directory / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (empty / "test_nothing.py").write_text(CASES.format(count=count), encoding="utf-8")
    cost = run([str(empty / "test_nothing.py")], empty, directory)
    if f"{count} passed" not in cost.output:
        raise SystemExit(f"Not all of {count} empty cases passed.\n{cost.output[-3000:]}")
    return cost


def run(arguments, place, directory):
    """Run pytest in a process of its own; return seconds of its processors, its peak of memory and what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "CROSSCAL_MIRROR"}
    # Compiled once, as where nothing forbids it, and not into the sources.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"CROSSCAL_HOME": str(directory / "home"), "PYTHONPATH": str(ROOT)}
    environment["PYTHONPYCACHEPREFIX"] = str(directory / "compiled")
    said = directory / "said.txt"
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", PYTEST, "-p", "no:cacheprovider", *arguments],
            cwd=place, env=environment, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    output = said.read_text(encoding="utf-8")
    peak = re.search(r"^peak ([0-9]+) KiB$", output, re.MULTILINE)
    return Cost(used.ru_utime + used.ru_stime, int(peak[1]) / 1024 if peak else 0.0, output)


def summary(count, pairs):
    """Return the lines that say what replays and empty cases took, and how many times as long a replay takes."""
    ratios = [own.seconds / empty.seconds for own, empty in pairs]
    return [
        f"{count} cached conditions: {_spread(own.seconds for own, _ in pairs)} s of processor, "
        f"at most {max(own.megabytes for own, _ in pairs):.0f} MB",
        f"{count} empty cases: {_spread(empty.seconds for _, empty in pairs)} s of processor, "
        f"at most {max(empty.megabytes for _, empty in pairs):.0f} MB",
        f"a replay takes {_spread(ratios)} times as long",
    ]


def _spread(values):
    found = sorted(values)
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def measure(directory, count, rounds, **axes):
    """Fill the store in `directory` unless it is filled, and return the lines of the measurement."""
    chosen = selection(count, **axes)
    number = len(conditions(chosen))
    if not (directory / "store" / "row").exists():
        fill(directory / "store", chosen)
    first = replay(chosen, directory, number)
    pairs = [(replay(chosen, directory, number), nothing(directory, number)) for _ in range(rounds)]
    return [*summary(number, pairs), f"the first replay took {first.seconds:.2f} s, {first.megabytes:.0f} MB"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="where store and output are made or reused")
    parser.add_argument("--conditions", type=int, default=10_000, metavar="N", help="at least so many (default 10,000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="measured rounds (default 3)")
    arguments = parser.parse_args()
    for line in measure(arguments.directory.absolute(), arguments.conditions, arguments.rounds):
        print(line)


if __name__ == "__main__":
    main()
