"""Floating-point operations that a model needs, whatever is really done (Chowdhery et al. 2022, appendix B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Lengths = npt.NDArray[np.int64]

FORMULA = (
    "train step: 6 N T + 12 L H Q T^2 for each text of T real tokens; prediction: a third of it; N: parameters of the "
    "transformer layers, L: layers, H: heads, Q: width of a head"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the formula reads: `body` parameters of the transformer layers, `layers`, `width` of all heads together."""

    body: int
    layers: int
    width: int


def shape_of(encoder: Any) -> Shape:
    """Return the shape of `encoder`; embeddings are looked up and not multiplied, so they have no part in it."""
    from bench.modeling.encoder import encoder_layers

    config = encoder.config
    body = sum(weight.numel() for layer in encoder_layers(encoder) for weight in layer.parameters())
    heads = config.num_attention_heads
    width = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)
    return Shape(body, config.num_hidden_layers, width)


def prediction_flops(shape: Shape, lengths: Lengths) -> float:
    """Return the operations of a forward pass over texts of `lengths` (n,) tokens: 2 N T + 4 L H Q T^2 each."""
    tokens, squares = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum())
    return 2 * shape.body * tokens + 4 * shape.layers * shape.width * squares


def training_flops(shape: Shape, lengths: Lengths) -> float:
    """Return the operations of forward and backward pass: three times a forward pass, nothing recomputed."""
    return 3 * prediction_flops(shape, lengths)
