"""`crosscal export`: the rows of a results directory in the shapes that other tools read."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.report.coverage import mark_earlier
from bench.report.directory import HOLDS, read_results
from bench.report.language_table import languages_of
from bench.report.sections import sections

SUMMARY = "write rows as Parquet, or as metadata for model cards"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("results", type=Path, metavar="RESULTS_DIR", help=HOLDS)
    parser.add_argument("--format", choices=("parquet", "model-index"), required=True, help="what to write")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="the Parquet file, or the directory of the cards (default: results.parquet, model-cards in RESULTS_DIR)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the export and print its paths; raises BadInput where there are no rows or it cannot be written."""
    from bench.export.model_index import write_model_cards
    from bench.export.parquet import write_parquet

    rows, ledger = read_results(arguments.results)
    marked = mark_earlier(rows, ledger)
    if arguments.format == "parquet":
        paths = [arguments.output or arguments.results / "results.parquet"]
        write_parquet(marked, paths[0])
    else:
        found = sections(marked, ledger, languages_of(rows))
        paths = write_model_cards(found, arguments.output or arguments.results / "model-cards")
    for path in paths:
        print(path)
    return 0
