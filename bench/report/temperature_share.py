"""Which share of the degradation each recalibration removes, and what it does to the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean

from bench.report.panels import panel_of
from bench.report.settings import Setting, World
from bench.statistics.panel import Panel, Part, Term, mean_terms

METRICS = ("gap", "l2sq15")
# The smallest effect of interest (docs/analysis-plan.md): of less, a share is one of noise.
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Degradation:
    """Means over target languages, and over worlds: the size of the transfer of the gap, and squared debiased L2.

    Sizes, because languages that are over- and under-confident would cancel. `source_gap` is the source's own, signed.
    """

    transfer: float
    l2: float
    source_gap: float


@dataclass(frozen=True, slots=True)
class Removed:
    """What a recalibration leaves of the degradation, means over the worlds that have it with and without."""

    model: str
    intermediate: str
    recalibration: str
    worlds: int
    before: Degradation
    after: Degradation

    @property
    def share(self) -> float | None:
        """The share of the transfer that is removed, negative where some is added; None of less than a point."""
        return None if self.before.transfer < _LEAST else 1 - self.after.transfer / self.before.transfer


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
    pairs = [_pair(world, panel, model, arm) for world, panel in zip(setting.worlds, after, strict=True)]
    found = [pair for pair in pairs if pair is not None]
    if not found:
        return None
    return Removed(model, arm, name, len(found), _mean([one for one, _ in found]), _mean([one for _, one in found]))


def _pair(world: World, after: Panel, model: str, arm: str) -> tuple[Degradation, Degradation] | None:
    """Return what there is before and after at the seeds that have both, in all languages."""
    tasks, source = world.arms.get(arm, ()), world.section.source
    if not tasks or source is None or not world.selected:
        return None
    terms = {token: mean_terms(tasks, (token,)) for token in (*world.selected, source)}
    panels = (world.panel, after)
    seeds = set.intersection(*(set(each.seeds(model, [t for one in terms.values() for t in one])) for each in panels))
    before, behind = (_degradation(each.at(seeds), model, terms, source) for each in panels)
    return None if before is None or behind is None else (before, behind)


def _degradation(panel: Panel, model: str, terms: Mapping[str, Sequence[Term]], source: str) -> Degradation | None:
    def of(token: str, metric: str, part: Part) -> float | None:
        found = panel.contrast(model, terms[token], metric, part)
        return None if found is None else found.mean.value

    targets = [token for token in terms if token != source]
    parts = ([of(token, "gap", "transfer") for token in targets], [of(token, "l2sq15", "metrics") for token in targets])
    transfers, errors = ([value for value in values if value is not None] for values in parts)
    own = of(source, "gap", "metrics")
    if own is None or len(transfers) + len(errors) < 2 * len(targets):
        return None
    return Degradation(fmean(map(abs, transfers)), fmean(errors), own)


def _mean(found: Sequence[Degradation]) -> Degradation:
    return Degradation(*(fmean(getattr(one, field.name) for one in found) for field in fields(Degradation)))
