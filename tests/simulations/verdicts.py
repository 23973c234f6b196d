"""How often the three confirmatory tests come to which verdict, where the change over a ladder is known."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bench.statistics.confirmatory import TESTS, Groups, terms_of
from bench.statistics.ladder_slope import Size, between_worlds, ladder_slope
from bench.statistics.panel import Cell, Panel
from bench.statistics.seed_means import Measured
from bench.statistics.slopes import log_sizes
from bench.statistics.verdict import judge

# XLM-R's parameters outside the embeddings.
PARAMETERS = (85e6, 302e6, 2832e6, 9666e6)
SIZES = [Size(f"m{place}", int(each)) for place, each in enumerate(PARAMETERS)]
GROUPS = Groups(("rich",), ("poor",), ("snli",))
SEEDS = 3
# Standard deviation over seeds and standard error over items of a mean transfer, in fractions.
SEED_SPREAD, ITEM_ERROR = 0.01, 0.005
CHANGES = (0.0, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Design:
    """What a test rests on: real sizes (`worlds` 0), each off the line by `spread`, or worlds whose changes differ."""

    title: str
    worlds: int
    spread: float


DESIGNS = (
    Design("four real sizes, .2 points off the line", 0, 0.002),
    Design("four real sizes, 1 point off the line", 0, 0.01),
    Design("three worlds, changes 1 point apart", 3, 0.01),
    Design("five worlds, changes 1 point apart", 5, 0.01),
    Design("five worlds, changes 3 points apart", 5, 0.03),
)


@dataclass(frozen=True)
class Rates:
    """The shares of Q1's verdicts, and of families in which any test has the wrong sign or is decided without cause."""

    design: str
    change: float
    supported: float
    contradicted: float
    nothing: float
    undecided: float
    wrong: float


def verdict_rates(simulations, seed=0, designs=DESIGNS, changes=CHANGES):
    """Return the rates of every design and true change; the change is that of all three tests."""
    return [_rates(design, change, simulations, seed) for design in designs for change in changes]


def verdicts(design, change, generator):
    """Return the three verdicts on one data set."""
    if not design.worlds:
        slopes = _slopes(_line(change) + design.spread * generator.normal(size=len(SIZES)), generator)
        return [one.verdict for one in judge([[each.residual, each.conditional] for each in slopes])]
    worlds = [_slopes(_line(change + design.spread * generator.normal()), generator) for _ in range(design.worlds)]
    return [one.verdict for one in judge([[between_worlds(each)] for each in zip(*worlds, strict=True)])]


def panel(values, generator, item_error=ITEM_ERROR, seed_spread=SEED_SPREAD):
    """Return a panel in which transfer to the rich language after `snli` has `values` by size, all else 0.

    Items shift everything alike within a size, which a difference of two cells does not see.
    """
    cells = {}
    for place, value in enumerate(values):
        shift = item_error * generator.normal()
        for (task, language), mean in {("snli", "rich"): value, ("more", "rich"): 0, ("snli", "poor"): 0}.items():
            for seed in range(SEEDS):
                gap = Measured(mean + shift + seed_spread * generator.normal(), item_error, 1670)
                cells[f"m{place}", task, language, seed] = Cell({}, {"gap": gap})
    return Panel(cells)


def _slopes(values, generator):
    drawn = panel(values, generator)
    return [ladder_slope(drawn, SIZES, terms_of(test, GROUPS)) for test in TESTS]


def _line(change):
    axis = log_sizes(PARAMETERS)
    return change * (axis - axis[0]) / np.ptp(axis)


def _rates(design, change, simulations, seed):
    generator = np.random.default_rng([seed, DESIGNS.index(design), round(1000 * change)])
    found = [verdicts(design, change, generator) for _ in range(simulations)]
    shares = Counter(one[0] for one in found)
    causeless = {"contradicted"} if change > 0 else {"supported", "contradicted"}
    names = ("supported", "contradicted", "equivalent to nothing", "undecided")
    wrong = sum(bool(causeless & set(one)) for one in found)
    return Rates(design.title, change, *(shares[name] / simulations for name in names), wrong / simulations)
