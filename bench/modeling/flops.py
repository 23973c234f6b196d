"""Floating-point operations of an encoder's matrix products, from its shape and the lengths of its rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Shape:
    """Layers L, hidden size H and feed-forward size F of an encoder."""

    layers: int
    hidden: int
    feed_forward: int

    @property
    def matrices(self) -> int:
        """Parameters N of the layers' matrices: L (4 H^2 + 2 H F)."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.feed_forward)


def prediction_flops(shape: Shape, lengths: npt.NDArray[np.int64]) -> float:
    """Return the operations of a forward pass over rows of `lengths` (n,) tokens: 2 N + 4 L H T a token of a row of T.

    A multiplication and an addition are two. A third of `training_flops`.
    """
    return training_flops(shape, lengths) / 3


def training_flops(shape: Shape, lengths: npt.NDArray[np.int64]) -> float:
    """Return the operations of a forward and backward pass over rows of `lengths` (n,) tokens, padding left out.

    6 N + 12 L H T a token in a row of T tokens (Chowdhery et al. 2022, PaLM, appendix B). Nothing is counted for
    embeddings, normalisations, softmax and head.
    """
    tokens = lengths.astype(np.float64)
    attention = 12 * shape.layers * shape.hidden * float((tokens**2).sum())
    return 6 * shape.matrices * float(tokens.sum()) + attention
