"""The table of throughput cases: a line a case, spread over rounds in parentheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

_HEADERS = (
    "model", "weights", "work", "dtype", "tokens/s", "examples/s", "real tokens", "of the peak", "peak memory",
    "attention",
)  # fmt: skip


def throughput_table(found: Sequence[Mapping[str, Any]], style: str = "simple") -> str:
    """Return the cases' `summary` (bench.throughput.measure) as a table in a style of tabulate."""
    return tabulate([_line(each) for each in found], _HEADERS, tablefmt=style, disable_numparse=True)


def _line(one: Mapping[str, Any]) -> list[str]:
    least, largest = min(one["rates"]), max(one["rates"])
    return [
        one["model"],
        one["weights"],
        one["what"],
        one["dtype"],
        f"{one['tokens_per_s']:,.0f} ({least:,.0f} to {largest:,.0f})",
        f"{one['examples_per_s']:,.1f}",
        f"{one['token_share']:.0%}",
        f"{one['utilisation']:.0%}",
        f"{one['peak_memory']['bytes'] / 1e9:.1f} GB",
        one["attention"],
    ]
