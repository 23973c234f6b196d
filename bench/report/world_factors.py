"""Between worlds: what each factor of the artificial languages does to transfer, at every size and over the sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.data.artificial.languages import source_type
from bench.report.settings import World
from bench.report.size_tests import Family, sizes_of
from bench.statistics.ladder_slope import ladder_slope
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Term
from bench.statistics.t_estimate import TEstimate, of_sample
from bench.statistics.world_factors import apart_from_distance

_PLAIN = ("agg", "fus", "int")
# Neighbouring types differ in one factor; twins with little data in the data alone.
FACTORS: Mapping[str, Mapping[str, float]] = {
    "richness: rich minus poor": {**dict.fromkeys(_PLAIN, 1 / 3), "iso": -1.0},
    "many categories, free (isx minus iso)": {"isx": 1.0, "iso": -1.0},
    "bound morphemes (agf minus iso)": {"agf": 1.0, "iso": -1.0},
    "many categories, bound (agg minus agf)": {"agg": 1.0, "agf": -1.0},
    "cumulative exponence (fus minus agg)": {"fus": 1.0, "agg": -1.0},
    "introflexion (int minus fus)": {"int": 1.0, "fus": -1.0},
    "scarce data (twins minus plenty)": {
        **dict.fromkeys(("iso_lo", "agg_lo", "fus_lo"), 1 / 3),
        **dict.fromkeys(("iso", "agg", "fus"), -1 / 3),
    },
    "richness x scarce data": {
        **dict.fromkeys(("agg_lo", "fus_lo"), 0.5), "iso_lo": -1.0, **dict.fromkeys(("agg", "fus"), -0.5), "iso": 1.0
    },
    "clone: other words alone": {"cln": 1.0},
    "identical clone (0 if all is well)": {"idn": 1.0},
}  # fmt: skip
_DISTANCE = ("agg", "iso")


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A factor's mean over worlds at each model that has it, and of its change over the sizes; `p` of the latter (BH).

    None where fewer than two worlds have it.
    """

    title: str
    at: Mapping[str, TEstimate]
    change: TEstimate | None
    p: float


def world_factors(family: Family) -> list[Factor]:
    """Return the factors of an artificial family that any model has in two worlds, p-values adjusted together.

    After the genuine intermediate tasks, where there are any, else without one.
    """
    found = [_factor(family, title, weights) for title, weights in FACTORS.items()] + _distance(family)
    present = [one for one in found if one.at]
    adjusted = benjamini_hochberg([one.change.p if one.change else float("nan") for one in present])
    return [replace(one, p=float(p)) for one, p in zip(present, adjusted, strict=True)]


def _factor(family: Family, title: str, weights: Mapping[str, float]) -> Factor:
    levels = {model: _levels(family.worlds, model, weights) for model in family.models}
    at = {model: of_sample(list(values.values())) for model, values in levels.items() if len(values) > 1}
    changes = list(_changes(family, weights).values())
    return Factor(title, at, of_sample(changes) if len(changes) > 1 else None, float("nan"))


def _distance(family: Family) -> list[Factor]:
    """Return what an agglutinative language differs in from an isolating one, freed of whose type the source has."""
    weights = {_DISTANCE[0]: 1.0, _DISTANCE[1]: -1.0}
    pairs = {model: _freed(_levels(family.worlds, model, weights)) for model in family.models}
    change = _freed(_changes(family, weights))
    titles = ("agglutinative minus isolating, at equal distance", "another type than the source")
    return [
        Factor(
            title,
            {model: pair[place] for model, pair in pairs.items() if pair is not None},
            None if change is None else change[place],
            float("nan"),
        )
        for place, title in enumerate(titles)
    ]


def _freed(values: Mapping[str, float]) -> tuple[TEstimate, TEstimate] | None:
    far = [value for world, value in values.items() if source_type(int(world[1:])) == _DISTANCE[1]]
    near = [value for world, value in values.items() if source_type(int(world[1:])) == _DISTANCE[0]]
    return apart_from_distance(far, near)


def _levels(worlds: Sequence[World], model: str, weights: Mapping[str, float]) -> dict[str, float]:
    found = {world.section.world: world.panel.contrast(model, _terms(world, weights), "gap") for world in worlds}
    return {name: level.mean.value for name, level in found.items() if level is not None}


def _changes(family: Family, weights: Mapping[str, float]) -> dict[str, float]:
    found = {
        world.section.world: ladder_slope(world.panel, sizes_of(family.ladder), _terms(world, weights))
        for world in family.worlds
    }
    full = {name: slope for name, slope in found.items() if slope and len(slope.sizes) == len(family.models)}
    return {name: slope.conditional.value for name, slope in full.items()}


def _terms(world: World, weights: Mapping[str, float]) -> list[Term]:
    tasks = world.groups.intermediates or ("none",)
    return [
        Term(weight / len(tasks), task, f"{world.section.world}_{code}")
        for task in tasks
        for code, weight in weights.items()
    ]
