"""How long the missing work of each model would take, and which models are left out for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench import cost
from bench.catalog import models, tasks
from bench.condition import Condition
from bench.engine import Engine
from bench.errors import CrosscalError, Unavailable
from bench.keys import Recipes
from bench.plan import Artefact, Plan, Training, intermediate_name, plan
from bench.requirements import require
from bench.training.protocol import Phase

# Test items of one language, and development items, as published for XNLI: used where the data cannot be read here.
_PUBLISHED_TEST = 5010
_PUBLISHED_CALIBRATE = 1245


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one model's conditions would take: trainings needed and stored, hours and gigabytes of what is needed.

    `unshared` counts the trainings there would be if every cell trained its own. `reason` says why the model cannot run
    here, and is empty when it can.
    """

    model: str
    needed: int
    cached: int
    hours: float
    gigabytes: float
    reason: str
    unshared: int = 0


def estimates(engine: Engine, conditions: Iterable[Condition]) -> list[Estimate]:
    """Return one estimate for each model of `conditions`, in their order."""
    graph = plan(conditions, _cost_of(engine))
    by_model: dict[str, list[Artefact]] = {}
    for artefact in graph.artefacts:
        by_model.setdefault(artefact.training.model, []).append(artefact)
    stored = _Stored(engine)
    return [_estimate(engine, model, Plan(tuple(artefacts)), stored) for model, artefacts in by_model.items()]


def check(estimate: Estimate, budget: float, device: str) -> None:
    """Raise Unavailable when the missing work of a model is estimated above `budget` hours."""
    if estimate.hours > budget:
        raise Unavailable(
            "budget",
            f"{estimate.model} needs about {estimate.hours:.1f} h for {estimate.needed} trainings and predictions on "
            f"{device}, above --budget {budget:g}; raise it, or lower --train-limit and --eval-limit",
        )


def _estimate(engine: Engine, model: str, graph: Plan, known: _Stored) -> Estimate:
    reason = _reason(engine, graph.artefacts[0])
    stored = {artefact.name for artefact in graph.artefacts if not reason and known.has(artefact)}
    needed = [artefact for artefact in graph.artefacts if artefact.name not in stored]
    trainings = [artefact for artefact in graph.artefacts if artefact.kind != "predictions"]
    return Estimate(
        model=model,
        needed=sum(artefact.name not in stored for artefact in trainings),
        cached=sum(artefact.name in stored for artefact in trainings),
        hours=sum(artefact.hours for artefact in needed),
        gigabytes=sum(artefact.gigabytes for artefact in needed),
        reason=reason,
        unshared=graph.unshared,
    )


def _reason(engine: Engine, artefact: Artefact) -> str:
    try:
        require(engine, artefact.training, artefact.languages[0])
    except Unavailable as error:
        return str(error)
    return ""


class _Stored:
    """Says of artefacts whether nothing of them is left to do; each training is looked for once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._complete: dict[Training, bool] = {}
        self._users: dict[str, list[Training]] = {}
        for training in engine.settings.languages:
            self._users.setdefault(intermediate_name(training), []).append(training)

    def has(self, artefact: Artefact) -> bool:
        """Return whether `artefact` is stored; predictions stand for the checkpoints they were made from."""
        recipes, store = self._engine.recipes(artefact.training), self._engine.settings.store
        if artefact.kind == "intermediate":
            # Dropped after its last user, it is wanted again by a training that joins later, such as a variant.
            users = self._users.get(intermediate_name(artefact.training), [])
            stored = store.find("intermediate", recipes.intermediate_key) is not None
            return stored or all(self._is_complete(user) for user in users)
        if self._is_complete(artefact.training):
            return True
        # A training that nobody looked at on its way is done again for its trajectory.
        return (
            artefact.kind == "checkpoint"
            and store.find("checkpoint", recipes.checkpoint_key) is not None
            and self._engine.is_traced(artefact.training)
        )

    def _is_complete(self, training: Training) -> bool:
        if training not in self._complete:
            self._complete[training] = self._engine.is_complete(training)
        return self._complete[training]


def _cost_of(engine: Engine) -> Callable[[str, Training, tuple[str, ...]], tuple[float, float]]:
    device = engine.settings.device
    slower = cost.slowdown(engine.settings.precision, device)

    def cost_of(kind: str, training: Training, languages: tuple[str, ...]) -> tuple[float, float]:
        spec = models.model(training.model, engine.settings.own_models)
        if kind == "predictions":
            hours = cost.prediction_hours(spec, _items(engine, training, languages), device, _kind(kind, training))
            return slower * hours, 0.0
        phase, examples = _training(engine, kind, training)
        once = slower * cost.training_hours(spec, phase, examples, device, _kind(kind, training))
        return once * _times(engine, kind, phase), cost.checkpoint_gigabytes(spec)

    return cost_of


def _times(engine: Engine, kind: str, phase: Phase) -> int:
    """Return how often a phase is trained: at each rate, and at the best one again where its way is to be read."""
    again = kind == "checkpoint" and bool(phase.tried_rates) and engine.settings.trajectory > 0
    return len(phase.at_rates()) + again


def _kind(artefact: str, training: Training) -> str:
    """Return the kind of task that an artefact is made on."""
    task = tasks.intermediate(training.intermediate)
    return task.kind if artefact == "intermediate" and not task.control else tasks.target(training.target).kind


def _training(engine: Engine, kind: str, training: Training) -> tuple[Phase, int]:
    """Return the phase of one training and its number of examples, as published where the data cannot be read here."""
    recipes = engine.recipes(training)
    try:
        if kind == "intermediate":
            return recipes.intermediate_phase, sum(
                facts.count for facts in recipes.materials.intermediate_facts(training)
            )
        return recipes.target_phase, recipes.materials.facts("train", training).count
    except CrosscalError:
        return _published(engine, recipes, kind)


def _published(engine: Engine, recipes: Recipes, kind: str) -> tuple[Phase, int]:
    training = recipes.training
    if kind == "checkpoint":
        published, phase = tasks.target(training.target).published_train, recipes.target_phase
    else:
        control = tasks.intermediate(training.intermediate).control
        token = tasks.MORE_REFERENCE if control else training.intermediate
        published, phase = tasks.intermediate(token).published_train, recipes.protocol.phase("intermediate", token)
    return phase, _within(published, engine.settings.train_limit)


def _items(engine: Engine, training: Training, languages: tuple[str, ...]) -> int:
    """Return the number of items a checkpoint predicts: test and calibration half of each language.

    The test once more at each step of a trajectory.
    """
    materials = engine.recipes(training).materials
    limit = engine.settings.eval_limit
    try:
        test = materials.facts("test", training, languages[0]).count
        calibrate = materials.facts("calibrate", training, languages[0]).count if training.trains_target else 0
    except CrosscalError:
        test, calibrate = _within(_PUBLISHED_TEST, limit), _within(_PUBLISHED_CALIBRATE, limit)
    tests = 1 + (engine.settings.trajectory if training.trains_target else 0)
    return len(languages) * (tests * test + calibrate)


def _within(count: int, limit: int | None) -> int:
    return count if limit is None else min(count, limit)
