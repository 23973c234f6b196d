"""The command line: `crosscal <subcommand>`, for what needs no pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import __version__
from bench.commands import export, mirror, pocket, report, store
from bench.errors import CrosscalError

BAD_USE = 2


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its name, one line of help, its arguments, and what it does (returns the exit status)."""

    name: str
    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = (
    Command("report", report.SUMMARY, report.configure, report.run),
    Command("export", export.SUMMARY, export.configure, export.run),
    Command("store", store.SUMMARY, store.configure, store.run),
    Command("mirror", mirror.SUMMARY, mirror.configure, mirror.run),
    Command("pocket", pocket.SUMMARY, pocket.configure, pocket.run),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 2, with a message on stderr, for an error that is documented."""
    parsed = _parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        return command.run(parsed)
    except CrosscalError as error:
        print(f"crosscal {command.name}: {error}", file=sys.stderr)
        return BAD_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crosscal", description="Calibration of zero-shot cross-lingual transfer.")
    parser.add_argument("--version", action="version", version=f"crosscal {__version__}")
    subparsers = parser.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.summary, description=command.summary)
        subparser.set_defaults(command=command)
        command.configure(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
