"""A results directory: rows and ledger, and the reports that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.claims import claims_page
from bench.report.fidelity import fidelity_page
from bench.report.figure_list import (
    Reader,
    answer_drawings,
    draw_figures,
    drawings,
    drawn_before,
    everything_wanted,
    figures_page,
)
from bench.report.language_table import languages_of
from bench.report.leaderboard import contents, markdown
from bench.report.ledger import SCORED, Ledger, read_ledger
from bench.report.page.page import write_page
from bench.report.sections import sections
from bench.rows import Key, Row, read_rows
from bench.small_files import replace_text

if TYPE_CHECKING:
    from bench.report.panels import Replicates

ROWS = "results.jsonl"
PACKED = "results*.jsonl.gz"
LEDGER = "ledger.json"
HOLDS = f"directory with {ROWS} (or {PACKED}) and {LEDGER}"
LEADERBOARD = "leaderboard.md"
ANSWER = "answer.md"
CONTRASTS = "contrasts.md"
CLAIMS = "claims.md"
FIDELITY = "fidelity.md"
FIGURES = "figures.md"


def read_results(*directories: Path) -> tuple[list[Row], Ledger]:
    """Return the rows and the ledger of one or more results directories, taken together.

    Raises BadInput where one lacks both, or the rows of cases that are scored, or where files repeat a row.
    """
    entries = [entry for directory in directories for entry in _checked_ledger(directory).entries]
    # Which directory is the later one is not known: what is scored in one of them is scored.
    entries.sort(key=lambda entry: entry.status in SCORED)
    rows = _rows_of([file for directory in directories for file in row_files(directory)])
    return rows, Ledger().merged(entries)


def _checked_ledger(directory: Path) -> Ledger:
    rows, ledger = row_files(directory), directory / LEDGER
    if not rows and not ledger.exists():
        raise BadInput(f"{directory} holds neither {ROWS} nor {LEDGER}; name the output directory of a run.")
    found = read_ledger(ledger) if ledger.exists() else Ledger()
    scored = sum(entry.status in SCORED for entry in found.entries)
    if scored and not rows:
        raise BadInput(
            f"{directory} holds no {ROWS}, but {LEDGER} has {scored} scored case(s); restore it, or run them again."
        )
    return found


def row_files(directory: Path) -> list[Path]:
    """Return the files with the rows of a results directory: `results.jsonl`, or without it all `results*.jsonl.gz`."""
    rows = directory / ROWS
    return [rows] if rows.exists() else sorted(directory.glob(PACKED))


def _rows_of(files: Sequence[Path]) -> list[Row]:
    found: dict[Key, tuple[Row, Path]] = {}
    for file in files:
        for row in read_rows(file):
            if row.key in found:
                raise _repeated(row, found[row.key][1], file)
            found[row.key] = row, file
    return [found[key][0] for key in sorted(found)]


def _repeated(row: Row, first: Path, second: Path) -> BadInput:
    if first.parent == second.parent:
        return BadInput(f"{second} repeats the row of {row.id} in {first.name}; delete one of them.")
    return BadInput(f"{second} repeats the row of {row.id} in {first}; name directories that have no row in common.")


def write_reports(
    rows: Sequence[Row],
    ledger: Ledger,
    output: Path,
    replicates: Replicates | None = None,
    read: Reader | None = None,
    all_figures: bool = False,
) -> list[Path]:
    """Write pages, figures, and the page in HTML that shows them to `output`; return their paths.

    `replicates` gives the answer joint intervals; without, they are bounds that are read off the rows. Without
    `all_figures` only the answer and degradation are drawn, and anew whatever is there already; `read` reads the
    predictions of a key, for the figures that need them.
    """
    # It needs scipy, which no command is to wait for that makes no report.
    from bench.report.analysis import analyse
    from bench.report.answer import answer
    from bench.report.contrasts import contrasts
    from bench.report.equal_accuracy import curves

    languages = languages_of(rows)
    found = contents(rows, ledger, languages)
    analysis = analyse(rows, ledger, languages, replicates)
    curve = None if read is None else curves(read)
    pages = {
        LEADERBOARD: markdown(found),
        ANSWER: answer(analysis, curve),
        CONTRASTS: contrasts(analysis, curve),
        CLAIMS: claims_page(rows),
        FIDELITY: fidelity_page(rows),
    }
    wanted = everything_wanted if all_figures else drawn_before(output)
    of_rows = drawings(rows, sections(rows, ledger, languages), read, wanted)
    figures = draw_figures(chain(answer_drawings(analysis.families), of_rows), output, all_figures)
    if all_figures or (output / FIGURES).exists():
        pages[FIGURES] = figures_page(figures)
    for name, text in pages.items():
        replace_text(output / name, text)
    paths = [*(output / name for name in pages), *figures]
    data = [path for path in (*row_files(output), output / LEDGER) if path.exists()]
    # The page shows the drawings themselves, and needs no links to them as images.
    shown = [path for path in (*paths, *data) if path.suffix != ".png"]
    return [*paths, write_page(found, output, shown)]
