"""Markdown tables of cells that are already text, whatever text that is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tabulate import tabulate

MISSING = "–"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# An underscore inside a word is none of Markdown's, and tokens are full of them.
_MARKDOWN = re.compile(r"([\\|`*\[\]~$]|(?<![^\W_])_|_(?![^\W_]))")
# GitHub makes links of bare addresses too.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
# What makes a heading, a list, a rule or an indented block of a line that starts so.
_LINE_START = re.compile(r"^(\d{0,9})((?:#{1,6}|[-+=]+|[.)])(?:\s|$)|-(?:\s*-)+\s*$)")


def visible(text: str) -> str:
    """Return `text` on one line: white space as blanks, control and direction characters as U+FFFD."""
    blanked = re.sub(r"[\t\r\n]+", " ", text)
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _INVISIBLE else c for c in blanked)


def escaped(text: str) -> str:
    """Return `text` as Markdown that shows it literally, in a line of its own too: no HTML, no pipe, no link."""
    return _LINE_START.sub(r"\g<1>\\\g<2>", _inline(text).strip())


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a pipe table of escaped cells, the first `left` columns aligned left and the others right."""
    titles = [_inline(title) for title in headers]
    return _table(titles, [[_inline(cell) for cell in row] for row in rows], left, "pipe")


def terminal_table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return the lines of a plain table for a terminal, aligned as `markdown_table` does."""
    titles = [visible(title) for title in headers]
    return _table(titles, [[visible(cell) for cell in row] for row in rows], left, "simple").splitlines()


def _inline(text: str) -> str:
    html = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ADDRESS.sub(r"\\", _MARKDOWN.sub(r"\\\1", html))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int, style: str) -> str:
    align = ["left"] * left + ["right"] * (len(headers) - left)
    # Without disable_numparse tabulate reads "0.10" as a number and prints 0.1.
    return str(tabulate(rows, headers=headers, tablefmt=style, colalign=align, disable_numparse=True))
