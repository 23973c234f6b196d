"""Make sure that what a condition needs exists: find it in the store, or train and predict it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from bench.calibration.fit_set import fit_languages
from bench.calibration.recalibration_name import RecalibrationName
from bench.catalog import models, protocols, tasks
from bench.catalog.target_languages import pivot_of, target_languages
from bench.condition import Condition
from bench.data.example import MINING, RETRIEVAL, Split
from bench.data.sources import Access
from bench.errors import CrosscalError, DataError, Unavailable, UpstreamFailed
from bench.keys import Recipes
from bench.materials import Materials, Part
from bench.modeling.progress import Report
from bench.plan import Training, training_of
from bench.predictions import Predictions, read_predictions
from bench.split_facts import Identified, SplitFacts
from bench.store import Entry, Failures, Store
from bench.study import Precision, Study
from bench.training.trajectory import planned_steps, steps_until
from bench.weights import Weights, locate

PREDICTIONS_FILE = "predictions.parquet"

Watch = Callable[[str], Report | None]


@dataclass(frozen=True)
class Settings:
    """What a session fixes. `languages` are those predicted in one stream for each training, the source first.

    `timing_note` says why throughput counts for nothing here, and is empty where it does. `recalibrations` are scored
    beside the confidence as it is. An unfinished training keeps its state every `snapshot_seconds`. At `trajectory`
    steps of a target's training its test predictions are kept (bench.training.trajectory; 0: at none)."""

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
    substitutes: tuple[tuple[str, str], ...] = ()
    precision: Precision = "float32"
    snapshot_seconds: float = 600.0
    trajectory: int = 0


@dataclass(frozen=True)
class Inputs:
    """The stored predictions one condition is scored from, and their keys; `halves` are calibration halves by language.

    `source` is None for the source language itself. `trajectory` are the predictions at steps of the training, in
    their order, empty unless asked for.
    """

    test: Entry
    source: Entry | None
    halves: Mapping[str, Entry]
    trajectory: tuple[Entry, ...] = ()

    def read(self) -> tuple[Predictions, Predictions | None, dict[str, Predictions]]:
        """Return the predictions of test, source and halves."""
        source = None if self.source is None else read_entry(self.source)
        return read_entry(self.test), source, {language: read_entry(entry) for language, entry in self.halves.items()}

    def read_trajectory(self) -> list[tuple[str, Predictions]]:
        """Return key and predictions of every point of the trajectory."""
        return [(entry.key, read_entry(entry)) for entry in self.trajectory]


def read_entry(entry: Entry) -> Predictions:
    """Return the predictions stored in `entry`, one and the same object while it is among the last ones read."""
    return _read(entry.path / PREDICTIONS_FILE, entry.manifest.files[PREDICTIONS_FILE].sha256)


# The source and its calibration half are read for every language. The digest keeps apart what was made anew.
@lru_cache(maxsize=16)
def _read(path: Path, sha256: str) -> Predictions:
    return read_predictions(path)


class Engine:
    """Finds or makes artefacts for conditions; every failure is remembered, so nothing is tried twice in a session."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._recipes: dict[Training, Recipes] = {}
        self._materials: dict[Study, Materials] = {}
        self._studies: dict[str, Study] = {}
        self._weights: dict[tuple[str, int | None], Weights] = {}
        self._shared: dict[tuple[Training, SplitFacts], Entry] = {}

    def study(self, model: str) -> Study:
        """Return the study of a model: the protocol asked for, or the catalog's own for that model."""
        if model not in self._studies:
            self._studies[model] = self._study(model)
        return self._studies[model]

    def _study(self, model: str) -> Study:
        settings = self.settings
        spec = models.model(model, settings.own_models)
        token = spec.protocol if settings.protocol == "auto" else settings.protocol
        protocol = protocols.protocol(token)
        return Study(
            protocol.token, protocol.settings, settings.train_limit, settings.eval_limit,
            substitutes=settings.substitutes, precision=settings.precision,
        )  # fmt: skip

    def materials(self, study: Study) -> Materials:
        """Return the splits of a study, loaded once."""
        notes = self.settings.store.root / "digests"
        return self._materials.setdefault(study, Materials(self.settings.access, study, notes))

    def recipes(self, training: Training) -> Recipes:
        """Return the keys of a training's artefacts; raises Unavailable or DataError when inputs cannot be had."""
        if training not in self._recipes:
            study = self.study(training.model)
            spec = models.model(training.model, self.settings.own_models)
            self._recipes[training] = Recipes(training, spec, self.materials(study), study, self._located)
        return self._recipes[training]

    def has_located(self, spec: models.ModelSpec, training: Training) -> bool:
        """Return whether the weights that a training starts from have been found."""
        return (spec.token, training.world) in self._weights

    def _located(self, spec: models.ModelSpec, training: Training) -> Weights:
        """Return the weights of a model, which all its trainings in one world start from, located once."""
        place = spec.token, training.world
        if place not in self._weights:
            self._weights[place] = locate(spec, training, self.settings.access)
        return self._weights[place]

    def recalibrations(self, training: Training) -> tuple[str, ...]:
        """Return the recalibrations that are scored for a training beside "none".

        Retrieval has no source language: what was asked for there is fitted on the pivot pair, by a temperature alone.
        The confidence of mined pairs is calibrated by construction.
        """
        asked = self.settings.recalibrations
        unlike = {MINING: (), RETRIEVAL: asked and ("ts_pivot",)}
        return unlike.get(tasks.target(training.target).kind, asked)

    def find(self, condition: Condition, hashed: bool = False) -> Inputs | None:
        """Return what `condition` is scored from, or None while any of it is missing or, if `hashed`, damaged."""
        training = training_of(condition)
        materials = self.recipes(training).materials
        test = self.stored(training, materials.facts("test", training, condition.language), hashed)
        halves = {
            each: self._shared_by_languages(training, split, hashed)
            for each, split in self._fitted(training, condition.language)
        }
        stored = {language: entry for language, entry in halves.items() if entry is not None}
        trajectory = self.trajectory(training, condition.language, hashed)
        if test is None or trajectory is None or len(stored) < len(halves):
            return None
        if condition.language == training.source or not training.trains_target:
            return Inputs(test, None, stored, trajectory)
        source = self._shared_by_languages(training, materials.facts("test", training, training.source), hashed)
        return None if source is None else Inputs(test, source, stored, trajectory)

    def _shared_by_languages(self, training: Training, split: SplitFacts, hashed: bool) -> Entry | None:
        """Return what `stored` does; what is there is looked for once, though every language of a training asks."""
        place = training, split
        if hashed or place not in self._shared:
            self._shared.pop(place, None)
            if (entry := self.stored(training, split, hashed)) is None:
                return None
            self._shared[place] = entry
        return self._shared[place]

    def _fitted(self, training: Training, language: str) -> list[tuple[str, SplitFacts]]:
        """Return, by language, the splits whose predictions the recalibrations of a language are fitted on."""
        materials = self.recipes(training).materials
        pivot = pivot_of(training.target, training.world)
        if pivot:
            return [(pivot, materials.facts("test", training, pivot))] if self.recalibrations(training) else []
        return [(each, materials.facts("calibrate", training, each)) for each in self.fit_languages(training, language)]

    def is_complete(self, training: Training) -> bool:
        """Return whether all predictions selected for a training are stored, those on its way too."""
        readable = self._readable(training)
        return all(self.stored(training, facts) is not None for facts in readable) and self.is_traced(training)

    def is_traced(self, training: Training) -> bool:
        """Return whether the trajectory of a training is stored in all its languages, where one is asked for."""
        languages = [facts.language for facts in self._readable(training) if facts.name == "test"]
        return all(self.trajectory(training, each) is not None for each in languages)

    def traced(self, training: Training) -> list[Split]:
        """Return the splits that are predicted on the way of a training: the tests of its languages, where asked."""
        asked = self.settings.trajectory and training.trains_target
        return [split for split in self.streams(training) if split.name == "test"] if asked else []

    def planned(self, training: Training) -> tuple[int, ...]:
        """Return the steps at which a training of a target is to be read."""
        return planned_steps(self._steps(training), self.settings.trajectory)

    def trajectory(self, training: Training, language: str, hashed: bool = False) -> tuple[Entry, ...] | None:
        """Return the test predictions in a language at the steps of a training, () where none are asked for.

        None while any is missing or, if `hashed`, damaged, and before the training has ended.
        """
        if not self.settings.trajectory or not training.trains_target:
            return ()
        split = self.recipes(training).materials.facts("test", training, language)
        end = self._end(training, split)
        if end is None:
            return None
        steps = steps_until(end, self._steps(training), self.settings.trajectory)
        found = [self.stored(training, split, hashed, step) for step in steps]
        stored = tuple(entry for entry in found if entry is not None)
        return stored if len(stored) == len(found) else None

    def _steps(self, training: Training) -> int:
        recipes = self.recipes(training)
        return recipes.target_phase.total_steps(recipes.materials.facts("train", training).count)

    def _end(self, training: Training, split: SplitFacts) -> int | None:
        """Return the step at which a training ended, as told by its checkpoint or, once that is dropped, by `split`."""
        checkpoint = self.settings.store.find("checkpoint", self.recipes(training).checkpoint_key)
        if checkpoint is not None:
            return int(checkpoint.manifest.provenance["report"]["steps"])
        test = self.stored(training, split)
        return None if test is None else int(test.manifest.provenance["train"]["steps"])

    def needs_no_checkpoint(self, training: Training) -> bool:
        """Return whether every language of the target is predicted: nothing can ask for the checkpoint again."""
        selected = set(self.settings.languages.get(training, ()))
        if not selected.issuperset(target_languages(training.target, training.world)):
            return False
        tests = [facts for facts in self._readable(training) if facts.name == "test"]
        return len(tests) == len(selected) and self.is_complete(training)

    def streams(self, training: Training) -> list[Split]:
        """Return the splits a checkpoint predicts in one stream: test and calibration half of every selected language.

        The halves of all of them, asked for or not: any recalibration can then be scored without the checkpoint. A pool
        takes the halves of the others too; a retrieval task the pivot pair. What cannot be read is left out; its own
        case says why.
        """
        materials = self.recipes(training).materials
        read = {"calibrate": materials.calibrate, "test": materials.test}
        splits = []
        for part, language in self._streamed(training):
            with suppress(DataError, Unavailable):
                splits.append(read[part](training, language))
        return splits

    def _readable(self, training: Training) -> list[SplitFacts]:
        """Return the facts of `streams`."""
        materials = self.recipes(training).materials
        found = []
        for part, language in self._streamed(training):
            with suppress(DataError, Unavailable):
                found.append(materials.facts(part, training, language))
        return found

    def _streamed(self, training: Training) -> list[tuple[Part, str]]:
        selected = self.settings.languages.get(training, (training.source,) if training.trains_target else ())
        halves: tuple[str, ...] = ()
        if training.trains_target:
            halves = (*selected, *self.fit_languages(training, training.source))
        elif pivot := pivot_of(training.target, training.world):
            selected = (*selected, pivot)
        calibrate: list[tuple[Part, str]] = [("calibrate", each) for each in dict.fromkeys(halves)]
        return [*calibrate, *(("test", each) for each in dict.fromkeys(selected))]

    def fit_languages(self, training: Training, language: str) -> tuple[str, ...]:
        """Return the languages whose calibration halves the recalibrations of a language need, the source first.

        A pool is of all languages of the target, selected or not: what a row says does not depend on its neighbours.
        """
        wanted = {
            each
            for name in self._names
            if name is not None
            for each in fit_languages(
                name.where, training.source, language, target_languages(training.target, training.world)
            )
        }
        return (training.source, *sorted(wanted - {training.source})) if training.trains_target else ()

    @cached_property
    def _names(self) -> tuple[RecalibrationName | None, ...]:
        return tuple(map(RecalibrationName.parse, self.settings.recalibrations))

    def stored(
        self, training: Training, split: Identified, hashed: bool = False, step: int | None = None
    ) -> Entry | None:
        """Return the predictions of a training on `split`, or None while they are missing or, if `hashed`, damaged.

        `step`: those that were made on its way.
        """
        return self.settings.store.find("predictions", self.recipes(training).predictions_key(split, step), hashed)

    @contextmanager
    def remembering(self, name: Callable[[], str], condition: Condition) -> Iterator[None]:
        """Remember any failure of the artefact whose key is `name()`; raises UpstreamFailed if it failed already."""
        failures = self.settings.failures
        failure = failures.find(name()) if failures.has_any() else None
        if failure is not None:
            raise UpstreamFailed(f"upstream {failure.key[:12]} failed in {failure.condition_id}: {failure.message}")
        try:
            yield
        except UpstreamFailed:
            raise
        except Exception as error:
            message = str(error) if isinstance(error, CrosscalError) else f"{type(error).__name__}: {error}"
            failures.remember(name(), condition.id, message)
            raise
