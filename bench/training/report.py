"""What a phase of fine-tuning did and what it took."""

from __future__ import annotations

from dataclasses import dataclass

from bench.training.selection import Evaluation


@dataclass(frozen=True, slots=True)
class FinetuneReport:
    """What a phase did. `train_seconds` leaves out tokenization and the reading of the select split.

    `best_step` is the step whose weights were kept; `examples`, `tokens` and `padded_tokens` (padding included) are
    summed over steps; `truncated` counts training items that lost tokens; `history` holds each reading of the select
    split. `collapsed` says that the kept weights answer at chance (None without a select split). `resumed_at` are the
    steps at which an interrupted run went on; what was done twice is counted and timed once. `attention` is "packed"
    or "padded", `vocabulary` how many word embeddings took part, `peak_bytes` as in bench.modeling.memory;
    `micro_batch` is the number of examples a pass that memory forced, None where it forced none.
    """

    steps: int
    best_step: int
    train_seconds: float
    examples: int
    tokens: int
    padded_tokens: int
    truncated: int
    history: tuple[Evaluation, ...]
    collapsed: bool | None
    attention: str
    vocabulary: int
    peak_bytes: int
    micro_batch: int | None = None
    resumed_at: tuple[int, ...] = ()

    @property
    def best(self) -> Evaluation | None:
        """The reading of the select split at `best_step`; None without a select split."""
        return next((each for each in self.history if each.step == self.best_step), None)


@dataclass
class Spent:
    """What the steps so far have taken; `micro_batch` is the smallest that memory forced, None while batches fit."""

    seconds: float = 0.0
    examples: int = 0
    tokens: int = 0
    padded: int = 0
    micro_batch: int | None = None
