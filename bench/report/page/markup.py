"""HTML of text that may hold anything: whatever comes from a row is shown, never read as markup."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from bench.report.flags import mark_number
from bench.report.parts import Table
from bench.report.tables import visible

NOTES = "notes"
# Columns that say which line a row is; they stay in sight when a table is scrolled sideways.
ROW_HEADERS = ("model", "intermediate", "language")
_CODE = re.compile(r"`([^`]*)`")
# What would end a script element, or is no character of a JavaScript string.
_IN_SCRIPT = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def shown(text: str) -> str:
    """Return `text` as HTML that shows it literally, in an element or a quoted attribute."""
    return html.escape(visible(text))


def prose(text: str) -> str:
    """Return prose, in which backticks mark code, as the content of a paragraph."""
    return _CODE.sub(r"<code>\1</code>", shown(text))


def script_json(value: Any) -> str:
    """Return `value` as JSON that can stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT)


def table_html(table: Table, slug: str, name: str = "") -> str:
    """Return a table in its own scrolling box; `slug` is the section whose notes its marks link to."""
    label = shown(name or table.caption or table.headers[0])
    rows = "\n".join(_row(table, row, slug) for row in table.rows)
    return (
        f'<div class="box" tabindex="0" role="region" aria-label="{label}"><table class="sortable">\n'
        f"<thead><tr>{headers_html(table)}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def headers_html(table: Table) -> str:
    """Return the cells of the head."""
    return "".join(
        f'<th scope="col"{_classes(header, place < table.left)}>{shown(header)}</th>'
        for place, header in enumerate(table.headers)
    )


def _row(table: Table, row: list[str], slug: str) -> str:
    cells = (
        _cell(header, cell, place < table.left, slug)
        for place, (header, cell) in enumerate(zip(table.headers, row, strict=True))
    )
    return f"<tr>{''.join(cells)}</tr>"


def _cell(header: str, text: str, words: bool, slug: str) -> str:
    if header in ROW_HEADERS and words:
        return f'<th scope="row"{_classes(header, words)}>{shown(text)}</th>'
    content = _marks(text, slug) if header == NOTES else shown(text)
    return f"<td{_classes(header, words)}>{content}</td>"


def _classes(header: str, words: bool) -> str:
    names = [*([header] if header in ROW_HEADERS and words else []), *(["w"] if words else [])]
    return f' class="{" ".join(names)}"' if names else ""


def _marks(text: str, slug: str) -> str:
    return " ".join(f'<a href="#{slug}-note-{mark_number(mark)}">{mark}</a>' for mark in text.split())
