"""Static estimates of time and disk, good enough to decide what not to start."""

from __future__ import annotations

from bench.catalog.models import ModelSpec
from bench.data.example import MINING, MULTIPLE_CHOICE, RETRIEVAL, SENTENCE_PAIR, SPAN, TAGGING
from bench.store.provenance import cpu_features
from bench.training.protocol import Phase

# Forward and backward pass cost about 6 floating-point operations a parameter and token, a forward pass alone 2
# (Kaplan et al. 2020, section 2.1).
_TRAIN_FLOP = 6
_PREDICT_FLOP = 2

# Sustained rates assumed for an estimate; a run prints what it really reached.
_FLOP_PER_SECOND = {"cpu": 5e10, "cuda": 1e14}

# Instruction sets with products of bfloat16. Without, passes through a layer 384 wide took 15 to 16 times as long as in
# float32 (torch 2.13, AVX2).
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
_EMULATED = 15.0

# Mean tokens of one example: XNLI English under the XLM-R vocabulary, and the artificial worlds; rough for other kinds.
_TOKENS = {
    "real": {SENTENCE_PAIR: 46, TAGGING: 35, SPAN: 250, MULTIPLE_CHOICE: 350, RETRIEVAL: 30, MINING: 30},
    "artificial": {SENTENCE_PAIR: 30, TAGGING: 18, SPAN: 70, MULTIPLE_CHOICE: 120, RETRIEVAL: 30, MINING: 15},
}

# Small layers leave a processor waiting: below this the work for a token stops shrinking.
_SMALLEST_BODY = 100_000


def training_hours(spec: ModelSpec, phase: Phase, examples: int, device: str, kind: str = SENTENCE_PAIR) -> float:
    """Return the estimated hours of one training phase on `examples` examples of one kind ("multi": of all)."""
    tokens = phase.total_steps(examples) * phase.batch_size * _tokens(spec, kind)
    return _hours(_TRAIN_FLOP, spec, tokens, device)


def prediction_hours(spec: ModelSpec, examples: int, device: str, kind: str = SENTENCE_PAIR) -> float:
    """Return the estimated hours of predicting `examples` examples of one kind."""
    return _hours(_PREDICT_FLOP, spec, examples * _tokens(spec, kind), device)


def is_emulated(precision: str, device: str) -> bool:
    """Return whether `precision` is worked out in software: bfloat16 on a CPU without instructions for it."""
    return precision == "bfloat16" and device == "cpu" and not _BFLOAT16 & set(cpu_features())


def slowdown(precision: str, device: str) -> float:
    """Return how many times as long as in float32 work is estimated to take; what bfloat16 saves is not known."""
    return _EMULATED if is_emulated(precision, device) else 1.0


def checkpoint_gigabytes(spec: ModelSpec) -> float:
    """Return the size of one stored checkpoint in float32."""
    return 4 * spec.parameters / 1e9


def _tokens(spec: ModelSpec, kind: str) -> float:
    known = _TOKENS[spec.world]
    # Of `multi` most examples are pairs.
    return known.get(kind, known[SENTENCE_PAIR])


def _hours(flop: int, spec: ModelSpec, tokens: float, device: str) -> float:
    kind = "cuda" if device.startswith("cuda") else "cpu"
    return flop * max(spec.body_parameters, _SMALLEST_BODY) * tokens / _FLOP_PER_SECOND[kind] / 3600
