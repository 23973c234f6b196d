"""Numbers as cells: units and decimals are decided here, and what is missing stays visibly missing.

A number that rounds to 0 keeps its sign, since an end of an interval says on which side of 0 it lies.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.report.averages import Spread
from bench.report.tables import MISSING
from bench.rows import Estimate

Format = Callable[[float], str]
# Smaller sizes are what sums of floats leave of 0, and have no sign.
_ZERO = 1e-9


def points(value: float) -> str:
    """A fraction of one in percent points: .7123 as 71.2."""
    return _rounded(100 * value, ".1f")


def signed_points(value: float) -> str:
    """A signed fraction of one in percent points: .0123 as +1.2."""
    return _rounded(100 * value, "+.1f")


def square_points(value: float) -> str:
    """A squared fraction of one in squared percent points: .0012 as 12.0."""
    return _rounded(10_000 * value, ".1f")


def signed_square_points(value: float) -> str:
    """A change of a squared fraction of one in squared percent points: .0012 as +12.0."""
    return _rounded(10_000 * value, "+.1f")


def signed_nats(value: float) -> str:
    """A change of a log loss, or of log odds, with three decimals."""
    return _rounded(value, "+.3f")


def nats(value: float) -> str:
    """A log loss with three decimals."""
    return _rounded(value, ".3f")


def sizes(value: float) -> str:
    """A mean number of classes with two decimals."""
    return _rounded(value, ".2f")


def rate(value: float) -> str:
    """Units a second: one decimal below ten, thousands marked above."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def parameters(count: int) -> str:
    """A number of parameters with three digits: 112896 as 113 k."""
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return str(count)


def cell(value: float | None, form: Format) -> str:
    """The number in that form, or a dash."""
    return MISSING if value is None else form(value)


def spread_cell(spread: Spread | None, form: Format, with_range: bool = False) -> str:
    """The mean over seeds, and on request the range over seeds where there are several."""
    if spread is None:
        return MISSING
    if not with_range or spread.low is None or spread.high is None:
        return form(spread.value)
    return f"{form(spread.value)} ({form(spread.low)} to {form(spread.high)})"


def interval_cell(estimate: Estimate | None, form: Format) -> str:
    """The value and its interval in parentheses, where it has one."""
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return form(estimate.value)
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)})"


def _rounded(value: float, form: str) -> str:
    return format(0.0 if abs(value) < _ZERO else value, form)
