"""The terminal's summary is noted for what it was made of, and for nothing else."""

import pytest

from bench.report.noted_summary import NOTE, note_summary, noted_summary

LINES = ["2 of 2 selected cases are scored: run 0, cached 2.", "ü | 1.0"]


def test_lines_are_found_for_what_they_were_made_of(tmp_path):
    note_summary(tmp_path, "this", LINES)
    assert noted_summary(tmp_path, "this") == LINES
    assert noted_summary(tmp_path, "that") is None


@pytest.mark.parametrize(
    "content", [b"", b"3", b"[]", b"{}", b'{"of": "this"}', b'{"of": "this", "lines": 3}', b"\xff"]
)
def test_a_note_that_is_none_is_not_believed(tmp_path, content):
    (tmp_path / NOTE).write_bytes(content)
    assert noted_summary(tmp_path, "this") is None


def test_what_cannot_be_noted_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    note_summary(tmp_path / "file", "this", LINES)
    assert noted_summary(tmp_path / "file", "this") is None
