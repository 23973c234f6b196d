"""Dropout for a CPU: as torch's, but an element's mask takes 16 random bits in place of a draw of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

_STEPS = 1 << 16
_DRAWN = torch.int64
_MASKS_A_DRAW = 4


def dropped(states: Tensor, rate: float) -> Tensor:
    """Return `states` (floats, any shape) with elements zeroed at random and the others divided by 1 - `rate`.

    An element is zeroed with the probability `rate`, rounded to a multiple of 2^-16 (Srivastava et al. 2014, inverted).
    Draws from torch's CPU generator. Differentiable.
    """
    return _Dropped.apply(states, _kept(states.shape, rate), 1 / (1 - rate))  # type: ignore[no-any-return,no-untyped-call]


def _kept(shape: Sequence[int], rate: float) -> Tensor:
    """Return which elements stay, (shape) bool; a quarter of the draws is what makes this fast."""
    count = prod(shape)
    # The whole range of 64 bits: without its bounds, `random_` never sets the sign, and every fourth mask is biased.
    draws = torch.empty(-(-count // _MASKS_A_DRAW), dtype=_DRAWN).random_(-(2**63), None)
    return (draws.view(torch.int16)[:count] >= round(rate * _STEPS) - _STEPS // 2).view(tuple(shape))


class _Dropped(torch.autograd.Function):
    """The mask is kept for the backward pass as one byte an element."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (states * kept).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return (gradient * kept).mul_(ctx.scale), None, None


class _FastDropout(nn.Dropout):
    def forward(self, states: Tensor) -> Tensor:
        return dropped(states, self.p) if self.training and self.p else states


@contextmanager
def fast_dropout(modules: Sequence[nn.Module], device: torch.device) -> Iterator[None]:
    """Let every dropout of `modules` draw as `dropped` does; on a GPU, whose own is fast, nothing changes."""
    places = [] if device.type != "cpu" else [*_places(modules)]
    own = [getattr(parent, name) for parent, name in places]
    for (parent, name), layer in zip(places, own, strict=True):
        setattr(parent, name, _FastDropout(layer.p))
    try:
        yield
    finally:
        for (parent, name), layer in zip(places, own, strict=True):
            layer.train(getattr(parent, name).training)
            setattr(parent, name, layer)


def _places(modules: Sequence[nn.Module]) -> Iterator[tuple[nn.Module, str]]:
    for module in modules:
        for parent in module.modules():
            for name, child in parent.named_children():
                if type(child) is nn.Dropout:
                    yield parent, name
