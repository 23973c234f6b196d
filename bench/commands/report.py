"""`crosscal report`: make the reports of a results directory again, without pytest."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.report.directory import LEDGER, ROWS, read_results, write_reports

SUMMARY = f"rebuild leaderboard, figures and index.html from {ROWS} and {LEDGER}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("results", type=Path, metavar="RESULTS_DIR", help=f"directory with {ROWS} and {LEDGER}")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: RESULTS_DIR)")


def run(arguments: argparse.Namespace) -> int:
    """Write the reports and print their paths; raises BadInput when there is nothing to report."""
    rows, ledger = read_results(arguments.results)
    for path in write_reports(rows, ledger, arguments.output or arguments.results):
        print(path)
    return 0
