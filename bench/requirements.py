"""What is known, before any work starts, to be missing for a condition: the reasons for skips."""

from __future__ import annotations

from bench.catalog import models, tasks
from bench.data import hub, mirror
from bench.data.dataset_spec import dataset_spec
from bench.data.sources import Access
from bench.engine import Engine
from bench.errors import Unavailable
from bench.plan import Training
from bench.weights import require_weights


def require(engine: Engine, training: Training, language: str) -> None:
    """Raise Unavailable, naming what is needed and why, when `training` cannot be done or read in `language` here."""
    spec = models.model(training.model, engine.settings.own_models)
    _require_loaders(training)
    require_weights(spec, training, engine.settings.access)
    _require_data(training, language, engine.fit_languages(training, language), engine.settings.access)
    if spec.needs_gpu and not engine.settings.device.startswith("cuda"):
        size = spec.body_parameters / 1e6
        raise Unavailable("gpu", f"{spec.token} has {size:.0f} M non-embedding parameters, and there is no GPU here")


def _require_loaders(training: Training) -> None:
    for task in (tasks.target(training.target), tasks.intermediate(training.intermediate)):
        if not task.ready:
            raise Unavailable("data", f"this version has no loader for {task.token} yet")


def _require_data(training: Training, language: str, fitted: tuple[str, ...], access: Access) -> None:
    if training.world is not None:
        return
    needed = [(training.target, "train", training.source)]
    needed += [(training.target, "validation", each) for each in fitted]
    needed += [(training.target, "test", training.source), (training.target, "test", language)]
    intermediate = tasks.MORE_REFERENCE if training.intermediate == "more" else training.intermediate
    if intermediate != "none":
        needed.append((intermediate, "train", training.source))
    for name, split, token in needed:
        _require_file(name, split, token, access)


def _require_file(name: str, split: str, language: str, access: Access) -> None:
    spec = dataset_spec(name)
    relative = f"datasets/{spec.repo}/{spec.config_for(language)}/{split}.parquet"
    if mirror.find_file(access.mirrors, relative) is not None:
        return
    if not access.hub_allowed:
        raise Unavailable("hub", f"{relative} is in no mirror, and the hub is not to be used")
    if hub.probe() is not None:
        # Without a connection this looks into the local cache only, and says what it lacks.
        hub.fetch_dataset(spec, language, split)
