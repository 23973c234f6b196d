"""All target tasks of one model under one study: what claims about intermediate training are judged in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.catalog import tasks
from bench.catalog.models import MODELS
from bench.data.example import SENTENCE_PAIR
from bench.report.effects import Effect, mean_effect, standard_error
from bench.report.sections import REAL
from bench.rows import Estimate, Row

# What XTREME averages: of questions the mean of exact match and F1.
XTREME_SCORES = {
    "xnli": ("accuracy",),
    "pawsx": ("accuracy",),
    "udpos": ("chunk_f1",),
    "panx": ("entity_f1",),
    "xquad": ("em", "f1"),
    "mlqa": ("em", "f1"),
    "tydiqa": ("em", "f1"),
    "bucc": ("f1",),
    "tatoeba": ("accuracy",),
}
# Such rows say nothing of the task, or of the encoder, that their id names.
_STAND_INS = frozenset({"substitute_train"})
_PHANG_MODEL = "xlmr_large"
_PARTIAL = frozenset({"capped", "subset", "truncated", "quantised", "substitute_train"})
_NO_CLAIM = {
    "prior_supervision": "an encoder without supervision close to the targets",
    "random_weights": "pretrained weights",
    "stand_in": "what stands in for the hub to be replaced by the hub",
    "local_model": "an encoder of the catalog",
}

# What is read off a row: a value and its standard error over items, None where it has none.
Reader = Callable[[Row], tuple[float, float] | None]


@dataclass(frozen=True, slots=True)
class Cell:
    """A training and its target task."""

    intermediate: str
    target: str
    variant: str = ""


@dataclass(frozen=True, eq=False)
class Setting:
    """The rows of one model under one study in one world, without recalibration."""

    study: str
    protocol: str
    world: str
    model: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """The heading: everything that is held fixed."""
        world = "real data" if self.world == REAL else f"artificial world {self.world}"
        return f"{self.model}, {world}, protocol {self.protocol}, study {self.study[:12]}"

    @cached_property
    def flags(self) -> frozenset[str]:
        """The flags of all rows."""
        return frozenset(flag for row in self.rows for flag in row.flags)

    @property
    def literal(self) -> bool:
        """Whether claims on XLM-R Large can be judged by these rows as they stand, and not by analogy."""
        return self.world == REAL and self.model == _PHANG_MODEL and not self.flags & _PARTIAL

    @property
    def unfit(self) -> str:
        """What a setting would need before anything can be said of Phang et al.; "" where it has that."""
        return next((need for flag, need in _NO_CLAIM.items() if flag in self.flags), "")

    @cached_property
    def _cells(self) -> dict[Cell, dict[tuple[int, str], Row]]:
        cells: dict[Cell, dict[tuple[int, str], Row]] = defaultdict(dict)
        for row in self.rows:
            if not _STAND_INS & set(row.flags):
                condition = row.condition
                cell = Cell(condition.intermediate, condition.target, condition.variant)
                cells[cell][condition.seed, condition.language] = row
        return dict(cells)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The trainings that have rows."""
        return tuple(self._cells)

    def rows_of(self, cell: Cell) -> tuple[Row, ...]:
        """The rows of a training, all languages and seeds."""
        return tuple(self._cells.get(cell, {}).values())

    def languages(self, target: str) -> tuple[str, ...]:
        """The members of a task's average: all of XTREME's; in a world those of the training without intermediate."""
        if self.world == REAL:
            return tasks.target(target).languages
        plain = self._cells.get(Cell("none", target), {})
        return tuple(sorted({language for _, language in plain}))

    def score(self, cell: Cell) -> Effect | None:
        """Return the score that XTREME averages, the mean over languages; see `mean_over`."""
        return self.mean_over(self.languages(cell.target), cell, scored(XTREME_SCORES[cell.target]))

    def mean_over(self, languages: Sequence[str], cell: Cell, read: Reader) -> Effect | None:
        """Return the mean over `languages` of what is `read`, at every seed that has all of them; None without one."""
        found = self._cells.get(cell, {})
        by_language = [_by_seed(found, language, read) for language in languages]
        mean = mean_effect(by_language, same_items=True) if by_language else None
        return mean if mean is not None and mean.seeds else None

    def gain(self, cell: Cell) -> Effect | None:
        """Return how much the score is above that without an intermediate task; None where either is missing."""
        return self.change(cell, self.score(cell), self.score(Cell("none", cell.target)))

    def change(self, cell: Cell, own: Effect | None, plain: Effect | None) -> Effect | None:
        """Return `own` minus `plain`, the same without an intermediate task; None where either is missing.

        A retrieval task trains nothing, so without intermediate it has one seed, which stands for all.
        """
        if own is None or plain is None:
            return None
        if not tasks.target(cell.target).trains:
            only = plain.by_seed[plain.seeds[0]]
            plain = Effect({seed: plain.by_seed.get(seed, only) for seed in own.seeds})
        difference = own.minus(plain)
        return difference if difference.seeds else None

    def uninformative(self, target: str) -> bool:
        """Whether no training got above the baseline of that task in any language."""
        rows = [row for cell in self.cells if cell.target == target for row in self.rows_of(cell)]
        return bool(rows) and all("at_chance" in row.flags for row in rows)


def settings(rows: Iterable[Row]) -> list[Setting]:
    """Return the settings of `rows`: real data first, then by world, model in the catalog's order, and study."""
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.recalibration == "none":
            groups[row.study, row.protocol, row.world, row.condition.model].append(row)
    place = {spec.token: number for number, spec in enumerate(MODELS)}
    order = sorted(groups, key=lambda key: (key[2] != REAL, key[2], place.get(key[3], len(place)), key))
    return [Setting(*key, tuple(sorted(groups[key], key=lambda row: row.key))) for key in order]


def measured(name: str) -> Reader:
    """Return a reader of that metric and its standard error over items."""
    return lambda row: _known([row.metric(name)])


def transferred(name: str) -> Reader:
    """Return a reader of that metric minus its value in the source language."""
    return lambda row: _known([row.transfer(name)])


def scored(names: Sequence[str]) -> Reader:
    """Return a reader of the mean of scores of the task; a score of a sentence pair may be a metric of the row."""
    return lambda row: _known([row.task_score(name) or _metric(row, name) for name in names])


def _by_seed(found: Mapping[tuple[int, str], Row], language: str, read: Reader) -> Effect:
    known = {seed: read(row) for (seed, token), row in found.items() if token == language}
    return Effect({seed: score for seed, score in known.items() if score is not None})


def _known(parts: Sequence[Estimate | None]) -> tuple[float, float] | None:
    """Return the mean of estimates with its standard error over items; None where a part of it is missing."""
    known = [(part.value, standard_error(part)) for part in parts if part is not None]
    errors = [error for _, error in known if error is not None]
    if len(errors) < len(parts):
        return None
    # Exact match and F1 of the same answers: their errors add as if items did the same to both.
    return sum(value for value, _ in known) / len(parts), sum(errors) / len(parts)


def _metric(row: Row, name: str) -> Estimate | None:
    # Rows of earlier versions state no score of the task. Elsewhere than in pairs the accuracy is that of other units.
    pairs = tasks.target(row.condition.target).kind == SENTENCE_PAIR
    return row.metric(name) if pairs else None


def nine() -> Sequence[str]:
    """The nine intermediate tasks of Phang et al."""
    return tasks.intermediate("multi").parts
