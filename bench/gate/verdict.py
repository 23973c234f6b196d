"""What a comparison with a baseline comes to: which findings fail a run, and with which exit code."""

from __future__ import annotations

from dataclasses import dataclass

from bench.gate.compare import INCOMPARABLE, WORSE, Compared
from bench.gate.membership import Membership

PASSED, REGRESSED, INCOMPLETE = 0, 10, 11
# Throughput is reported and fails nothing: on a machine that others use, too, it would fail at random.
GATED = ("quality", "calibration")


@dataclass(frozen=True)
class Verdict:
    """The comparison of a run with the baseline named `baseline`, at `margin` points."""

    baseline: str
    compared: tuple[Compared, ...]
    membership: Membership
    margin: float
    allow_missing: bool = False

    @property
    def worse(self) -> tuple[str, ...]:
        """The aggregates that are worse in quality or calibration, or whose bytes are not those of the baseline."""
        return tuple(one.name for one in self.compared if WORSE in map(one.verdict, GATED))

    @property
    def incomparable(self) -> tuple[str, ...]:
        """The aggregates that nothing can be said about."""
        return tuple(one.name for one in self.compared if INCOMPARABLE in map(one.verdict, GATED))

    @property
    def missing(self) -> tuple[str, ...]:
        """The conditions of the baseline that were not measured again and whose absence fails the run."""
        return () if self.allow_missing else tuple(self.membership.missing)

    @property
    def exit_code(self) -> int:
        """0 when all is well, 10 when something is worse, else 11 when something is missing or not comparable."""
        if self.worse:
            return REGRESSED
        return INCOMPLETE if self.missing or self.incomparable else PASSED
