"""The two sides of an aggregate: the same languages, complete seeds, and whether they can be compared at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.arrays import FloatArray
from bench.catalog.languages import world_of
from bench.gate.measured import CALIBRATION, RATES, Measured

# The conditions of one side: seed, then language.
Side = Mapping[int, Mapping[str, Measured]]


@dataclass(frozen=True)
class Pair:
    """One aggregate on both sides, over `languages`, which every seed of either side has.

    A seed that lacks one of them is left out: no average is taken where a member is missing.
    """

    name: str
    languages: tuple[str, ...]
    old: Side
    new: Side

    def unlike(self) -> str:
        """Return why the two sides cannot be compared, or nothing."""
        if not (self.languages and self.old and self.new):
            return "no seed has all the languages that both sides know"
        for language in self.languages:
            both = [side[seed][language] for side in (self.old, self.new) for seed in side]
            for what, values in (
                ("other test items", {(one.data, one.n) for one in both}),
                ("another split", {one.split for one in both}),
                ("another score", {one.score for one in both}),
                ("another version of a metric", {tuple(sorted(one.versions.items())) for one in both}),
            ):
                if len(values) > 1:
                    return f"{what} in {language}"
        return ""

    def same_recipes(self) -> bool:
        """Return whether both sides are the same seeds of the same recipes, with their logits' digests on record."""
        return (
            bool(self.old)
            and self.old.keys() == self.new.keys()
            and all(old.recipe == new.recipe and old.logits and new.logits for old, new in self._both())
        )

    def shared(self) -> Pair:
        """Return the pair of the seeds that are on both sides."""
        seeds = self.old.keys() & self.new.keys()
        sides = ({seed: each for seed, each in side.items() if seed in seeds} for side in (self.old, self.new))
        return replace(self, old=next(sides), new=next(sides))

    def changed(self) -> dict[str, bool]:
        """Return the ids whose logits or values changed, and whether device, threads or libraries did too."""
        return {
            old.id: old.provenance != new.provenance
            for old, new in self._both()
            if old.logits != new.logits or dict(old.values) != dict(new.values)
        }

    def same_device(self) -> bool:
        """Return whether all work of both sides was timed on one device of one name."""
        names = {one.device for side in (self.old, self.new) for each in side.values() for one in each.values()}
        return len(names) == 1 and names != {""}

    def by_seed(self, side: Side, name: str) -> FloatArray | None:
        """Return each seed's mean over languages of a quantity, (S,), of a rate its logarithm; None where one lacks it.

        The gap counts without its sign.
        """
        means = [_mean([_value(languages[each], name) for each in self.languages]) for languages in side.values()]
        return None if None in means else np.array(means)

    def single(self, language: str) -> Pair:
        """Return the pair of one language alone."""
        return replace(self, languages=(language,))

    def _both(self) -> list[tuple[Measured, Measured]]:
        return [(self.old[seed][each], self.new[seed][each]) for seed in self.old for each in self.languages]


def paired(old: Iterable[Measured], new: Iterable[Measured]) -> list[Pair]:
    """Return the aggregates that both sides hold, by name: model, intermediate, target, variant and world.

    Where the seeds that both sides know are of the same recipes, they are compared alone: byte by byte.
    """
    before, after = _by_aggregate(old), _by_aggregate(new)
    pairs = [_pair(name, before[name], after[name]) for name in sorted(before.keys() & after.keys())]
    return [shared if (shared := pair.shared()).same_recipes() else pair for pair in pairs]


def _pair(name: str, old: Side, new: Side) -> Pair:
    common = set().union(*old.values()) & set().union(*new.values())
    complete = [{seed: side[seed] for seed in sorted(side) if side[seed].keys() >= common} for side in (old, new)]
    return Pair(name, tuple(sorted(common)), *complete)


def _by_aggregate(measured: Iterable[Measured]) -> dict[str, dict[int, dict[str, Measured]]]:
    found: dict[str, dict[int, dict[str, Measured]]] = {}
    for one in measured:
        condition = one.condition
        number = world_of(condition.language)
        world = "" if number is None else f"w{number}"
        parts = [condition.model, condition.intermediate, condition.target, condition.variant, world]
        seeds = found.setdefault("-".join(part for part in parts if part), {})
        seeds.setdefault(condition.seed, {})[condition.language] = one
    return found


def _mean(values: list[float | None]) -> float | None:
    present = [each for each in values if each is not None]
    return float(np.mean(present)) if len(present) == len(values) else None


def _value(one: Measured, name: str) -> float | None:
    if name in RATES:
        return math.log(one.rates[name]) if name in one.rates else None
    if name not in one.values:
        return None
    value = one.values[name][0]
    return abs(value) if name == CALIBRATION[0] else value
