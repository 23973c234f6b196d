"""A learning rate chosen on the select half of the source's development data: each is trained with, the best kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.errors import TrainingFailed
from bench.training.protocol import Phase
from bench.training.report import FinetuneReport
from bench.training.selection import Evaluation

Model = TypeVar("Model")
Train = Callable[[Phase], tuple[Model, FinetuneReport]]


@dataclass(frozen=True, slots=True)
class Tried:
    """A learning rate that was trained with, and the evaluation of its best step, None where training failed."""

    learning_rate: float
    best: Evaluation | None


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Model]):
    """What was kept: its phase, its model and report, and all rates that were tried, in their order."""

    phase: Phase
    model: Model
    report: FinetuneReport
    tried: tuple[Tried, ...]


def train_at_best_rate(phase: Phase, train: Train[Model]) -> Chosen[Model]:
    """Train with each of the phase's `tried_rates` and return the one whose best step is best, of equals the first.

    What is better is what is better of two steps of one phase (bench.training.selection), so that nothing but the
    select split chooses. A rate that training fails with is out; raises TrainingFailed where all of them are.
    """
    tried: list[Tried] = []
    kept: tuple[Phase, Model, FinetuneReport] | None = None
    for one in phase.at_rates():
        try:
            model, report = train(one)
        except TrainingFailed as error:
            tried.append(Tried(one.learning_rate, None))
            failure = error
            continue
        tried.append(Tried(one.learning_rate, report.best))
        if kept is None or (report.best is not None and report.best.better_than(kept[2].best)):
            kept = one, model, report
    if kept is None:
        raise failure
    return Chosen(*kept, tuple(tried))
