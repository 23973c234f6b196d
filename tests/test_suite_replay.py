"""A replay writes what changed, and leaves the rest as it lies."""

import json

import pytest

from bench.rows import read_rows, write_rows


def state(output):
    """Return when each file of a directory was written last, and what is in it."""
    files = [path for path in output.iterdir() if path.suffix != ".lock"]
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def replayed(suite, tiny):
    """A run of two languages and its first replay, whose ledger says `cached`."""
    suite(*tiny, "-k", "none")
    return suite(*tiny, "-k", "none")


def test_where_nothing_changed_nothing_is_written(replayed, suite, tiny):
    before = state(replayed.output)
    again = suite(*tiny, "-k", "none")

    assert again.statuses == {"cached": 2}
    again.result.stdout.fnmatch_lines(["*2 of 2 selected cases are scored: run 0, cached 2*", "tiny *none *"])
    assert state(replayed.output) == before


@pytest.mark.parametrize("name", ["leaderboard.md", "index.html", "results.jsonl", "ledger.json"])
def test_what_is_gone_or_damaged_is_written_again(replayed, suite, tiny, name):
    before = {each: content for each, (_, content) in state(replayed.output).items()}
    (replayed.output / name).unlink()
    suite(*tiny, "-k", "none")
    assert {each: content for each, (_, content) in state(replayed.output).items()} == before


def test_a_figure_that_was_changed_is_drawn_again(replayed, suite, tiny):
    (figure,) = replayed.output.glob("degradation-*.svg")
    drawn = figure.read_bytes()
    figure.write_bytes(drawn[:-9])
    suite(*tiny, "-k", "none")
    assert figure.read_bytes() == drawn


def test_a_row_that_changed_is_in_the_reports_again(replayed, suite, tiny):
    path, leaderboard = replayed.output / "results.jsonl", replayed.output / "leaderboard.md"
    rows = read_rows(path)
    for row in rows:
        if row.condition.language == "sw":
            row.data["metrics"]["nll"] |= {"value": 7.125, "low": 7.0, "high": 7.25}
    before = leaderboard.read_text()
    write_rows(path, [type(row)(json.loads(json.dumps(row.data))) for row in rows])
    suite(*tiny, "-k", "none and en")

    assert "7.1" not in before
    assert "7.1" in leaderboard.read_text()


def test_the_terminal_says_the_same_where_nothing_changed(replayed, suite, tiny):
    def said(finished):
        text = finished.result.stdout.str()
        return text[text.index("= crosscal =") : text.index("Written to")]

    again, other = suite(*tiny, "-k", "none"), suite(*tiny, "-k", "none and en")
    assert said(again) == said(replayed)
    assert "2 of 2 selected" in said(again)
    assert "1 of 1 selected" in said(other)
    assert "2 of 2 selected" in said(suite(*tiny, "-k", "none"))


def test_a_row_that_cannot_be_written_is_in_the_summary(suite, tiny):
    first = suite(*tiny, "-k", "none and en")
    results = first.output / "results.jsonl"
    results.write_text("broken\n")
    again = suite(*tiny, "-k", "none and en")

    again.result.stdout.fnmatch_lines(["*1 of 1 selected*", "tiny *none *", "Not written: *line 1: It is no JSON*"])
    assert results.read_text() == "broken\n"


def test_workers_hand_over_what_one_process_does(replayed, suite, tiny):
    before = state(replayed.output)
    suite(*tiny, "-k", "none", "-n", "2", subprocess=True)
    assert state(replayed.output) == before
