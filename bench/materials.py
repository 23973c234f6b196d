"""The splits a run reads, each loaded once in a process, with the study's limits applied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bench.catalog import tasks
from bench.catalog.languages import world_of
from bench.catalog.variants import ARTIFICIAL_LANGUAGES, REAL_LANGUAGES, variant
from bench.data.example import AnyExample, Split
from bench.data.groups import halve_by_group, limit_by_groups, limit_to_groups, without_groups
from bench.data.real import load_real
from bench.data.sources import Access
from bench.data.texts import load_texts
from bench.data.translated import load_translated
from bench.errors import DataError
from bench.plan import Training
from bench.split_facts import SplitFacts, facts_of, noted
from bench.study import Study

Part = Literal["train", "reference", "select", "calibrate", "validation", "test"]
# Texts of each language that are read beside an intermediate task.
_TEXTS = 2000


class Materials:
    """Loads the splits of one study.

    Whole groups are taken up to the limits; development sets are halved by group into `select` (early stopping, of the
    source alone) and `calibrate` (calibrators), which never meet. Facts of artificial splits are noted in `notes`.
    """

    def __init__(self, access: Access, study: Study, notes: Path | None = None) -> None:
        self._access = access
        self._study = study
        self._notes = notes
        self._splits: dict[tuple[str, ...], Split] = {}
        self._facts: dict[tuple[object, ...], tuple[SplitFacts, ...]] = {}

    def facts(self, part: Part, training: Training, *language: str) -> SplitFacts:
        """Return the facts of what the method named `part` returns for the other arguments."""
        return self._noted(part, training, language, lambda: (getattr(self, part)(training, *language),))[0]

    def intermediate_facts(self, training: Training) -> tuple[SplitFacts, ...]:
        """Return the facts of what `intermediates` returns."""
        return self._noted("intermediates", training, (), lambda: self.intermediates(training))

    def train(self, training: Training) -> Split:
        """Return the target's training examples in the source language: under `mnli_disjoint` half of XNLI's."""
        whole = self._limited(training.target, "train", training.source, self._study.train_limit)
        if (training.intermediate, training.target) == (tasks.DISJOINT, "xnli"):
            return self._kept((training.target, "disjoint"), lambda: _half_by_text(whole, 1))
        return whole

    def intermediates(self, training: Training) -> tuple[Split, ...]:
        """Return what the intermediate phase trains on, a split a task; for `more`, the target's own examples."""
        task = tasks.intermediate(training.intermediate)
        if task.control:
            return (self.train(training),)
        if training.intermediate == tasks.DISJOINT:
            whole = self._limited("mnli", "train", training.source, self._study.train_limit)
            return (self._kept((tasks.DISJOINT,), lambda: _half_by_text(whole, 0)),)
        load = self._source if variant(training.variant).noise is None else self._translated
        return tuple(load(part, training) for part in task.parts or (task.token,))

    def reference(self, training: Training) -> Split:
        """Return the training examples of the intermediate task whose number of steps `more` takes."""
        return self._source(tasks.MORE_REFERENCE, training)

    def texts(self, training: Training) -> tuple[str, ...]:
        """Return the texts that are read beside an intermediate task, those of one language after the other."""
        return tuple(
            text for language in foreign_languages(training) for text in load_texts(language, _TEXTS, self._access)
        )

    def select(self, training: Training) -> Split:
        """Return the half of the source's development set that early stopping sees."""
        return self._half(training, 0, training.source)

    def calibrate(self, training: Training, language: str) -> Split:
        """Return the half of a language's development set that calibrators are fitted on.

        Halves depend on the groups alone: what early stopping has seen in the source is in no language's half.
        """
        return self._half(training, 1, language)

    def validation(self, training: Training, language: str) -> Split:
        """Return the whole development set of one language: what a mining threshold is chosen on."""
        return self._limited(training.target, "validation", language, self._study.eval_limit)

    def test(self, training: Training, language: str) -> Split:
        """Return the test examples of one language; under a limit those of the groups that the source keeps.

        Where a language has only some of the source's groups, a limit of its own would keep others.
        """
        limit = self._study.eval_limit
        if limit is None or language == training.source or not training.trains_target:
            return self._limited(training.target, "test", language, limit)
        return self._kept((training.target, "test", language), lambda: self._beside_source(training, language, limit))

    def _beside_source(self, training: Training, language: str, limit: int) -> Split:
        task, origin = training.target, training.source
        whole = self._load(task, "test", language)
        source = self._kept((task, "test", origin, "whole"), lambda: self._load(task, "test", origin))
        known = {example.group_id for example in source.examples}
        if not all(example.group_id in known for example in whole.examples):
            return limit_by_groups(whole, limit, f"{task} test")
        kept = {example.group_id for example in self.test(training, origin).examples}
        return whole if kept == known else limit_to_groups(whole, kept)

    def _half(self, training: Training, which: int, language: str) -> Split:
        key = (training.target, "half", language, str(which))
        if key not in self._splits:
            halves = halve_by_group(self.validation(training, language))
            self._splits[(*key[:3], "0")], self._splits[(*key[:3], "1")] = halves
            if language != training.source:
                # Languages that lack some groups are halved elsewhere.
                seen = {example.group_id for example in self.select(training).examples}
                self._splits[(*key[:3], "1")] = without_groups(halves[1], seen)
        return self._splits[key]

    def _source(self, task: str, training: Training) -> Split:
        return self._limited(task, "train", training.source, self._study.train_limit)

    def _translated(self, task: str, training: Training) -> Split:
        noise = variant(training.variant).noise or 0.0

        def mixed() -> Split:
            limit = self._study.train_limit
            languages = [self._source(task, training)]
            for language in foreign_languages(training):
                whole = _load_translated(task, language, noise, self._access)
                languages.append(whole if limit is None else limit_by_groups(whole, limit, f"{task} train"))
            return _in_turn(languages)

        return self._kept((task, training.variant, training.source), mixed)

    def _limited(self, task: str, split: str, language: str, limit: int | None) -> Split:
        def load() -> Split:
            loaded = self._load(task, split, language)
            return loaded if limit is None else limit_by_groups(loaded, limit, f"{task} {split}")

        return self._kept((task, split, language), load)

    def _load(self, task: str, split: str, language: str) -> Split:
        if world_of(language) is None:
            return load_real(task, split, language, self._access, dict(self._study.substitutes))
        from bench.data.artificial import artificial_split

        return artificial_split(task, split, language)

    def _noted(
        self, part: str, training: Training, language: tuple[str, ...], load: Callable[[], tuple[Split, ...]]
    ) -> tuple[SplitFacts, ...]:
        what = (part, training.world, training.intermediate, training.target, training.variant, *language)
        if what not in self._facts:
            if self._notes is None or training.world is None:
                self._facts[what] = tuple(map(facts_of, load()))
            else:
                limits = [self._study.train_limit, self._study.eval_limit, self._study.substitutes]
                self._facts[what] = noted(self._notes, [what, limits], load)
        return self._facts[what]

    def _kept(self, key: tuple[str, ...], load: Callable[[], Split]) -> Split:
        if key not in self._splits:
            self._splits[key] = load()
        return self._splits[key]


def foreign_languages(training: Training) -> tuple[str, ...]:
    """Return the languages of the variants that read other languages than the source in the intermediate phase."""
    if training.world is None:
        return REAL_LANGUAGES
    return tuple(f"w{training.world}_{code}" for code in ARTIFICIAL_LANGUAGES)


def _load_translated(task: str, language: str, noise: float, access: Access) -> Split:
    if world_of(language) is None:
        return load_translated(task, language, access)
    from bench.data.artificial import artificial_split

    return artificial_split(task, "train", language, noise)


def _in_turn(languages: list[Split]) -> Split:
    """Return each group of examples in one of the languages, by hash: as many examples as one language has."""
    source = languages[0]
    found = [{one.item_id: one for one in split.examples} for split in languages]
    chosen = tuple(
        found[place].get(one.item_id, one)
        for one in source.examples
        for place in [_hash("language", one.group_id) % len(languages)]
    )
    names = ", ".join(split.language for split in languages)
    read = sum(one is not other for one, other in zip(chosen, source.examples, strict=True))
    if not read:
        raise DataError(
            f"The translations of {source.name} into {names.partition(', ')[2]} hold no item of {source.language}; "
            "translate the data that are trained on, and keep their order."
        )
    notes = [source.provenance.note, f"groups in turn in {names}: {read} of {len(chosen)} examples translated"]
    note = "; ".join(text for text in notes if text)
    flags = (*source.provenance.flags, "translated")
    return replace(source, examples=chosen, provenance=replace(source.provenance, note=note, flags=flags))


def _half_by_text(split: Split, which: int) -> Split:
    """Return the examples of half of the premises, by their text: two data sets may number them differently."""
    kept = tuple(one for one in split.examples if _hash("half", _premise(one)) % 2 == which)
    return replace(split, examples=kept)


def _premise(example: AnyExample) -> str:
    return str(getattr(example, "text", ""))


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
