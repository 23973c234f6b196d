"""The terminal's summary of the last run, noted so that a replay need not read its rows."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench.canonical import canonical_json
from bench.errors import BadInput
from bench.small_files import read_text, replace_text
from bench.strict_json import parse_json

NOTE = ".summary.json"


def noted_summary(output: Path, of: str) -> list[str] | None:
    """Return the lines noted in `output` for what has the digest `of`, None where there are none."""
    try:
        noted = parse_json(read_text(output / NOTE))
        return [str(line) for line in noted["lines"]] if noted["of"] == of else None
    except (BadInput, ValueError, TypeError, KeyError):
        return None


def note_summary(output: Path, of: str, lines: list[str]) -> None:
    """Note `lines` for what has the digest `of`; where that cannot be written, they are made again next time."""
    with contextlib.suppress(BadInput):
        replace_text(output / NOTE, canonical_json({"of": of, "lines": lines}) + "\n")
