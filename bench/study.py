"""What is held fixed over a run; its digest stands in every row, and rows of different studies share no table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bench.canonical import digest, plain

# Raised by hand whenever a score could change for the same predictions.
SCORING_VERSION = 2

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Study:
    """Protocol, limits and rules of one run.

    `train_limit` and `eval_limit` count examples and are filled with whole groups (None: all of them). `settings` is
    the digest of the protocol's settings, so that a preset that changes is another study. Selection and early stopping
    see only one half of the source language's development set, by group. `substitutes` are pairs (task, other task):
    the second one's training data stand in for the first one's. `precision`: "float32", or "bfloat16" for mixed
    precision in training and prediction.
    """

    protocol: str
    settings: str
    train_limit: int | None = None
    eval_limit: int | None = None
    selection: str = "source-dev-half"
    scoring_version: int = SCORING_VERSION
    substitutes: tuple[tuple[str, str], ...] = ()
    precision: Precision = "float32"

    @cached_property
    def digest(self) -> str:
        """sha256 of the study's canonical JSON; what came later is left out where it is off."""
        fields = plain(self)
        if not self.substitutes:
            del fields["substitutes"]
        if self.precision == "float32":
            del fields["precision"]
        return digest(fields)
