"""The measured cells of one world, task and study, and the contrasts of transfer that are taken of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.statistics.seed_means import Measured, SeedMean, linear, seed_mean

# What is taken of a cell: a metric itself, or the metric minus its value in the source language.
Part: TypeAlias = Literal["metrics", "transfer"]


@dataclass(frozen=True, slots=True)
class Cell:
    """The measured metrics of one trained model in one language, and what they lose or gain against the source.

    `uninformative`: the language, or the source it is compared with, is at chance, so its gap is only its confidence.
    """

    metrics: Mapping[str, Measured]
    transfer: Mapping[str, Measured]
    uninformative: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A coefficient, and the intermediate task and language it belongs to."""

    coefficient: float
    intermediate: str
    language: str


def mean_terms(intermediates: Sequence[str], languages: Sequence[str], factor: float = 1.0) -> tuple[Term, ...]:
    """Return the terms of `factor` times the mean over all pairs of a task and a language; none without a pair."""
    number = len(intermediates) * len(languages)
    return tuple(Term(factor / number, task, language) for task in intermediates for language in languages)


@dataclass(frozen=True, slots=True)
class Panel:
    """All cells of one world, task and study, by (model, intermediate, language, seed)."""

    cells: Mapping[tuple[str, str, str, int], Cell]

    def seeds(self, model: str, terms: Sequence[Term]) -> tuple[int, ...]:
        """Return the seeds of `model` that have an informative cell for every term."""
        return tuple(seed for seed in sorted({key[3] for key in self.cells}) if not self.lacking(model, terms, seed)[0])

    def at(self, seeds: Collection[int]) -> Panel:
        """Return the cells of these seeds alone."""
        return Panel({key: cell for key, cell in self.cells.items() if key[3] in seeds})

    def lacking(self, model: str, terms: Sequence[Term], seed: int) -> tuple[list[str], list[str]]:
        """Return the cells ("snli-sw") that `terms` cannot have: those missing or at chance, and the latter alone."""
        found = {(t.intermediate, t.language): self.cells.get((model, t.intermediate, t.language, seed)) for t in terms}
        chance = sorted("-".join(key) for key, cell in found.items() if cell is not None and cell.uninformative)
        return sorted({*chance, *("-".join(key) for key, cell in found.items() if cell is None)}), chance

    def contrast(self, model: str, terms: Sequence[Term], metric: str, part: Part = "transfer") -> SeedMean | None:
        """Return the sum of `terms` for one model, over the seeds that have all of them; None where there is no seed.

        Arms and languages pair within a seed. A seed in which a cell lacks the metric is left out.
        """
        runs = [self._run(model, terms, metric, part, seed) for seed in self.seeds(model, terms)]
        present = [each for each in runs if each is not None]
        return seed_mean(present) if present else None

    def _run(self, model: str, terms: Sequence[Term], metric: str, part: Part, seed: int) -> Measured | None:
        cells = [self.cells[model, term.intermediate, term.language, seed] for term in terms]
        found = [(cell.metrics if part == "metrics" else cell.transfer).get(metric) for cell in cells]
        present = [(term.coefficient, each) for term, each in zip(terms, found, strict=True) if each is not None]
        return linear(present) if len(present) == len(terms) else None
