"""`crosscal pocket`: pretrain the pocket models of a world that does not ship, or build those that do again."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.catalog.models import MODELS
from bench.store.location import default_root

SUMMARY = "pretrain pocket models on an artificial world (minutes each on one core)"
_TOKENS = tuple(spec.token for spec in MODELS if spec.family == "pocket")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("action", choices=["build"], help="what to do")
    parser.add_argument("--world", type=int, required=True, metavar="N", help="the world, a number")
    parser.add_argument("--model", choices=_TOKENS, action="append", help="one model (default: all; repeatable)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: pocket/ in the store, where suites look")


def run(arguments: argparse.Namespace) -> int:
    """Build the models and print their directories; raises BadInput for a world or model there cannot be."""
    from bench.pretraining.__main__ import add_head, build

    output = arguments.output or default_root() / "pocket"
    for token in arguments.model or _TOKENS:
        directory = build(arguments.world, token, output)
        add_head(directory, arguments.world)
        print(directory)
    return 0
