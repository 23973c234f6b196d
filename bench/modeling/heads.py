"""What stands on the encoder: one small head per kind of task."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from bench.errors import BadInput
from bench.modeling.streams import stream_seed

Pooling = Literal["first", "mean"]
_INITIAL_SPREAD = 0.02
_DROPOUT = 0.1


class Head(nn.Module):
    """A head: what its last layer chooses between is `classes` wide."""

    classes: int


class ClassificationHead(Head):
    """Sequence classification as in RobertaClassificationHead: dropout, dense, tanh, dropout, linear.

    Reads (n, length, hidden) states and an (n, length) mask, returns (n, classes) logits. `pooling` is the sentence's
    state: that of the first token, or the mean over its tokens.
    """

    def __init__(self, hidden: int, classes: int, pooling: Pooling = "first") -> None:
        super().__init__()
        if pooling not in ("first", "mean"):
            raise BadInput(f"Got pooling={pooling!r}, but a head pools by 'first' or 'mean'.")
        if classes < 2:
            raise BadInput(f"Got classes={classes}, but a classification needs at least 2.")
        self.pooling: Pooling = pooling
        self.classes = classes
        self.dropout = nn.Dropout(_DROPOUT)
        self.dense = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (n, classes) logits."""
        pooled = states[:, 0] if self.pooling == "first" else _masked_mean(states, mask)
        inner = torch.tanh(self.dense(self.dropout(pooled)))
        logits: Tensor = self.out(self.dropout(inner))
        return logits


def new_head(hidden: int, classes: int, seed: int, role: str, pooling: Pooling = "first") -> ClassificationHead:
    """Return a fresh head drawn from (seed, role) alone, so that the arms of one seed start from the same one."""
    # Construction draws from the global stream and is overwritten: keep that stream as it was.
    with torch.random.fork_rng(devices=[]):
        head = ClassificationHead(hidden, classes, pooling)
    generator = torch.Generator().manual_seed(stream_seed("head", role, seed))
    with torch.no_grad():
        for layer in (head.dense, head.out):
            layer.weight.normal_(0.0, _INITIAL_SPREAD, generator=generator)
            layer.bias.zero_()
    return head.eval()


def _masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.to(states.dtype).unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1)
