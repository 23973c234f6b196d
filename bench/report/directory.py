"""A results directory: rows and ledger, and the reports that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.claims import claims_page
from bench.report.fidelity import fidelity_page
from bench.report.figures import degradation_figure
from bench.report.language_table import languages_of
from bench.report.leaderboard import contents, markdown
from bench.report.ledger import Ledger, read_ledger
from bench.report.page.page import write_page
from bench.report.sections import sections
from bench.rows import Row, read_rows
from bench.small_files import replace_text

if TYPE_CHECKING:
    from bench.report.panels import Replicates

ROWS = "results.jsonl"
LEDGER = "ledger.json"
LEADERBOARD = "leaderboard.md"
ANSWER = "answer.md"
CONTRASTS = "contrasts.md"
CLAIMS = "claims.md"
FIDELITY = "fidelity.md"


def read_results(directory: Path) -> tuple[list[Row], Ledger]:
    """Return the rows and the ledger of a results directory; either file may be missing, not both."""
    rows, ledger = directory / ROWS, directory / LEDGER
    if not rows.exists() and not ledger.exists():
        raise BadInput(f"{directory} holds neither {ROWS} nor {LEDGER}; name the output directory of a run.")
    return read_rows(rows) if rows.exists() else [], read_ledger(ledger) if ledger.exists() else Ledger()


def write_reports(
    rows: Sequence[Row], ledger: Ledger, output: Path, replicates: Replicates | None = None
) -> list[Path]:
    """Write pages, a figure a section, and the page in HTML that shows them to `output`; return their paths.

    `replicates` gives the answer joint intervals; without, they are bounds that are read off the rows.
    """
    # It needs scipy, which no command is to wait for that makes no report.
    from bench.report.answer import answer
    from bench.report.contrasts import contrasts

    languages = languages_of(rows)
    found = contents(rows, ledger, languages)
    pages = {
        LEADERBOARD: markdown(found),
        ANSWER: answer(rows, ledger, languages, replicates),
        CONTRASTS: contrasts(rows, ledger, languages, replicates),
        CLAIMS: claims_page(rows),
        FIDELITY: fidelity_page(rows),
    }
    paths = [output / name for name in pages]
    for path, text in zip(paths, pages.values(), strict=True):
        replace_text(path, text)
    for section in sections(rows, ledger, languages):
        paths.append(output / f"degradation-{section.slug}.svg")
        degradation_figure(section, paths[-1])
    data = [path for path in (output / ROWS, output / LEDGER) if path.exists()]
    return [*paths, write_page(found, output, [*paths, *data])]
