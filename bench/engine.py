"""Make sure that what a condition needs exists: find it in the store, or train and predict it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.calibration.fit_set import fit_languages
from bench.calibration.recalibration_name import RecalibrationName
from bench.canonical import digest
from bench.catalog import models, protocols, tasks, variants
from bench.condition import Condition
from bench.data.example import Split
from bench.data.sources import Access
from bench.errors import CrosscalError, DataError, Unavailable, UpstreamFailed
from bench.materials import Materials
from bench.modeling.progress import Report
from bench.plan import Training, training_of
from bench.predictions import Predictions, read_predictions
from bench.recipe import encoder_identity, phase_identity, predictions_identity
from bench.store import Entry, Failures, Store
from bench.study import Study
from bench.training.protocol import Phase
from bench.weights import Weights, locate

PREDICTIONS_FILE = "predictions.parquet"

Watch = Callable[[str], Report | None]


@dataclass(frozen=True)
class Settings:
    """What a session fixes. `languages` are those predicted in one stream for each training, the source first.

    `timing_note` says why throughput counts for nothing here, and is empty where it does. `recalibrations` are scored
    beside the confidence as it is."""

    store: Store
    failures: Failures
    access: Access
    languages: Mapping[Training, tuple[str, ...]]
    own_models: tuple[models.ModelSpec, ...] = ()
    protocol: str = "auto"
    train_limit: int | None = None
    eval_limit: int | None = None
    device: str = "cpu"
    keep_checkpoints: bool = False
    timing_note: str = ""
    recalibrations: tuple[str, ...] = ("ts_en",)


@dataclass(frozen=True)
class Inputs:
    """The stored predictions one condition is scored from, and their keys; `halves` are calibration halves by language.

    `source` is None for the source language itself.
    """

    test: Entry
    source: Entry | None
    halves: Mapping[str, Entry]

    def read(self) -> tuple[Predictions, Predictions | None, dict[str, Predictions]]:
        """Return the predictions of test, source and halves."""
        source = None if self.source is None else read_entry(self.source)
        return read_entry(self.test), source, {language: read_entry(entry) for language, entry in self.halves.items()}


def target_languages(training: Training) -> tuple[str, ...]:
    """Return every language a checkpoint can be evaluated in."""
    if training.world is None:
        return tasks.target(training.target).languages
    from bench.data.artificial import language_tokens

    return language_tokens(training.world)


def read_entry(entry: Entry) -> Predictions:
    """Return the predictions stored in `entry`."""
    return read_predictions(entry.path / PREDICTIONS_FILE)


class Recipes:
    """The keys of one training's artefacts, computed from weights, data and phases; nothing is trained here."""

    def __init__(self, training: Training, settings: Settings, materials: Materials, study: Study) -> None:
        self.training = training
        self.spec = models.model(training.model, settings.own_models)
        self.materials = materials
        self._access = settings.access
        self.protocol = protocols.protocol(study.protocol)

    @cached_property
    def weights(self) -> Weights:
        """The pretrained weights; raises Unavailable when they cannot be had."""
        return locate(self.spec, self.training, self._access)

    @cached_property
    def target_phase(self) -> Phase:
        """The phase on the target task, with what the variant changes."""
        phase = self.protocol.phase("target", self.training.target)
        return variants.variant(self.training.variant).apply(phase)

    @cached_property
    def intermediate_phase(self) -> Phase:
        """The intermediate phase: its full schedule, no selection, so that arms differ in data and not in luck.

        It is the same for all variants, which change the target phase alone and share the encoder.
        """
        phase = self.protocol.phase("intermediate", self.training.intermediate)
        phase = replace(phase, patience=None, evaluate_every=None, select_limit=None)
        if not tasks.intermediate(self.training.intermediate).control:
            return phase
        reference = self.protocol.phase("intermediate", tasks.MORE_REFERENCE)
        steps = reference.total_steps(len(self.materials.reference(self.training).examples))
        return replace(phase, epochs=None, max_steps=steps)

    @cached_property
    def intermediate_identity(self) -> dict[str, Any]:
        """Everything that determines the intermediate encoder."""
        start = encoder_identity(self.weights.digest, self.spec.layers)
        train = self.materials.intermediate(self.training)
        return phase_identity(start, self.intermediate_phase, train, None, self.training.seed)

    @cached_property
    def intermediate_key(self) -> str:
        """The key of the intermediate encoder."""
        return digest(self.intermediate_identity)

    @cached_property
    def checkpoint_identity(self) -> dict[str, Any]:
        """Everything that determines the fine-tuned checkpoint."""
        start: dict[str, Any] | str = encoder_identity(self.weights.digest, self.spec.layers)
        if self.training.intermediate != "none":
            start = self.intermediate_key
        train, select = self.materials.train(self.training), self.materials.select(self.training)
        return phase_identity(start, self.target_phase, train, select, self.training.seed)

    @cached_property
    def checkpoint_key(self) -> str:
        """The key of the fine-tuned checkpoint."""
        return digest(self.checkpoint_identity)

    def predictions_key(self, split: Split) -> str:
        """Return the key of this checkpoint's predictions on `split`."""
        return digest(self.predictions_identity(split))

    def predictions_identity(self, split: Split) -> dict[str, Any]:
        """Return everything that determines this checkpoint's predictions on `split`."""
        return predictions_identity(self.checkpoint_key, split, self.target_phase.max_length)


class Engine:
    """Finds or makes artefacts for conditions; every failure is remembered, so nothing is tried twice in a session."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._recipes: dict[Training, Recipes] = {}
        self._materials: dict[Study, Materials] = {}

    def study(self, model: str) -> Study:
        """Return the study of a model: the protocol asked for, or the catalog's own for that model."""
        settings = self.settings
        spec = models.model(model, settings.own_models)
        token = spec.protocol if settings.protocol == "auto" else settings.protocol
        protocol = protocols.protocol(token)
        return Study(protocol.token, protocol.settings, settings.train_limit, settings.eval_limit)

    def materials(self, study: Study) -> Materials:
        """Return the splits of a study, loaded once."""
        return self._materials.setdefault(study, Materials(self.settings.access, study))

    def recipes(self, training: Training) -> Recipes:
        """Return the keys of a training's artefacts; raises Unavailable or DataError when inputs cannot be had."""
        if training not in self._recipes:
            study = self.study(training.model)
            self._recipes[training] = Recipes(training, self.settings, self.materials(study), study)
        return self._recipes[training]

    def find(self, condition: Condition) -> Inputs | None:
        """Return what `condition` is scored from, or None while any of it is missing."""
        training = training_of(condition)
        materials = self.recipes(training).materials
        test, source = (
            self.stored(training, materials.test(training, each)) for each in (condition.language, training.source)
        )
        fitted = self.fit_languages(training, condition.language)
        halves = {each: self.stored(training, materials.calibrate(training, each)) for each in fitted}
        stored = {language: entry for language, entry in halves.items() if entry is not None}
        if test is None or source is None or len(stored) < len(halves):
            return None
        return Inputs(test, None if condition.language == training.source else source, stored)

    def is_complete(self, training: Training) -> bool:
        """Return whether all predictions selected for a training are stored."""
        return all(self.stored(training, split) is not None for split in self.streams(training))

    def needs_no_checkpoint(self, training: Training) -> bool:
        """Return whether every language of the target is predicted: nothing can ask for the checkpoint again."""
        selected = set(self.settings.languages.get(training, ()))
        if not selected.issuperset(target_languages(training)):
            return False
        tests = [split for split in self.streams(training) if split.name == "test"]
        return len(tests) == len(selected) and self.is_complete(training)

    def streams(self, training: Training) -> list[Split]:
        """Return the splits a checkpoint predicts in one stream: test and calibration half of every selected language.

        The halves of all of them, asked for or not: any recalibration can then be scored without the checkpoint. A pool
        takes the halves of the others too. What cannot be read is left out; its own case says why.
        """
        materials = self.recipes(training).materials
        selected = self.settings.languages.get(training, (training.source,))
        pooled = self.fit_languages(training, training.source)
        parts = [(materials.calibrate, each) for each in dict.fromkeys((*selected, *pooled))]
        splits = []
        for part, language in [*parts, *((materials.test, each) for each in selected)]:
            with suppress(DataError, Unavailable):
                splits.append(part(training, language))
        return splits

    def fit_languages(self, training: Training, language: str) -> tuple[str, ...]:
        """Return the languages whose calibration halves the recalibrations of a language need, the source first.

        A pool is of all languages of the target, selected or not: what a row says does not depend on its neighbours.
        """
        names = [RecalibrationName.parse(text) for text in self.settings.recalibrations]
        wanted = {
            each
            for name in names
            if name is not None
            for each in fit_languages(name.where, training.source, language, target_languages(training))
        }
        return (training.source, *sorted(wanted - {training.source}))

    def stored(self, training: Training, split: Split) -> Entry | None:
        """Return the predictions of a training on `split`, or None while they are missing."""
        return self.settings.store.find("predictions", self.recipes(training).predictions_key(split))

    @contextmanager
    def remembering(self, key: str, condition: Condition) -> Iterator[None]:
        """Remember any failure of the artefact `key`; raises UpstreamFailed if it has failed already."""
        failure = self.settings.failures.find(key)
        if failure is not None:
            raise UpstreamFailed(f"upstream {key[:12]} failed in {failure.condition_id}: {failure.message}")
        try:
            yield
        except UpstreamFailed:
            raise
        except Exception as error:
            message = str(error) if isinstance(error, CrosscalError) else f"{type(error).__name__}: {error}"
            self.settings.failures.remember(key, condition.id, message)
            raise
