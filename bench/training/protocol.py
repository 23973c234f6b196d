"""What one phase of fine-tuning is: plain data, part of the recipe. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from bench.errors import BadInput

Role = Literal["intermediate", "target"]

# Settings that came after the first checkpoints were stored, and what they are where they are off.
_LATER: Mapping[str, Any] = {
    "logit_norm_temperature": None,
    "aggregate": False,
    "mixing_temperature": 1.0,
    "masked_batch": None,
    "warmup_steps": None,
    "tried_rates": (),
}

_POSITIVE = ("epochs", "learning_rate", "adam_epsilon", "clip_norm", "logit_norm_temperature", "mixing_temperature")
_COUNTS = (
    "max_steps", "batch_size", "evaluate_every", "patience", "select_limit", "micro_batch", "masked_batch",
    "warmup_steps",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase: the task, how long, how fast, and how its best step is chosen.

    `epochs` and `max_steps` (optimiser steps) bound its length; at least one is given, and the smaller holds.
    `batch_size` is the effective one. `warmup_fraction` of all steps (or `warmup_steps`, when given) warm up linearly,
    then the rate decays linearly to 0. `pooling` is the fresh head's. `dropout` replaces the model's own rates when
    given. `freeze_embeddings` holds the word embeddings, `frozen_layers` the first so many layers (and then all
    embeddings). Every `evaluate_every` steps (None: every epoch) the first `select_limit` items of the select split are
    read; `patience` evaluations without a better one end the phase. `label_smoothing` and `logit_norm_temperature`
    (None: the logits as they are) change the loss as bench.training.loss says. `autocast` trains in bfloat16 mixed
    precision. With `aggregate` the head reads all layers (bench.modeling.aggregation). Of several tasks, one is drawn
    for each step in proportion to its number of examples to the power 1 / `mixing_temperature`. `masked_batch` texts a
    step are read beside the task, and their masked-language-modelling loss is added (None: none). `tried_rates` are
    multiples of the learning rate: the phase is trained with each, and the one whose best step is best is kept (empty:
    the rate as it is). Raises BadInput for a value out of range.
    """

    role: Role
    task: str
    epochs: float | None = None
    max_steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-5
    warmup_fraction: float = 0.1
    weight_decay: float = 0.01
    adam_epsilon: float = 1e-8
    clip_norm: float = 1.0
    max_length: int = 128
    pooling: Literal["first", "mean"] = "first"
    dropout: float | None = None
    freeze_embeddings: bool = False
    frozen_layers: int = 0
    evaluate_every: int | None = None
    patience: int | None = None
    select_limit: int | None = None
    label_smoothing: float = 0.0
    logit_norm_temperature: float | None = None
    autocast: bool = False
    aggregate: bool = False
    mixing_temperature: float = 1.0
    masked_batch: int | None = None
    warmup_steps: int | None = None
    tried_rates: tuple[float, ...] = ()
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        if self.role not in ("intermediate", "target"):
            raise BadInput(f"Got role={self.role!r}, but a phase is 'intermediate' or 'target'.")
        if self.pooling not in ("first", "mean"):
            raise BadInput(f"Got pooling={self.pooling!r}, but a head pools by 'first' or 'mean'.")
        if self.epochs is None and self.max_steps is None:
            raise BadInput("Got neither epochs nor max_steps, but a phase needs an end; give one of them.")
        for name in _POSITIVE:
            _check(name, getattr(self, name), lambda value: 0 < value < math.inf, "a finite number above 0")
        for factor in self.tried_rates:
            _check("tried_rates", factor, lambda value: 0 < value < math.inf, "a finite number above 0")
        for name in _COUNTS:
            _check(name, getattr(self, name), lambda value: value >= 1, "at least 1")
        for name in ("warmup_fraction", "dropout", "label_smoothing"):
            _check(name, getattr(self, name), lambda value: 0 <= value < 1, "in [0, 1)")
        for name in ("weight_decay", "frozen_layers"):
            _check(name, getattr(self, name), lambda value: 0 <= value < math.inf, "0 or more")
        _check("max_length", self.max_length, lambda value: value >= 4, "at least 4, a pair's special tokens")

    def identity(self) -> Mapping[str, Any]:
        """Return what of the phase determines the checkpoint: all but the micro-batch, which is provenance.

        A setting that came later is left out where it is off, so that keys from before it came stay as they are.
        """
        settings = asdict(self)
        del settings["micro_batch"]
        for name, off in _LATER.items():
            if settings[name] == off:
                del settings[name]
        return settings

    def at_rates(self) -> tuple[Phase, ...]:
        """Return the phases that are trained to make this one: itself, or itself at each of its tried rates."""
        if not self.tried_rates:
            return (self,)
        rates = [factor * self.learning_rate for factor in self.tried_rates]
        return tuple(replace(self, learning_rate=rate, tried_rates=()) for rate in rates)

    def steps_per_epoch(self, examples: int) -> int:
        """Return the optimiser steps of one pass over `examples`."""
        return math.ceil(examples / self.batch_size)

    def warmup(self, total: int) -> int:
        """Return how many of `total` steps warm up."""
        return int(self.warmup_fraction * total) if self.warmup_steps is None else self.warmup_steps

    def total_steps(self, examples: int) -> int:
        """Return the optimiser steps of the whole phase on `examples`, early stopping apart."""
        bounds = [] if self.max_steps is None else [self.max_steps]
        if self.epochs is not None:
            bounds.append(math.ceil(self.epochs * self.steps_per_epoch(examples)))
        return min(bounds)


def _check(name: str, value: float | None, fits: Any, rule: str) -> None:
    if value is not None and not fits(value):
        raise BadInput(f"Got {name}={value}, but it must be {rule}.")
