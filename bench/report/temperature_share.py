"""Which share of the degradation each recalibration removes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.report.panels import panel_of
from bench.report.settings import Setting, World
from bench.statistics.panel import Panel, Term

METRICS = ("gap", "l2sq15")


@dataclass(frozen=True, slots=True)
class Removed:
    """The mean transfer over target languages before and after a recalibration, of the gap and of debiased L2.

    Means over the worlds that have both. None where nothing was lost before.
    """

    model: str
    intermediate: str
    recalibration: str
    worlds: int
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def shares(self) -> tuple[float | None, ...]:
        """The shares of the gap's and of L2's transfer that are removed; negative where something is added."""
        (gap, l2), (gap_after, l2_after) = self.before, self.after
        return (
            None if gap == 0 else 1 - abs(gap_after) / abs(gap),
            None if l2 <= 0 else 1 - l2_after / l2,
        )


def temperature_shares(setting: Setting) -> list[Removed]:
    """Return one entry a model, arm (none, the genuine ones) and recalibration, over all target languages."""
    names = sorted(
        {row.recalibration for world in setting.worlds for line in world.section.lines for row in line.rows} - {"none"}
    )
    panels = {name: [panel_of(world.section, name, metrics=METRICS) for world in setting.worlds] for name in names}
    found = [
        _removed(setting, panels[name], model, arm, name)
        for model in setting.models
        for arm in ("none", "genuine")
        for name in names
    ]
    return [one for one in found if one is not None]


def _removed(setting: Setting, after: Sequence[Panel], model: str, arm: str, name: str) -> Removed | None:
    pairs = []
    for world, panel in zip(setting.worlds, after, strict=True):
        both = [_transfers(world, each, model, arm) for each in (world.panel, panel)]
        if all(len(each) == len(METRICS) for each in both):
            pairs.append(both)
    if not pairs:
        return None
    before, behind = ([fmean(pair[side][i] for pair in pairs) for i in range(len(METRICS))] for side in (0, 1))
    return Removed(model, arm, name, len(pairs), (before[0], before[1]), (behind[0], behind[1]))


def _transfers(world: World, panel: Panel, model: str, arm: str) -> list[float]:
    tasks = world.arms.get(arm, ())
    languages = world.selected
    number = len(tasks) * len(languages)
    terms = [Term(1 / number, task, token) for task in tasks for token in languages]
    found = [panel.contrast(model, terms, name) for name in METRICS] if terms else []
    return [each.mean.value for each in found if each is not None]
