"""What a figure gives a panel of its own: a model as it is, and a model under each variant of training."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report.sections import Line, Section


@dataclass(frozen=True)
class LineKind:
    """A model and a variant of its training ("" for none): the lines of a panel differ in intermediate task alone."""

    model: str
    variant: str

    @property
    def title(self) -> str:
        """The model and, where there is one, the variant."""
        return f"{self.model}, variant {self.variant}" if self.variant else self.model

    def lines(self, section: Section) -> list[Line]:
        """The lines of the section that are of this kind."""
        return [line for line in section.lines if (line.model, line.variant) == (self.model, self.variant)]


def line_kinds(section: Section) -> list[LineKind]:
    """Return the kinds that have a line, models in the section's order, plain training first."""
    found = {(line.model, line.variant) for line in section.lines}
    return [LineKind(model, variant) for model in section.models for variant in _variants(found, model)]


def _variants(found: set[tuple[str, str]], model: str) -> list[str]:
    return sorted(variant for of, variant in found if of == model)
