"""What is known, before any work starts, to be missing for a condition: the reasons for skips."""

from __future__ import annotations

from bench.catalog import models, tasks
from bench.catalog.target_languages import pivot_of
from bench.catalog.variants import MASKED, variant
from bench.data import mirror
from bench.data.real import require_real
from bench.data.sources import Access
from bench.data.texts import missing_texts, texts_path
from bench.data.translated import require_translated
from bench.engine import Engine
from bench.errors import Unavailable
from bench.materials import foreign_languages
from bench.modeling.directory import has_masked_head
from bench.plan import Training
from bench.weights import require_gpu, require_weights


def require(engine: Engine, training: Training, language: str) -> None:
    """Raise Unavailable, naming what is needed and why, when `training` cannot be done or read in `language` here."""
    spec = models.model(training.model, engine.settings.own_models)
    if not engine.has_located(spec, training):
        require_weights(spec, training, engine.settings.access)
    if training.world is None:
        _require_data(engine, training, language)
    if training.variant == MASKED:
        _require_masked_head(engine, training, spec)
    require_gpu(spec, engine.settings.device)


def _require_data(engine: Engine, training: Training, language: str) -> None:
    access = engine.settings.access
    substitutes = dict(engine.settings.substitutes)
    for name, split, token in _needed(engine, training, language):
        require_real(name, split, token, access, substitutes)
    _require_foreign(training, access)


def _needed(engine: Engine, training: Training, language: str) -> list[tuple[str, str, str]]:
    """Return (task, split, language) of everything that is read."""
    target, source = training.target, training.source
    if training.trains_target:
        fitted = engine.fit_languages(training, language)
        needed = [(target, "train", source), *((target, "validation", each) for each in fitted)]
        needed += [(target, "test", source), (target, "test", language)]
    elif pivot := pivot_of(target, training.world):
        needed = [(target, "test", each) for each in (language, pivot)]
    else:
        needed = [(target, split, language) for split in ("validation", "test")]
    return needed + [(name, "train", source) for name in _intermediate_data(training.intermediate)]


def _intermediate_data(token: str) -> tuple[str, ...]:
    task = tasks.intermediate(token)
    if task.control:
        return (tasks.MORE_REFERENCE,)
    if token == tasks.DISJOINT:
        return ("mnli",)
    return task.parts or (() if token == "none" else (token,))


def _require_foreign(training: Training, access: Access) -> None:
    for language in foreign_languages(training):
        if variant(training.variant).noise is not None:
            for name in _intermediate_data(training.intermediate):
                require_translated(name, language, access)
        if training.variant == MASKED and mirror.find_file(access.mirrors, texts_path(language)) is None:
            raise Unavailable("data", missing_texts(language))


def _require_masked_head(engine: Engine, training: Training, spec: models.ModelSpec) -> None:
    if spec.truncated_from:
        raise Unavailable("weights", f"{spec.token} has lost the layer that its masked-language-modelling head reads")
    directory = engine.recipes(training).weights.directory
    if not has_masked_head(directory):
        raise Unavailable("weights", f"{spec.token} has no masked-language-modelling head, which {MASKED} needs")
