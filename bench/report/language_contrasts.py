"""The contrasts of one model in a language, or on average over several: transfer, what intermediate training does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.report.panels import NET_ECE
from bench.report.settings import World
from bench.statistics.confirmatory import CONTROL
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Part, Term, mean_terms
from bench.statistics.seed_means import SeedMean


@dataclass(frozen=True, slots=True, eq=False)
class LanguageContrasts:
    """Means over the languages, genuine intermediate tasks and seeds; None where a cell is missing or at chance.

    without: transfer of the gap without an intermediate task; transfer: after one; effect: of one on the gap of the
    language itself; confidence, accuracy, gap: the differences in differences against no intermediate task, the last
    being the first less the second; control: that of the gap against as many further steps; net_ece: ECE-15 after an
    intermediate task, less what a calibrated model of the same confidences has; p: of `gap`, adjusted over the
    languages, nan for one seed and for averages.
    """

    languages: tuple[str, ...]
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
    found = [_contrasts(world, model, (token,)) for token in tokens]
    present = [one for one in found if one.without is not None or one.transfer is not None]
    adjusted = benjamini_hochberg([_p(one.gap) for one in present])
    return [replace(one, p=float(p)) for one, p in zip(present, adjusted, strict=True)]


def group_contrasts(world: World, model: str) -> dict[str, LanguageContrasts]:
    """Return by name the contrasts of the source, and on average of the rich languages (Q1) and of all targets.

    A group of which a cell is missing or at chance for every contrast is left out; the source has no transfer.
    """
    source = world.section.group("source")
    groups = {"source": source, "rich": world.groups.rich, "all targets": world.targets}
    found = {name: _contrasts(world, model, tokens) for name, tokens in groups.items() if tokens}
    return {name: one for name, one in found.items() if one.without is not None or one.effect is not None}


def _contrasts(world: World, model: str, languages: tuple[str, ...]) -> LanguageContrasts:
    def taken(terms: Sequence[Term], metric: str = "gap", part: Part = "transfer") -> SeedMean | None:
        return world.panel.contrast(model, terms, metric, part) if terms else None

    without = mean_terms(("none",), languages)
    trained = mean_terms(world.groups.intermediates, languages)
    against = {
        name: trained + mean_terms((name,), languages, factor=-1.0) if trained else () for name in ("none", CONTROL)
    }
    return LanguageContrasts(
        languages=languages,
        without=taken(without),
        transfer=taken(trained),
        effect=taken(against["none"], part="metrics"),
        confidence=taken(against["none"], "confidence"),
        accuracy=taken(against["none"], "accuracy"),
        gap=taken(against["none"]),
        control=taken(against[CONTROL]),
        net_ece=taken(trained or without, NET_ECE, "metrics"),
    )


def _p(contrast: SeedMean | None) -> float:
    return math.nan if contrast is None or contrast.item_only else contrast.estimate.p
