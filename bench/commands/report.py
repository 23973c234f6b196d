"""`crosscal report`: make the reports of a results directory again, without pytest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput
from bench.report.directory import HOLDS, LEDGER, ROWS, read_results, write_reports
from bench.store.location import KINDS

if TYPE_CHECKING:
    from bench.report.figure_list import Reader
    from bench.report.panels import Replicates

SUMMARY = f"rebuild all pages and figures from {ROWS} and {LEDGER}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULTS_DIR", help=f"{HOLDS}; several are one report")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        help="store with the predictions of these rows, for joint intervals in the answer, reliability diagrams and "
        "cascades (default: bounds read off the rows, and no such figures)",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: the one RESULTS_DIR)")


def run(arguments: argparse.Namespace) -> int:
    """Write the reports and print their paths; raises BadInput when there is nothing to report."""
    output = arguments.output or _only(arguments.results)
    rows, ledger = read_results(*arguments.results)
    if arguments.store is None:
        written = write_reports(rows, ledger, output, all_figures=True)
    else:
        read = _reader(arguments.store)
        written = write_reports(rows, ledger, output, _replicates(read), read, all_figures=True)
    for path in written:
        print(path)
    return 0


def _only(directories: list[Path]) -> Path:
    if len(directories) > 1:
        raise BadInput(f"Got {len(directories)} directories, but no --output; say where their common report goes.")
    return directories[0]


def _reader(root: Path) -> Reader:
    # It needs scipy and pyarrow, which no other command is to wait for.
    from bench.store import Store
    from bench.stored_predictions import stored_predictions

    if not root.is_dir():
        raise BadInput(f"Got --store {root}, which is no directory; name the store that the run used.")
    if not any((root / kind).is_dir() for kind in KINDS):
        raise BadInput(f"Got --store {root}, which holds no artefact; name the store that the run used.")
    return stored_predictions(Store(root))


def _replicates(read: Reader) -> Replicates:
    from bench.report.joint_draws import joint_draws

    return joint_draws(read)
