"""How many wrong labels in the target languages would look like the degradation that is measured."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report.settings import World
from bench.statistics.label_noise import explaining_rate, sound_accuracy
from bench.statistics.panel import mean_terms

RATES = (0.0, 0.03, 0.05, 0.10)
# Of XNLI.
_CLASSES = 3


@dataclass(frozen=True, slots=True)
class Explained:
    """The mean transfer of the gap to rich languages that is left at each of `RATES`, and the rate that leaves none."""

    model: str
    intermediate: str
    left: tuple[float, ...]
    rate: float


def label_noise(world: World, models: tuple[str, ...]) -> list[Explained]:
    """Return one entry a model, without an intermediate task and after the genuine ones, where all cells are there."""
    found = [_explained(world, model, name, tasks) for model in models for name, tasks in world.arms.items()]
    return [one for one in found if one is not None]


def _explained(world: World, model: str, name: str, tasks: tuple[str, ...]) -> Explained | None:
    rich, source = world.groups.rich, world.section.source
    if not rich or source is None:
        return None
    over_rich, at_source = mean_terms(tasks, rich), mean_terms(tasks, (source,))
    # Parts of one sum are of the same seeds.
    panel = world.panel.at(world.panel.seeds(model, [*over_rich, *at_source]))
    parts = [
        panel.contrast(model, over_rich, "accuracy", "metrics"),
        panel.contrast(model, over_rich, "confidence", "metrics"),
        panel.contrast(model, at_source, "gap", "metrics"),
    ]
    values = [part.mean.value for part in parts if part is not None]
    if len(values) < len(parts):
        return None
    accuracy, confidence, gap = values
    left = tuple(confidence - sound_accuracy(accuracy, rate, _CLASSES) - gap for rate in RATES)
    return Explained(model, name, left, explaining_rate(accuracy, confidence - gap, _CLASSES))
