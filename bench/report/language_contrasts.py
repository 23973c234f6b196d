"""The contrasts of one model in one language: transfer, what intermediate training does, and the difference of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.report.panels import NET_ECE
from bench.report.settings import World
from bench.statistics.confirmatory import CONTROL
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Part, Term
from bench.statistics.seed_means import SeedMean


@dataclass(frozen=True, slots=True, eq=False)
class LanguageContrasts:
    """Means over the genuine intermediate tasks and seeds; None where a cell is missing or at chance.

    without: transfer of the gap without an intermediate task; transfer: after one; effect: of one on the gap of the
    language itself; confidence, accuracy, gap: the differences in differences against no intermediate task, the last
    being the first less the second; control: that of the gap against as many further steps; net_ece: ECE-15 after an
    intermediate task, less what a calibrated model of the same confidences has; p: of `gap`, adjusted over the
    languages, nan for one seed.
    """

    language: str
    without: SeedMean | None
    transfer: SeedMean | None
    effect: SeedMean | None
    confidence: SeedMean | None
    accuracy: SeedMean | None
    gap: SeedMean | None
    control: SeedMean | None
    net_ece: SeedMean | None
    p: float = math.nan


def language_contrasts(world: World, model: str) -> list[LanguageContrasts]:
    """Return the contrasts of all target languages and controls in which the model has any."""
    source = world.section.source
    tokens = [info.token for info in world.section.languages if info.token != source]
    found = [_contrasts(world, model, token) for token in tokens]
    present = [one for one in found if one.without is not None or one.transfer is not None]
    adjusted = benjamini_hochberg([_p(one.gap) for one in present])
    return [replace(one, p=float(p)) for one, p in zip(present, adjusted, strict=True)]


def _contrasts(world: World, model: str, language: str) -> LanguageContrasts:
    def taken(terms: Sequence[Term], metric: str = "gap", part: Part = "transfer") -> SeedMean | None:
        return world.panel.contrast(model, terms, metric, part) if terms else None

    trained = _mean(world, language)
    against = {name: [*trained, Term(-1.0, name, language)] if trained else [] for name in ("none", CONTROL)}
    return LanguageContrasts(
        language=language,
        without=taken([Term(1.0, "none", language)]),
        transfer=taken(trained),
        effect=taken(against["none"], part="metrics"),
        confidence=taken(against["none"], "confidence"),
        accuracy=taken(against["none"], "accuracy"),
        gap=taken(against["none"]),
        control=taken(against[CONTROL]),
        net_ece=taken(trained or [Term(1.0, "none", language)], NET_ECE, "metrics"),
    )


def _mean(world: World, language: str) -> list[Term]:
    tasks = world.groups.intermediates
    return [Term(1 / len(tasks), task, language) for task in tasks]


def _p(contrast: SeedMean | None) -> float:
    return math.nan if contrast is None or contrast.item_only else contrast.estimate.p
