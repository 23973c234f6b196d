"""The tables behind the paragraph: the three tests, and the quantity of each at every size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.catalog.ladders import SIZES_FOR_A_VERDICT
from bench.report.cells import Format, signed_nats, signed_points, signed_square_points
from bench.report.exploratory import Exploratory
from bench.report.size_tests import Family, Outcome
from bench.report.tables import MISSING, markdown_table
from bench.statistics.ladder_slope import LadderSlope
from bench.statistics.seed_means import SeedMean
from bench.statistics.t_estimate import TEstimate

BOUND = (
    "The part of the items in these errors is the most it can be, read off the intervals of rows; "
    "`crosscal report --store DIR` takes it from the stored predictions."
)


def tests_table(family: Family) -> str:
    """Return one row a test: its change, the intervals it was judged by, p-values, verdict, and what it lacks."""
    return markdown_table(
        ["test", "change", *_units(family), "p (Holm)", "p equivalent", "verdict", "lacks"],
        [_test(family, one) for one in family.outcomes],
        left=1,
    )


def levels_tables(family: Family) -> list[str]:
    """Return the tables of each test's quantity at every size and between neighbours; empty without a slope."""
    slopes = [(one.test, world, slope) for one in family.outcomes for world, slope in one.slopes]
    if not slopes:
        return []
    headers = ["test", "world", *family.models, "change", "per tenfold"]
    return [markdown_table(headers, [_levels(family, *each) for each in slopes], left=2), _adjacent(family)]


def exploratory_table(found: Sequence[Exploratory]) -> str:
    """Return one row a quantity: its change with the interval of each estimate, and the adjusted p."""
    return markdown_table(["quantity", "change", "95 %", "p (BH)"], [_explored(one) for one in found], left=1)


def form_of(metric: str) -> Format:
    """Return the unit in which a change of `metric` is written."""
    if metric in ("nll", "ts_loss", "accuracy_log_odds"):
        return signed_nats
    return signed_square_points if metric == "l2sq15" else signed_points


def estimate_cell(estimate: TEstimate | None, item_only: bool = False, form: Format = signed_points) -> str:
    """Return value and 95 % interval, a dash where there is nothing, the value alone without an error."""
    if estimate is None:
        return MISSING
    low, high = estimate.interval()
    if math.isnan(low):
        return form(estimate.value)
    mark = ", items" if item_only else ""
    return f"{form(estimate.value)} ({form(low)} to {form(high)}{mark})"


def _explored(one: Exploratory) -> list[str]:
    form = form_of(one.metric)
    ends = [each.interval() for each in one.estimates]
    interval = f"{form(min(low for low, _ in ends))} to {form(max(high for _, high in ends))}" if ends else MISSING
    return [one.title, form(one.change), interval, p_cell(one.p)]


def p_cell(value: float) -> str:
    """Return a p-value with three decimals, a dash where there is none."""
    return MISSING if math.isnan(value) else "< .001" if value < 0.001 else f"{value:.3f}"


def _units(family: Family) -> list[str]:
    return ["95 % items and seeds", "95 % checkpoints"] if family.real else ["95 % worlds"]


def _test(family: Family, one: Outcome) -> list[str]:
    judged = [p_cell(one.judged.p), p_cell(one.judged.p_equivalent), one.judged.verdict, "; ".join(one.lacks)]
    change = signed_points(one.change) if one.slopes else MISSING
    return [one.test, change, *_intervals(family, one), *judged]


def _intervals(family: Family, one: Outcome) -> list[str]:
    if not family.real:
        return [_interval(one.over_worlds)]
    if not one.slopes:
        return [MISSING, MISSING]
    slope = one.slopes[0][1]
    return [_interval(slope.conditional, item_only=slope.seeds == 1), _interval(slope.residual)]


def _interval(estimate: TEstimate | None, item_only: bool = False) -> str:
    low, high = (math.nan, math.nan) if estimate is None else estimate.interval()
    mark = ", items" if item_only else ""
    return MISSING if math.isnan(low) else f"{signed_points(low)} to {signed_points(high)}{mark}"


def _levels(family: Family, test: str, world: str, slope: LadderSlope) -> list[str]:
    levels = {size.model: level for size, level in zip(slope.sizes, slope.levels, strict=True)}
    most = max(level.seeds for level in slope.levels)
    cells = [_level(levels[token], most) if token in levels else MISSING for token in family.models]
    # Two sizes a factor of two apart say nothing of ten.
    tenfold = signed_points(slope.tenfold) if len(slope.sizes) >= SIZES_FOR_A_VERDICT else MISSING
    return [test, world, *cells, estimate_cell(slope.conditional, slope.seeds == 1), tenfold]


def _level(level: SeedMean, most: int) -> str:
    # A seed at chance is left out, and what is left is a mean of survivors.
    lost = f" of {level.seeds} seeds" if level.seeds < most else ""
    return f"{estimate_cell(level.estimate, level.item_only)}{lost}"


def _adjacent(family: Family) -> str:
    """Return the table of the differences between each size and the next larger one that has the quantity."""
    rows = [
        [one.test, world, f"{low} to {high}", estimate_cell(difference.estimate, difference.item_only)]
        for one in family.outcomes
        for world, slope in one.slopes
        for low, high, difference in slope.adjacent
    ]
    return markdown_table(["test", "world", "neighbours", "difference"], rows, left=3)
