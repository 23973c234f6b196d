"""AdamW as the papers run it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from bench.training.protocol import Phase


def build_optimizer(modules: Iterable[nn.Module], phase: Phase) -> torch.optim.AdamW:
    """Return AdamW over the parameters that train: decay on matrices, none on biases and normalisations.

    Frozen parameters are left out, so they have no optimiser state.
    """
    training = [weight for module in modules for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in training if weight.ndim >= 2], "weight_decay": phase.weight_decay},
        {"params": [weight for weight in training if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=phase.learning_rate, eps=phase.adam_epsilon, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the learning rate `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate
