"""What a phase changes while it runs and gives back when it ends: random state, dropout rates, frozen weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from bench.errors import BadInput
from bench.modeling.encoder import Encoder, encoder_layers
from bench.modeling.streams import stream_seed
from bench.training.protocol import Phase


@contextmanager
def own_randomness(device: torch.device, seed: int, role: str) -> Iterator[None]:
    """Draw dropout from a stream of (seed, role), and leave torch's global streams as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(stream_seed("dropout", role, seed))
        yield


@contextmanager
def dropout_rates(modules: Sequence[nn.Module], rate: float | None) -> Iterator[None]:
    """Give every dropout of `modules` the rate `rate` (None: its own)."""
    layers = [layer for module in modules for layer in module.modules() if isinstance(layer, nn.Dropout)]
    own = [layer.p for layer in layers]
    for layer in layers:
        layer.p = layer.p if rate is None else rate
    try:
        yield
    finally:
        for layer, before in zip(layers, own, strict=True):
            layer.p = before


@contextmanager
def frozen(encoder: Encoder, phase: Phase) -> Iterator[None]:
    """Hold what the phase does not train; frozen weights get no gradient and no optimiser state."""
    held = [weight for weight in _held(encoder, phase) if weight.requires_grad]
    for weight in held:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in held:
            weight.requires_grad_(True)


def _held(encoder: Encoder, phase: Phase) -> list[nn.Parameter]:
    words = list(encoder.get_input_embeddings().parameters()) if phase.freeze_embeddings else []
    if not phase.frozen_layers:
        return words
    layers = encoder_layers(encoder)
    if phase.frozen_layers > len(layers):
        raise BadInput(f"Got frozen_layers={phase.frozen_layers}, but the encoder has {len(layers)}; freeze fewer.")
    below = [weight for layer in layers[: phase.frozen_layers] for weight in layer.parameters()]
    return words + list(encoder.embeddings.parameters()) + below
