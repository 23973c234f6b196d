"""From conditions to the frozen graph of trainings and predictions they need, each once however often needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bench.catalog import tasks
from bench.catalog.languages import source_of, world_of
from bench.catalog.variants import of_intermediate
from bench.condition import Condition


@dataclass(frozen=True, slots=True, order=True)
class Training:
    """What tells one fine-tuned checkpoint from another, in tokens. `world` is None for real languages."""

    model: str
    world: int | None
    intermediate: str
    target: str
    seed: int
    variant: str

    @property
    def source(self) -> str:
        """The language that is trained on."""
        return source_of(self.world)

    @property
    def trains_target(self) -> bool:
        """Whether a target phase is trained, and so there is a source language to be scored beside."""
        return tasks.target(self.target).trains

    @property
    def name(self) -> str:
        """A short name for people."""
        world = "" if self.world is None else f" in w{self.world}"
        variant = f" {self.variant}" if self.variant else ""
        return f"{self.model}-{self.intermediate}-{self.target}-s{self.seed}{variant}{world}"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A node of the plan: `kind` is "intermediate", "checkpoint" or "predictions"; `inputs` are names of nodes.

    `cells` counts the conditions that need it.
    """

    name: str
    kind: str
    training: Training
    inputs: tuple[str, ...]
    hours: float
    gigabytes: float
    languages: tuple[str, ...] = ()
    cells: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The artefacts in an order in which each comes after its inputs."""

    artefacts: tuple[Artefact, ...]

    @property
    def trainings(self) -> int:
        """The trainings there are: intermediates and checkpoints, each once."""
        return sum(artefact.kind != "predictions" for artefact in self.artefacts)

    @property
    def unshared(self) -> int:
        """The trainings there would be if every cell trained its own."""
        return sum(artefact.cells for artefact in self.artefacts if artefact.kind != "predictions")

    def of(self, kind: str) -> tuple[Artefact, ...]:
        """Return the artefacts of one kind."""
        return tuple(artefact for artefact in self.artefacts if artefact.kind == kind)


Cost = Callable[[str, Training, tuple[str, ...]], tuple[float, float]]


def training_of(condition: Condition) -> Training:
    """Return the training whose checkpoint a condition reads."""
    world = world_of(condition.language)
    return Training(condition.model, world, condition.intermediate, condition.target, condition.seed, condition.variant)


def languages_by_training(conditions: Iterable[Condition]) -> dict[Training, tuple[str, ...]]:
    """Return the selected languages of each training in the order of the conditions, the source always first."""
    found: dict[Training, list[str]] = {}
    for condition in conditions:
        training = training_of(condition)
        tokens = found.setdefault(training, [training.source] if training.trains_target else [])
        if condition.language not in tokens:
            tokens.append(condition.language)
    return {training: tuple(tokens) for training, tokens in found.items()}


def plan(conditions: Iterable[Condition], cost: Cost) -> Plan:
    """Return the graph for `conditions`; `cost(kind, training, languages)` gives hours and gigabytes of one node."""
    chosen = list(conditions)
    cells = Counter(map(training_of, chosen))
    nodes: dict[str, Artefact] = {}
    for training, languages in languages_by_training(chosen).items():
        for artefact in _chain(training, languages, cost, cells[training]):
            known = nodes.get(artefact.name)
            nodes[artefact.name] = artefact if known is None else replace(known, cells=known.cells + artefact.cells)
    return Plan(tuple(nodes.values()))


def _chain(training: Training, languages: tuple[str, ...], cost: Cost, cells: int) -> list[Artefact]:
    chain: list[Artefact] = []

    def add(kind: str, name: str) -> None:
        hours, gigabytes = cost(kind, training, languages)
        inputs = (chain[-1].name,) if chain else ()
        chain.append(Artefact(f"{kind}: {name}", kind, training, inputs, hours, gigabytes, languages, cells))

    if training.intermediate != "none":
        add("intermediate", intermediate_name(training))
    if training.trains_target:
        add("checkpoint", training.name)
    add("predictions", training.name)
    return chain


def intermediate_name(training: Training) -> str:
    """Return the name of the intermediate encoder: shared by targets, but for `more`, which trains on the target."""
    world = "" if training.world is None else f" in w{training.world}"
    own = f" on {training.target}" if training.intermediate == "more" else ""
    variant = of_intermediate(training.variant)
    return f"{training.model}-{training.intermediate}-s{training.seed}{f' {variant}' if variant else ''}{own}{world}"
