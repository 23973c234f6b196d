"""The posterior P(y | meaning) that labels are drawn from, and its strength."""

from __future__ import annotations

from bench.data.artificial.draws import GRAMMATICAL
from bench.data.artificial.meaning import (
    CONTRADICTION,
    ENTAILMENT,
    EQUAL,
    NEUTRAL,
    Description,
    relation,
    slot_relations,
)
from bench.data.artificial.streams import Stream

# (easy, hard) probability of the logical label: a pair is hard where a closed-class slot changes.
STRENGTH = {"xnli": (0.96, 0.76), "snli": (0.93, 0.73), "anli": (0.96, 0.88)}
# How the rest is shared out: people mistake what holds for what is open, and rarely for its opposite.
_REST = {ENTAILMENT: (0.0, 0.75, 0.25), NEUTRAL: (0.5, 0.0, 0.5), CONTRADICTION: (0.25, 0.75, 0.0)}


def posterior(task: str, premise: Description, hypothesis: Description) -> tuple[float, float, float]:
    """Return P(entailment), P(neutral), P(contradiction) for a pair of meanings in `task` (a key of STRENGTH)."""
    logical = relation(premise, hypothesis)
    relations = slot_relations(premise, hypothesis)
    hard = any(relations[slot] != EQUAL for slot in GRAMMATICAL)
    strength = STRENGTH[task][hard]
    rest = _REST[logical]
    first, second, third = (strength if label == logical else (1 - strength) * rest[label] for label in range(3))
    return first, second, third


def draw_label(stream: Stream, probabilities: tuple[float, float, float]) -> int:
    """Return a label drawn from its posterior."""
    return stream.weighted([round(value * 1_000_000) for value in probabilities])
