"""What variants of training do: the difference to the plain training of the same model, task and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.report.settings import Setting
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Part, Term
from bench.statistics.t_estimate import TEstimate, of_sample

# In the target languages themselves, and against the source.
MEASURES: tuple[tuple[str, Part], ...] = (
    ("gap", "metrics"),
    ("nll", "metrics"),
    ("l2sq15", "metrics"),
    ("gap", "transfer"),
)


@dataclass(frozen=True, slots=True)
class VariantEffect:
    """The mean over target languages of a variant minus the plain training, one estimate for each of `MEASURES`.

    tasks: the intermediate tasks, or "none", that have both; with several worlds the world is the unit, else items and
    seeds are. p: of the NLL, adjusted over all variants of the table.
    """

    model: str
    variant: str
    tasks: tuple[str, ...]
    worlds: int
    estimates: tuple[TEstimate | None, ...]
    p: float


def variant_effects(setting: Setting) -> list[VariantEffect]:
    """Return the effects of all variants of all models, empty where only the plain training was run."""
    found = [
        _effect(setting, model, variant, tasks)
        for model in setting.models
        for variant, tasks in _tasks(setting, model).items()
    ]
    present = [one for one in found if any(one.estimates)]
    nll = [one.estimates[1] for one in present]
    adjusted = benjamini_hochberg([float("nan") if each is None else each.p for each in nll])
    return [replace(one, p=float(p)) for one, p in zip(present, adjusted, strict=True)]


def _tasks(setting: Setting, model: str) -> dict[str, tuple[str, ...]]:
    """Return the intermediate tasks of each variant that have a plain training too, in every world."""
    lines = [[line for line in world.section.lines if line.model == model] for world in setting.worlds]
    by_world = [{(line.variant, line.intermediate) for line in each} for each in lines if each]
    pairs = set.intersection(*by_world) if by_world else set()
    variants = sorted({variant for variant, _ in pairs if variant})
    tasks = {name: tuple(sorted(t for v, t in pairs if v == name and ("", t) in pairs)) for name in variants}
    return {name: found for name, found in tasks.items() if found}


def _effect(setting: Setting, model: str, variant: str, tasks: Sequence[str]) -> VariantEffect:
    estimates = tuple(_estimate(setting, model, variant, tasks, *measure) for measure in MEASURES)
    worlds = sum(any(key[0] == model for key in world.panel.cells) for world in setting.worlds)
    return VariantEffect(model, variant, tuple(tasks), worlds, estimates, float("nan"))


def _estimate(
    setting: Setting, model: str, variant: str, tasks: Sequence[str], metric: str, part: Part
) -> TEstimate | None:
    means = []
    for world in setting.worlds:
        number = len(tasks) * len(world.selected)
        terms = [
            Term(sign / number, name, token)
            for task in tasks
            for sign, name in ((1.0, f"{task} {variant}"), (-1.0, task))
            for token in world.selected
        ]
        mean = world.panel.contrast(model, terms, metric, part) if terms else None
        means += [] if mean is None else [mean]
    if len(means) > 1:
        return of_sample([each.mean.value for each in means])
    # One seed says nothing of what another would do.
    single = [each.estimate if not each.item_only else TEstimate(each.mean.value, float("nan"), 1.0) for each in means]
    return single[0] if single else None
