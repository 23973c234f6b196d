"""How much a case does: enough to be timed, no more."""

from __future__ import annotations

from dataclasses import dataclass

from bench.catalog.models import ARTIFICIAL, ModelSpec

# Operations that a round of predictions is to take, at the rates of bench.cost some seconds.
_CPU_FLOP, _GPU_FLOP = 2e11, 2e14
_CPU_EXAMPLES, _GPU_EXAMPLES = (256, 2048), (2048, 8192)
_TOKENS = {ARTIFICIAL: 30}


@dataclass(frozen=True, slots=True)
class Size:
    """`steps` of training (the first is not timed) and `examples` of prediction a round, `rounds` after a warm-up."""

    steps: int
    examples: int
    rounds: int


def size_of(spec: ModelSpec, device: str) -> Size:
    """Return how much a case of `spec` does on `device`."""
    on_gpu = device.startswith("cuda")
    flop, (fewest, most) = (_GPU_FLOP, _GPU_EXAMPLES) if on_gpu else (_CPU_FLOP, _CPU_EXAMPLES)
    one = 2 * max(1, spec.body_parameters) * _TOKENS.get(spec.world, 46)
    return Size(17 if on_gpu else 5, int(min(most, max(fewest, flop // one))), 5 if on_gpu else 3)
