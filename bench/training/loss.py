"""The loss of a phase: cross-entropy, with what a variant changes in it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bench.training.protocol import Phase

# A vector of no length has no direction: it is divided by this instead, so that its scores and gradient are finite.
_SMALLEST_NORM = 1e-7


def summed_loss(logits: Tensor, labels: Tensor, phase: Phase) -> Tensor:
    """Return the cross-entropy of `phase` in nats, summed over the examples; logits (n, K) floats, labels (n,) int64.

    Label smoothing alpha makes the target 1 - alpha + alpha / K on the label and alpha / K on each other class
    (Szegedy et al. 2016). Logit normalisation with temperature tau takes f / (tau * |f|) for the logits f of an
    example, |f| their Euclidean norm (Wei et al. 2022). It belongs to the loss alone: f itself is what the model
    predicts, as in the authors' code, and its length, of which this loss is independent, is for a temperature to set.
    """
    tau = phase.logit_norm_temperature
    scores = logits if tau is None else functional.normalize(logits, dim=-1, eps=_SMALLEST_NORM) / tau
    return functional.cross_entropy(scores, labels, reduction="sum", label_smoothing=phase.label_smoothing)
