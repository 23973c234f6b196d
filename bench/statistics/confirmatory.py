"""The three confirmatory tests of docs/analysis-plan.md, as contrasts of the transfer of the signed gap."""

from __future__ import annotations

from dataclasses import dataclass

from bench.statistics.panel import Term, mean_terms

TESTS = ("Q1", "Q2", "Q3")
# As many further steps on the target's own data.
CONTROL = "more"


@dataclass(frozen=True, slots=True)
class Groups:
    """Morphologically rich and poor languages, and the genuine intermediate tasks."""

    rich: tuple[str, ...]
    poor: tuple[str, ...]
    intermediates: tuple[str, ...]


def terms_of(test: str, groups: Groups, control: str = CONTROL) -> tuple[Term, ...]:
    """Return the terms of one of `TESTS` for one model: each a coefficient of a transfer of the gap.

    Q1: the mean over rich languages and genuine intermediates; Q2: the same minus `control`'s; Q3: rich minus poor.
    Empty where a group that the test needs has no member.
    """
    rich = mean_terms(groups.intermediates, groups.rich)
    if test == "Q1":
        return rich
    subtracted = ((control,), groups.rich) if test == "Q2" else (groups.intermediates, groups.poor)
    other = mean_terms(*subtracted, factor=-1.0)
    return rich + other if rich and other else ()
