"""Notes beside stored rows tell what the rows themselves say, and lead to their lines."""

import json

import pytest

from bench.errors import Corrupt
from bench.rows import written_row
from bench.stored_rows import from_plain, noted, notes_of, stored_rows, write_stored_rows
from tests.row_factory import make_row


@pytest.fixture
def rows():
    return [make_row(flags=["subset", "at_chance"]), make_row(recalibration="ts_en", nll=0.5)]


@pytest.fixture
def stored(rows, tmp_path):
    write_stored_rows(tmp_path, rows)
    return stored_rows(tmp_path, json.loads(json.dumps(notes_of(rows))))


def test_what_is_told_is_what_the_rows_say(rows, stored):
    assert [note.key for note in stored] == [row.key for row in rows]
    assert [note.flags for note in stored] == [("at_chance", "subset"), ()]
    assert [note.n for note in stored] == [row.n for row in rows]
    for note, row in zip(stored, rows, strict=True):
        assert note.metrics
        assert note.metrics == {name: row.metric(name).value for name in note.metrics}


def test_a_metric_that_is_not_defined_is_not_told():
    row = make_row()
    row.data["metrics"]["nll"] = None
    assert "nll" in noted(make_row()).metrics
    assert "nll" not in noted(row).metrics


def test_lines_are_read_when_they_are_asked_for(rows, stored):
    assert [note.line() for note in stored] == [row.line for row in rows]
    assert [noted(row).line() for row in rows] == [row.line for row in rows]


def test_a_line_that_went_away_is_missed(rows, stored, tmp_path):
    write_stored_rows(tmp_path, rows[:1])

    assert stored[0].line() == rows[0].line
    with pytest.raises(Corrupt, match=r"has lost the row of .* since it was found; run again"):
        stored[1].line()


def test_notes_travel_as_json(rows, stored):
    for note in (*stored, *map(noted, rows)):
        back = from_plain(json.loads(json.dumps(note.plain())))
        assert back == note
        assert back.line() == note.line()


def test_a_further_flag_is_in_note_and_line(rows, stored):
    flagged = stored[1].with_flag("other_provenance")
    again = flagged.with_flag("other_provenance")

    assert flagged.flags == again.flags == ("other_provenance",)
    assert written_row(flagged.line()).flags == ("other_provenance",)
    assert flagged.key == stored[1].key
    assert flagged.digest == again.digest != stored[1].digest
