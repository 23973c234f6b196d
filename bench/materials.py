"""The splits a run reads, each loaded once in a process, with the study's limits applied."""

from __future__ import annotations

from bench.catalog import tasks
from bench.catalog.languages import world_of
from bench.data.example import Split
from bench.data.groups import halve_by_group, limit_by_groups, without_groups
from bench.data.nli import load_nli
from bench.data.sources import Access
from bench.plan import Training
from bench.study import Study


class Materials:
    """Loads the splits of one study.

    Whole premise groups are taken up to the limits; development sets are halved by group into `select` (early stopping,
    of the source alone) and `calibrate` (calibrators), which never meet.
    """

    def __init__(self, access: Access, study: Study) -> None:
        self._access = access
        self._study = study
        self._splits: dict[tuple[str, ...], Split] = {}

    def train(self, training: Training) -> Split:
        """Return the target's training examples in the source language."""
        return self._limited(training.target, "train", training.source, self._study.train_limit)

    def intermediate(self, training: Training) -> Split:
        """Return what the intermediate phase trains on; for `more`, the target's own training examples."""
        if training.intermediate == "more":
            return self.train(training)
        return self._limited(training.intermediate, "train", training.source, self._study.train_limit)

    def reference(self, training: Training) -> Split:
        """Return the training examples of the intermediate task whose number of steps `more` takes."""
        return self._limited(tasks.MORE_REFERENCE, "train", training.source, self._study.train_limit)

    def select(self, training: Training) -> Split:
        """Return the half of the source's development set that early stopping sees."""
        return self._half(training, 0, training.source)

    def calibrate(self, training: Training, language: str) -> Split:
        """Return the half of a language's development set that calibrators are fitted on.

        Halves depend on the groups alone: what early stopping has seen in the source is in no language's half.
        """
        return self._half(training, 1, language)

    def test(self, training: Training, language: str) -> Split:
        """Return the test examples of one language."""
        return self._limited(training.target, "test", language, self._study.eval_limit)

    def _half(self, training: Training, which: int, language: str) -> Split:
        key = (training.target, "half", language, str(which))
        if key not in self._splits:
            whole = self._limited(training.target, "validation", language, self._study.eval_limit)
            halves = halve_by_group(whole)
            self._splits[(*key[:3], "0")], self._splits[(*key[:3], "1")] = halves
            if language != training.source:
                # Languages that lack some groups are halved elsewhere.
                seen = {example.group_id for example in self.select(training).examples}
                self._splits[(*key[:3], "1")] = without_groups(halves[1], seen)
        return self._splits[key]

    def _limited(self, task: str, split: str, language: str, limit: int | None) -> Split:
        key = (task, split, language)
        if key not in self._splits:
            loaded = _load(task, split, language, self._access)
            self._splits[key] = loaded if limit is None else limit_by_groups(loaded, limit, f"{task} {split}")
        return self._splits[key]


def _load(task: str, split: str, language: str, access: Access) -> Split:
    if world_of(language) is None:
        return load_nli(task, split, language, access)
    from bench.data.artificial import nli_split

    return nli_split(task, split, language)
