"""`crosscal mirror`: make what a mirror can hold of what it cannot."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "convert a model's pickled weights to safetensors, for a mirror or --model"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    parser.add_argument("action", choices=["convert"], help="what to do")
    parser.add_argument(
        "source", type=Path, metavar="SOURCE_DIR", help="directory with pytorch_model.bin or its shards"
    )
    parser.add_argument("target", type=Path, metavar="TARGET_DIR", help="directory to make, which must not exist")


def run(arguments: argparse.Namespace) -> int:
    """Convert the model and print its new directory; raises BadInput or DataError as `bench.convert.convert`."""
    from bench.convert import convert

    print(convert(arguments.source, arguments.target))
    return 0
