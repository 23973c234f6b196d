"""Parts of a report before they are Markdown or HTML: a title, prose, tables of cells that are text, a list."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report.tables import escaped, markdown_table


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text cells; the first `left` columns hold words. A `caption` tells tables of one part apart."""

    headers: list[str]
    rows: list[list[str]]
    left: int
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A titled part: its prose (Markdown of backticks at most), its tables, and the items of a list."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.tables or self.items)


def tabled(title: str, table: Table | None, text: str = "") -> Part:
    """Return a part with that table; without one it is empty, and no report shows it."""
    return Part(title) if table is None else Part(title, text, (table,))


def markdown_part(part: Part, level: int) -> list[str]:
    """Return the blocks of a part with its heading at that level; none for an empty part."""
    if not part:
        return []
    blocks = [f"{'#' * level} {part.title}"] if part.title else []
    blocks += [part.text] if part.text else []
    for table in part.tables:
        blocks += [f"{'#' * (level + 1)} {table.caption}"] if table.caption else []
        blocks.append(markdown_table(table.headers, table.rows, table.left))
    return [*blocks, *(["\n".join(f"- {escaped(item)}" for item in part.items)] if part.items else [])]
