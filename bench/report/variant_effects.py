"""What variants of training do: the difference to the plain training of the same model, tasks and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.report.panels import panel_of
from bench.report.settings import Setting, World
from bench.statistics.confirmatory import CONTROL
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Panel, Part, Term
from bench.statistics.seed_means import SeedMean
from bench.statistics.t_estimate import TEstimate, of_sample

# In the target languages themselves, and against the source.
MEASURES: tuple[tuple[str, Part], ...] = (
    ("gap", "metrics"),
    ("nll", "metrics"),
    ("l2sq15", "metrics"),
    ("gap", "transfer"),
)
# Confidence that is on no scale means something after a temperature alone: both trainings get the source's.
ARBITRARY = "arbitrary_scale"
RESCALED = "ts_en"


@dataclass(frozen=True, slots=True)
class VariantEffect:
    """The mean over target languages of a variant minus the plain training, one estimate for each of `MEASURES`.

    tasks: what was trained before, "none", the control, or the genuine intermediate tasks that have both;
    recalibration: of both; worlds: those that have all measures. With several worlds in the setting the world is the
    unit, else items and seeds are. p: of the NLL, adjusted over all variants of the table.
    """

    model: str
    variant: str
    tasks: tuple[str, ...]
    recalibration: str
    worlds: int
    estimates: tuple[TEstimate, ...]
    p: float


def variant_effects(setting: Setting) -> list[VariantEffect]:
    """Return the effects of all variants of all models, empty where only the plain training was run.

    Neither `multi` nor tasks with the target's own data are among the tasks.
    """
    panels = {name: _panels(setting, name) for name in _recalibrations(setting)}
    found = [
        _effect(setting, panels, model, variant, tasks)
        for model in setting.models
        for variant, arms in _arms(setting, model).items()
        for tasks in arms
    ]
    present = [one for one in found if one is not None]
    adjusted = benjamini_hochberg([one.estimates[1].p for one in present])
    return [replace(one, p=float(p)) for one, p in zip(present, adjusted, strict=True)]


def _recalibrations(setting: Setting) -> set[str]:
    variants = {line.variant for world in setting.worlds for line in world.section.lines if line.variant}
    return {_recalibration(setting, variant) for variant in variants}


def _recalibration(setting: Setting, variant: str) -> str:
    lines = [line for world in setting.worlds for line in world.section.lines if line.variant == variant]
    return RESCALED if any(ARBITRARY in line.flags for line in lines) else "none"


def _panels(setting: Setting, recalibration: str) -> list[Panel]:
    if recalibration == "none":
        return [world.panel for world in setting.worlds]
    names = tuple(dict.fromkeys(name for name, _ in MEASURES))
    return [panel_of(world.section, recalibration, metrics=names) for world in setting.worlds]


def _arms(setting: Setting, model: str) -> dict[str, list[tuple[str, ...]]]:
    """Return for each variant what it may be compared after: what has a plain training too, in every world."""
    lines = [[line for line in world.section.lines if line.model == model] for world in setting.worlds]
    by_world = [{(line.variant, line.intermediate) for line in each} for each in lines if each]
    pairs = set.intersection(*by_world) if by_world else set()
    genuine = tuple(setting.worlds[0].groups.intermediates)
    arms = {}
    for name in sorted({variant for variant, _ in pairs if variant}):
        both = {task for variant, task in pairs if variant == name and ("", task) in pairs}
        groups = [("none",), tuple(task for task in genuine if task in both), (CONTROL,)]
        arms[name] = [group for group in groups if group and set(group) <= both]
    return arms


def _effect(
    setting: Setting, panels: Mapping[str, Sequence[Panel]], model: str, variant: str, tasks: tuple[str, ...]
) -> VariantEffect | None:
    recalibration = _recalibration(setting, variant)
    pairs = zip(setting.worlds, panels[recalibration], strict=True)
    found = [means for world, panel in pairs if (means := _means(world, panel, model, variant, tasks)) is not None]
    if not found:
        return None
    alone = len(setting.worlds) == 1
    estimates = tuple(_estimate(means, alone) for means in zip(*found, strict=True))
    return VariantEffect(model, variant, tasks, recalibration, len(found), estimates, float("nan"))


def _means(world: World, panel: Panel, model: str, variant: str, tasks: Sequence[str]) -> tuple[SeedMean, ...] | None:
    number = len(tasks) * len(world.selected)
    terms = [
        Term(sign / number, name, token)
        for task in tasks
        for sign, name in ((1.0, f"{task} {variant}"), (-1.0, task))
        for token in world.selected
    ]
    found = [panel.contrast(model, terms, *measure) if terms else None for measure in MEASURES]
    means = tuple(each for each in found if each is not None)
    return means if len(means) == len(MEASURES) else None


def _estimate(means: Sequence[SeedMean], alone: bool) -> TEstimate:
    if len(means) > 1:
        return of_sample([each.mean.value for each in means])
    (one,) = means
    # One seed says nothing of what another would do, and one world of several nothing of the others.
    return one.estimate if alone and not one.item_only else TEstimate(one.mean.value, float("nan"), 1.0)
