"""How often 95 % intervals hold the truth: of metrics, of contrasts, over seeds, and of the plug-in error."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.calibration.metrics import METRICS
from bench.statistics.bootstrap import draws
from bench.statistics.contrasts import difference_in_differences, resample, transfer
from bench.statistics.intervals import acceleration, basic, bias_corrected, percentile
from bench.statistics.seeds import over_seeds, seed_estimate
from bench.statistics.sufficient import group_sums, jackknife_values, replicate_values
from tests.simulations.populations import NO_EFFECT, Condition, SeedEffect, draw, truth

NAMES = ("gap", "accuracy", "nll", "brier", "l2sq15")
# Target and source with an intermediate task, then both without it.
CONDITIONS = (Condition(1.5, 1.5), Condition(2.0, 1.3), Condition(1.5, 1.35), Condition(2.0, 1.25))
CONTRASTS = {
    "target": (1, 0, 0, 0),
    "source": (0, 1, 0, 0),
    "transfer": (1, -1, 0, 0),
    "difference in differences": (1, -1, -1, 1),
}
# What seeds do is chosen so that their standard deviation is about that many times the standard error over items.
EFFECTS = {0.5: SeedEffect(noise=0.15, heat=0.04), 2.0: SeedEffect(noise=0.6, heat=0.16)}
SEEDS = (3, 5)
GROUPS = 300
# As many premises as XNLI's test set has.
ALL_GROUPS = 1670
REPLICATES = 500

# Of normal numbers: seeds, their standard deviation in standard errors over items, and which part of the item variance
# is each seed's own.
NORMAL_SEEDS = (2, 3, 5, 10)
NORMAL_RATIOS = (0.0, 0.5, 1.0, 2.0, 4.0)
INTERACTION = 0.5
# Small enough for no interval to reach the end of the metric's range.
UNIT = 0.001

# A calibrated model, one near calibration, and one with a true ECE of about 5 points.
PLUG_IN = {"calibrated": Condition(1.5, 1.0), "near": Condition(1.5, 1.06), "5 points": Condition(1.5, 1.33)}


@dataclass(frozen=True)
class Cell:
    """One kind of interval: `ratio` is the standard deviation over seeds in standard errors over items, as measured."""

    groups: int
    of: str
    metric: str
    seeds: int
    aimed: float
    ratio: float
    truth: float
    coverage: float


def coverage(simulations, groups=GROUPS, all_groups=ALL_GROUPS, replicates=REPLICATES, seed=0, size=200_000):
    """Return the cells of one seed without a seed effect, of three and five seeds with two sizes of it (`groups`)."""
    cells = _cells(simulations, (1,), 0.0, groups, replicates, seed, size)
    cells += _cells(simulations, (1,), 0.0, all_groups, replicates, seed, size)
    for aimed in EFFECTS:
        cells += _cells(simulations, SEEDS, aimed, groups, replicates, seed, size)
    return cells


def _cells(simulations, numbers, aimed, groups, replicates, seed, size):
    effect = EFFECTS.get(aimed, NO_EFFECT)
    truths = [truth(condition, effect, size) for condition in CONDITIONS]
    limits, spread = defaultdict(list), defaultdict(list)
    for turn in range(simulations):
        runs = _runs(max(numbers), effect, groups, replicates, [seed, int(10 * aimed), turn])
        for of, name in product(CONTRASTS, NAMES):
            spread[of, name].append((runs[0][of].values[name], runs[0][of].replicates[name].var()))
        for seeds, of in product(numbers, CONTRASTS):
            for name, (low, high) in _intervals([run[of] for run in runs[:seeds]]).items():
                limits[seeds, of, name].append((low, high))
    cells = []
    for seeds, of, name in product(numbers, CONTRASTS, NAMES):
        right = float(sum(factor * each[name] for factor, each in zip(CONTRASTS[of], truths, strict=True)))
        held = float(np.mean([low <= right <= high for low, high in limits[seeds, of, name]]))
        ratio = seed_ratio(spread[of, name]) if aimed else 0.0
        cells.append(Cell(groups, of, name, seeds, aimed, ratio, right, held))
    return cells


def seed_ratio(one_seed):
    """Return the standard deviation over seeds by the standard error over items, from (value, variance) of one seed."""
    values, variances = np.array(one_seed).T
    return float(np.sqrt(max(values.var(ddof=1) / variances.mean() - 1, 0)))


def _runs(seeds, effect, groups, replicates, key):
    """Return for each seed of one simulation its metrics and contrasts, resampled."""
    outcomes = draw(CONDITIONS, groups, seeds, effect, np.random.default_rng(key))
    return [_contrasts([resample(each, replicates, key[-1], metrics=NAMES) for each in run]) for run in outcomes]


def _intervals(runs):
    return {name: (each.estimate.low, each.estimate.high) for name, each in over_seeds(runs).items()}


def _contrasts(resampled):
    target, source, _, _ = resampled
    return {
        "target": target,
        "source": source,
        "transfer": transfer(target, source),
        "difference in differences": difference_in_differences(*resampled),
    }


@dataclass(frozen=True)
class Normal:
    """How often the interval over seeds holds the mean where all that varies is normal and items are known exactly."""

    seeds: int
    ratio: float
    coverage: float


def normal(simulations, seed=0):
    """Return the coverage of `seed_estimate` for normal seeds and items: what the rule itself does."""
    generator = np.random.default_rng([seed, simulations])
    return [_normal(seeds, ratio, simulations, generator) for seeds in NORMAL_SEEDS for ratio in NORMAL_RATIOS]


def _normal(seeds, ratio, simulations, generator):
    scales = UNIT * np.sqrt([1 - INTERACTION, *[INTERACTION] * seeds])
    replicates = normal_replicates(scales, GROUPS)
    common = scales[0] * generator.normal(size=(simulations, 1))
    own = scales[1] * generator.normal(size=(simulations, seeds))
    values = common + own + UNIT * ratio * generator.normal(size=(simulations, seeds))
    made = [seed_estimate(METRICS["gap"], each, replicates, GROUPS).estimate for each in values]
    return Normal(seeds, ratio, float(np.mean([each.low <= 0 <= each.high for each in made])))


def normal_replicates(scales, groups):
    """Return (S, B) replicates whose parts, one common to all seeds and one of each, have exactly these scales."""
    parts = len(scales)
    # Orthogonal rows of mean 0 and variance 1, less what the library adds for drawing from few groups.
    rows = np.linalg.qr(np.stack([np.ones(parts + 1), *np.eye(parts + 1)[:parts]], axis=1))[0].T[1:]
    rows = rows / rows.std(axis=1, ddof=1, keepdims=True) * np.sqrt((groups - 1) / groups)
    return scales[0] * rows[0] + scales[1:, None] * rows[1:]


@dataclass(frozen=True)
class PlugIn:
    """How often each interval of the plug-in ECE holds the true one, and how often it is undefined (not held then)."""

    population: str
    groups: int
    truth: float
    mean: float
    held: dict[str, float]
    undefined: float


def plug_in(simulations, groups=(GROUPS, ALL_GROUPS), replicates=REPLICATES, seed=0, size=200_000):
    """Return for each number of groups and population what the intervals of the plug-in ECE hold."""
    truths = [0.0 if each.heat == 1 else float(truth(each, NO_EFFECT, size)["ece15"]) for each in PLUG_IN.values()]
    found = []
    for number in groups:
        made = [_plug_in_limits(number, replicates, [seed, turn]) for turn in range(simulations)]
        for name, right, each in zip(PLUG_IN, truths, zip(*made, strict=True), strict=True):
            found.append(_held(name, number, right, each))
    return found


def _plug_in_limits(groups, replicates, key):
    """Return, for each population, the plug-in error and its intervals by kind."""
    [run] = draw(PLUG_IN.values(), groups, 1, NO_EFFECT, np.random.default_rng(key))
    return [_limits(outcomes, draws(outcomes.group_ids, replicates, key[-1])) for outcomes in run]


def _limits(outcomes, multiplicities):
    sums = group_sums(outcomes, ["ece15"])
    value = METRICS["ece15"].value(outcomes)
    drawn = replicate_values(sums, multiplicities)["ece15"]
    return value, {
        "percentile": percentile(value, drawn),
        "basic": basic(value, drawn),
        "bias-corrected": bias_corrected(value, drawn),
        "BCa": bias_corrected(value, drawn, acceleration(jackknife_values(sums)["ece15"])),
    }


def _held(name, groups, right, made):
    values, limits = zip(*made, strict=True)
    held = {
        # Clipped at 0, as the library reports them.
        kind: float(np.mean([max(each[kind][0], 0) <= right <= max(each[kind][1], 0) for each in limits]))
        for kind in limits[0]
    }
    undefined = float(np.mean([np.isnan(each["bias-corrected"][0]) for each in limits]))
    return PlugIn(name, groups, right, float(np.mean(values)), held, undefined)
