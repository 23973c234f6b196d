"""Baseline files: one condition a line, written to be diffed, read with suspicion."""

import json

import pytest

from bench.errors import BadInput
from bench.gate.baseline import Baseline, read_baseline, updated, write_baseline
from tests.test_gate import one

OLD = {each.id: each for each in (one("en"), one("sw"), one("tr"))}


@pytest.fixture
def path(tmp_path):
    write_baseline(tmp_path / "pocket.jsonl", Baseline(OLD, {"command": "pytest suites"}))
    return tmp_path / "pocket.jsonl"


def test_a_file_reads_back_equal(path):
    found = read_baseline(path)

    assert dict(found.conditions) == OLD
    assert found.provenance == {"command": "pytest suites"}


def test_a_change_of_one_condition_is_a_change_of_one_line(path):
    before = path.read_text().splitlines()
    changed = OLD["xlmr_base-none-xnli-sw-s0"].id
    write_baseline(path, updated(read_baseline(path), [one("sw", score=0.1)], [], {"command": "pytest suites"}))
    after = path.read_text().splitlines()

    assert [json.loads(line)["id"] for line, old in zip(after, before, strict=True) if line != old] == [changed]


def test_an_update_keeps_what_was_not_run_and_drops_what_is_gone():
    gone = "xlmr_base-none-xnli-tr-s0"
    found = updated(Baseline(OLD), [one("zh")], [gone], {})

    assert set(found.conditions) == {*OLD, "xlmr_base-none-xnli-zh-s0"} - {gone}
    assert set(updated(None, [one("zh")], [], {}).conditions) == {"xlmr_base-none-xnli-zh-s0"}


LINE = '{"id":"x"}'


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lines: [], "is empty; write a baseline with --baseline"),
        (
            lambda lines: lines[1:],
            "line 1: The first line of a baseline is an object with baseline 'crosscal baseline'",
        ),
        (
            lambda lines: [lines[0].replace('"schema":1', '"schema":2')],
            "line 1: Got schema=2, but this version reads 1",
        ),
        (lambda lines: [*lines, LINE], "line 5: Got a condition that does not fit (KeyError"),
        (lambda lines: [*lines, lines[1]], "line 5: It repeats xlmr_base-none-xnli-en-s0."),
        (lambda lines: [*lines, "{"], "line 5: "),
        (lambda lines: [lines[0], lines[1].replace("-en-", "-EN-")], "line 2: Got a condition that does not fit"),
        (lambda lines: [lines[0], lines[1].replace("5010", '"many"')], "line 2: Got a condition that does not fit"),
    ],
    ids=["empty", "headless", "later", "foreign", "twice", "broken", "id", "type"],
)
def test_a_file_that_does_not_fit_is_named_with_the_way_out(path, spoil, message):
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    with pytest.raises(BadInput) as raised:
        read_baseline(path)

    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)
    assert "--update-baseline" in str(raised.value)
