"""`crosscal report`: make the reports of a results directory again, without pytest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.directory import LEDGER, ROWS, read_results, write_reports

if TYPE_CHECKING:
    from bench.predictions import Predictions
    from bench.report.panels import Replicates

SUMMARY = f"rebuild leaderboard, answer, figures and index.html from {ROWS} and {LEDGER}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("results", type=Path, metavar="RESULTS_DIR", help=f"directory with {ROWS} and {LEDGER}")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        help="store with the predictions of these rows, for joint intervals in the answer (default: bounds from rows)",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: RESULTS_DIR)")


def run(arguments: argparse.Namespace) -> int:
    """Write the reports and print their paths; raises BadInput when there is nothing to report."""
    rows, ledger = read_results(arguments.results)
    replicates = None if arguments.store is None else _replicates(arguments.store)
    for path in write_reports(rows, ledger, arguments.output or arguments.results, replicates):
        print(path)
    return 0


def _replicates(root: Path) -> Replicates:
    # They need scipy and pyarrow, which no other command is to wait for.
    from bench.engine import read_entry
    from bench.report.joint_draws import joint_draws
    from bench.store.store import Store

    if not root.is_dir():
        raise BadInput(f"Got --store {root}, which is no directory; name the store that the run used.")
    store = Store(root)

    def read(key: str) -> Predictions | None:
        entry = store.find("predictions", key, hashed=True)
        return None if entry is None else read_entry(entry)

    return joint_draws(read)
