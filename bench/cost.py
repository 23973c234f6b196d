"""Static estimates of time and disk, good enough to decide what not to start."""

from __future__ import annotations

from bench.catalog.models import ModelSpec
from bench.training.protocol import Phase

# Forward and backward pass cost about 6 floating-point operations a parameter and token, a forward pass alone 2
# (Kaplan et al. 2020, section 2.1).
_TRAIN_FLOP = 6
_PREDICT_FLOP = 2

# Sustained rates assumed for an estimate; a run prints what it really reached.
_FLOP_PER_SECOND = {"cpu": 5e10, "cuda": 1e14}

# Mean tokens of one pair: XNLI English under the XLM-R vocabulary, and the artificial worlds.
_TOKENS = {"real": 46, "artificial": 30}

# Small layers leave a processor waiting: below this the work for a token stops shrinking.
_SMALLEST_BODY = 500_000


def training_hours(spec: ModelSpec, phase: Phase, examples: int, device: str) -> float:
    """Return the estimated hours of one training phase on `examples` examples."""
    tokens = phase.total_steps(examples) * phase.batch_size * _TOKENS[spec.world]
    return _hours(_TRAIN_FLOP, spec, tokens, device)


def prediction_hours(spec: ModelSpec, examples: int, device: str) -> float:
    """Return the estimated hours of predicting `examples` units."""
    return _hours(_PREDICT_FLOP, spec, examples * _TOKENS[spec.world], device)


def checkpoint_gigabytes(spec: ModelSpec) -> float:
    """Return the size of one stored checkpoint in float32."""
    return 4 * spec.parameters / 1e9


def _hours(flop: int, spec: ModelSpec, tokens: float, device: str) -> float:
    kind = "cuda" if device.startswith("cuda") else "cpu"
    return flop * max(spec.body_parameters, _SMALLEST_BODY) * tokens / _FLOP_PER_SECOND[kind] / 3600
