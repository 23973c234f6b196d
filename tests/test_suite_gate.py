"""The gate as a user meets it: exit codes, what is printed, what is written."""

import json
import shutil
from xml.etree import ElementTree

import pytest

from bench.store.pins import pins


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the first test leaves its store and baseline for the others."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def baseline(suite, tiny, pytester, kept):
    """A baseline of the six cases of `tiny`, and the store it was measured in."""
    path = pytester.path / "reports" / "tiny.jsonl"
    if (kept / "store").exists():
        shutil.copytree(kept, pytester.path, dirs_exist_ok=True)
        return path
    finished = suite(*tiny, "--baseline", str(path), "--update-baseline")
    assert finished.result.ret == 0
    finished.result.stdout.fnmatch_lines([f"baseline {path}: written, 6 conditions measured, 6 in all"])
    for name in ("store", "reports"):
        shutil.copytree(pytester.path / name, kept / name)
    return path


def test_the_header_holds_no_places(suite, tiny, baseline):
    command = json.loads(baseline.read_text().splitlines()[0])["provenance"]["command"]

    assert command.startswith("pytest suites -p no:cacheprovider --model tiny=tiny ")
    assert command.endswith("--models tiny --languages en,sw --seeds 0 --protocol frugal --update-baseline")


def gated(suite, tiny, baseline, *options, **keywords):
    return suite(*tiny, "--baseline", str(baseline), *options, **keywords)


def changed(path, **changes):
    """Change every condition of a baseline file."""
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *(json.dumps(json.loads(line) | changes) for line in lines)]) + "\n")


def test_a_replay_passes_and_says_so(suite, tiny, baseline, pytester):
    finished = gated(suite, tiny, baseline, "--junitxml", str(pytester.path / "junit.xml"))
    junit = ElementTree.parse(pytester.path / "junit.xml").iter("property")
    found = {each.get("name"): each.get("value") for each in junit}

    assert finished.result.ret == 0
    finished.result.stdout.fnmatch_lines(
        [f"baseline {baseline}: passed (exit code 0)", "tiny-more-xnli *replay *1, 1 * 2 *indistinguishable*"]
    )
    assert (finished.output / "gate.md").read_text().startswith("# Gate: passed (exit code 0)\n")
    assert found["crosscal.gate"] == "passed (exit code 0)"
    assert found["crosscal.gate.indistinguishable"] == "6"


def test_other_bytes_fail(suite, tiny, baseline):
    changed(baseline, logits="0" * 64)
    finished = gated(suite, tiny, baseline)

    assert finished.result.ret == 10
    finished.result.stdout.fnmatch_lines(["*FAILED: something is worse (exit code 10)", "*other bytes in tiny-more*"])


def test_another_recipe_needs_three_seeds(suite, tiny, baseline):
    changed(baseline, recipe="0" * 64)
    finished = gated(suite, tiny, baseline)

    assert finished.result.ret == 11
    finished.result.stdout.fnmatch_lines(["*is not comparable: 1 and 1 seeds, but the spread of trainings needs 3*"])


def test_what_the_user_left_out_does_not_fail(suite, tiny, baseline):
    finished = gated(suite, tiny, baseline, "-k", "none")

    assert finished.result.ret == 0
    finished.result.stdout.fnmatch_lines(["Left out by your selection, 4 conditions: tiny-more-xnli-en-s0, *"])


def test_a_renamed_condition_fails_unless_allowed(suite, tiny, baseline):
    baseline.write_text(baseline.read_text().replace('"id":"tiny-none-xnli-sw-s0"', '"id":"tiny-none-xnli-yy-s0"'))
    finished = gated(suite, tiny, baseline)

    assert finished.result.ret == 11
    finished.result.stdout.fnmatch_lines(["Missing, 1 *no such condition in this grid*: tiny-none-xnli-yy-s0."])
    assert gated(suite, tiny, baseline, "--allow-missing").result.ret == 0


def test_a_skipped_condition_fails_with_its_reason(suite, tiny, baseline, monkeypatch, pytester):
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
    finished = gated(suite, tiny, baseline, "--budget", "0")

    assert finished.result.ret == 11
    finished.result.stdout.fnmatch_lines(["Missing, 6 *skipped: *budget*"])


def test_a_failed_case_speaks_louder(suite, tiny, baseline, monkeypatch, pytester):
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
    monkeypatch.setattr("bench.work.produce", None)

    assert gated(suite, tiny, baseline).result.ret == pytest.ExitCode.TESTS_FAILED
    finished = gated(suite, tiny, baseline, "--update-baseline")
    assert finished.result.ret == pytest.ExitCode.TESTS_FAILED
    finished.result.stdout.fnmatch_lines(["*not written, because 6 cases failed, *"])


def test_workers_tell_what_they_were_left_with(suite, tiny, baseline):
    pytest.importorskip("xdist")
    finished = gated(suite, tiny, baseline, "-n", "2", "-k", "none", subprocess=True)

    assert finished.result.ret == 0
    finished.result.stdout.fnmatch_lines(["Left out by your selection, 4 conditions: *"])


@pytest.mark.usefixtures("baseline")
def test_the_store_keeps_what_a_baseline_needs(pytester):
    (found,) = pins(pytester.path / "store")

    assert found.name.startswith("tiny-")
    # Of the checkpoints all predictions are there, so none is stored any more.
    assert {kind for kind, _ in found.artefacts} >= {"row", "predictions"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--update-baseline"], "Got --update-baseline without a file; name it with --baseline FILE."),
        (
            ["--baseline", "none.jsonl"],
            "Got --baseline none.jsonl, which does not exist; write it with --update-baseline.",
        ),
        (["--baseline", "spoilt.jsonl"], "*spoilt.jsonl, line 1: *"),
        (["--baseline", "spoilt.jsonl", "--margin", "-1"], "Got --margin -1, but a margin is 0 points or more."),
    ],
)
def test_bad_options_end_the_run(suite, tiny, pytester, options, message):
    (pytester.path / "spoilt.jsonl").write_text("{}\n")
    finished = suite(*tiny, *options)

    assert finished.result.ret == pytest.ExitCode.USAGE_ERROR
    finished.result.stderr.fnmatch_lines([f"*{message}"])
