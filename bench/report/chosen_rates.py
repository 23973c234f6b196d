"""Which learning rates were chosen where several were tried, by model and task before the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.sections import Line
from bench.report.settings import Setting


@dataclass(frozen=True, slots=True)
class ChosenRates:
    """How often each of the rates that were tried was kept, over seeds and worlds; a rate nobody kept has 0."""

    model: str
    training: str
    kept: Mapping[float, int]


def chosen_rates(setting: Setting) -> list[ChosenRates]:
    """Return the rates of every model and way of training of which several were tried, in the order of models."""
    lines = [line for world in setting.worlds for line in world.section.lines]
    places = [(model, line.training) for model in setting.models for line in lines if line.model == model]
    found = [
        ChosenRates(model, training, _kept(line for line in lines if (line.model, line.training) == (model, training)))
        for model, training in dict.fromkeys(places)
    ]
    return [one for one in found if one.kept]


def _kept(lines: Iterable[Line]) -> dict[float, int]:
    counts: Counter[float] = Counter()
    for line in lines:
        # All languages and recalibrations of a seed are of one training.
        trained = {row.condition.seed: _training(row.data.get("engine")) for row in line.rows}
        for told in trained.values():
            if "tried_rates" in told:
                counts.update({float(each["learning_rate"]): 0 for each in told["tried_rates"]})
                counts[float(told["learning_rate"])] += 1
    return dict(sorted(counts.items()))


def _training(engine: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (engine or {}).get("train") or {}
