"""One aggregate per model, intermediate and target task: the same bytes, or a change larger than chance and margin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.gate.measured import CALIBRATION, QUALITY, RATES, Measured
from bench.gate.pairs import Pair, paired
from bench.statistics.multiplicity import holm
from bench.statistics.two_samples import change

BETTER, WORSE, SAME, INCOMPARABLE = "better", "worse", "indistinguishable", "not comparable"
REPLAY, ELSEWHERE, RETRAIN = "replay", "replay elsewhere", "retrain"
LEAST_SEEDS = 3
ALPHA = 0.05
DEFAULT_MARGIN = 1.0
# A processor that somebody else uses too is easily a quarter slower.
RATE_MARGIN = 0.25
FAMILIES = {"quality": (QUALITY,), "calibration": CALIBRATION, "throughput": tuple(RATES)}


@dataclass(frozen=True, slots=True)
class Tested:
    """How one quantity of an aggregate changed.

    `old`, `new`: means over languages and seeds, of rates the geometric ones. `low`, `high`: the interval of the change
    (of rates: of the log ratio) at the level that Holm's correction leaves it, and `p`, corrected; None where nothing
    was tested. `detectable` is the least change that a run like this one finds in 80 of 100 cases.
    """

    name: str
    old: float
    new: float
    verdict: str
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One aggregate: how it was compared (`mode`), over which languages and how many seeds, and what came out.

    `broken` are ids whose recipe, device and libraries are those of the baseline and whose bytes are not. `reason` says
    why an aggregate is not comparable.
    """

    name: str
    mode: str
    languages: tuple[str, ...]
    seeds: tuple[int, int]
    reason: str = ""
    broken: tuple[str, ...] = ()
    tested: tuple[Tested, ...] = ()

    def verdict(self, family: str) -> str:
        """Return the verdict on "quality", "calibration" or "throughput": worse where any of its quantities is."""
        found = {one.verdict for one in self.tested if one.name in FAMILIES[family]}
        return next((verdict for verdict in (WORSE, BETTER, SAME) if verdict in found), INCOMPARABLE)


def compare(old: Iterable[Measured], new: Iterable[Measured], margin: float = DEFAULT_MARGIN) -> list[Compared]:
    """Compare the conditions that both hold, an aggregate at a time.

    A **replay** has the recipes of the baseline: on the same device, threads and libraries its logits must be equal to
    the byte; elsewhere the aggregate must stay within the margin. A **retraining** has others: each seed's mean over
    languages is one value, and the change of their mean is tested with Student's t, Holm-corrected over the aggregates,
    quality and calibration apart. It is worse (or better) where the corrected test rejects at 0.05 and the change
    exceeds `margin` points: hundredths of the score, of |gap|, of the root of the squared error, of a nat.
    """
    pairs = paired(old, new)
    modes = [_mode(pair, margin / 100) for pair in pairs]
    found: dict[str, list[Tested]] = {pair.name: [] for pair in pairs}
    for family, names in FAMILIES.items():
        chosen = [pair for pair, (mode, _, _) in zip(pairs, modes, strict=True) if _testable(family, pair, mode)]
        for aggregate, one in _tested(family, _values(chosen, names), margin / 100):
            found[aggregate].append(one)
    return [
        Compared(
            pair.name, mode, pair.languages, (len(pair.old), len(pair.new)), reason, broken,
            (*_untested(pair, mode, broken), *found[pair.name]),
        )
        for pair, (mode, reason, broken) in zip(pairs, modes, strict=True)
    ]  # fmt: skip


def _mode(pair: Pair, margin: float) -> tuple[str, str, tuple[str, ...]]:
    """Return how a pair is compared, why it is not, and the ids whose bytes are broken."""
    if reason := pair.unlike():
        return INCOMPARABLE, reason, ()
    if pair.same_recipes():
        changed = pair.changed()
        broken = tuple(one for one, foreign in changed.items() if not foreign)
        if broken or not changed:
            return REPLAY, "", broken
        if _within(pair, margin):
            return ELSEWHERE, "", ()
    if min(len(pair.old), len(pair.new)) < LEAST_SEEDS:
        return INCOMPARABLE, (
            f"{len(pair.old)} and {len(pair.new)} seeds, but the spread of trainings needs "
            f"{LEAST_SEEDS} on each side (--seeds 0,1,2)"
        ), ()  # fmt: skip
    return RETRAIN, "", ()


def _testable(family: str, pair: Pair, mode: str) -> bool:
    if family == "throughput":
        return bool(pair.languages) and pair.same_device() and min(len(pair.old), len(pair.new)) >= LEAST_SEEDS
    return mode == RETRAIN


def _values(pairs: Sequence[Pair], names: Sequence[str]) -> list[tuple[str, str, FloatArray, FloatArray]]:
    """Return (aggregate, quantity, old, new) for everything that is tested in one family."""
    found = []
    for pair in pairs:
        for name in names:
            old, new = (pair.by_seed(side, name) for side in (pair.old, pair.new))
            if old is not None and new is not None:
                found.append((pair.name, name, old, new))
    return found


def _tested(
    family: str, values: Sequence[tuple[str, str, FloatArray, FloatArray]], margin: float
) -> list[tuple[str, Tested]]:
    """Return the tests of one family, each with its aggregate, with Holm's correction over all of them."""
    changes = [change(old, new) for _, _, old, new in values]
    corrected = holm(np.array([each.p for each in changes]))
    levels = _levels([each.p for each in changes])
    found = []
    for (aggregate, name, old, new), each, p, level in zip(values, changes, corrected, levels, strict=True):
        means = _mean(family, old), _mean(family, new)
        far = abs(each.value) > math.log1p(RATE_MARGIN) if family == "throughput" else _exceeds(name, *means, margin)
        verdict = _direction(name, each.value) if far and p <= ALPHA else SAME
        interval = each.interval(level)
        found.append((aggregate, Tested(name, *means, verdict, *interval, float(p), each.detectable(level))))
    return found


def _untested(pair: Pair, mode: str, broken: Sequence[str]) -> list[Tested]:
    """Return what a replay shows of quality and calibration: equal bytes need no seeds."""
    if mode not in (REPLAY, ELSEWHERE):
        return []
    verdict = WORSE if broken else SAME
    values = _values([pair], (QUALITY, *CALIBRATION))
    return [Tested(name, float(old.mean()), float(new.mean()), verdict) for _, name, old, new in values]


def _within(pair: Pair, margin: float) -> bool:
    values = _values([pair], (QUALITY, *CALIBRATION))
    return not any(_exceeds(name, float(old.mean()), float(new.mean()), margin) for _, name, old, new in values)


def _exceeds(name: str, old: float, new: float, margin: float) -> bool:
    return abs(_delta(name, old, new)) > margin


def _delta(name: str, old: float, new: float) -> float:
    """Return the change in units of the margin: of a squared error that of its root."""
    if name == "l2sq15":
        return math.sqrt(max(new, 0.0)) - math.sqrt(max(old, 0.0))
    return new - old


def _mean(family: str, values: FloatArray) -> float:
    return float(np.exp(values.mean())) if family == "throughput" else float(values.mean())


def _direction(name: str, value: float) -> str:
    up_is_better = name == QUALITY or name in RATES
    return BETTER if (value > 0) == up_is_better else WORSE


def _levels(p: Sequence[float]) -> list[float]:
    """Return the level of each interval: Holm compares the k-th least of m p-values with ALPHA / (m - k + 1)."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    return [1 - ALPHA / (len(p) - order.index(place)) for place in range(len(p))]
