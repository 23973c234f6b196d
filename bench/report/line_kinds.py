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


def variants_of(section: Section) -> list[str]:
    """Return the variants that have a line, the plain training first."""
    return sorted({line.variant for line in section.lines})


def line_kinds(section: Section, variant: str) -> list[LineKind]:
    """Return the kinds of a figure of one variant, models in the section's order; beside a variant the plain training.

    A figure of all variants would have a panel for each of them and each model: too many to find one's way in.
    """
    found = {(line.model, line.variant) for line in section.lines}
    models = [model for model in section.models if (model, variant) in found]
    pairs = [(model, shown) for model in models for shown in dict.fromkeys(("", variant))]
    return [LineKind(*pair) for pair in pairs if pair in found]
