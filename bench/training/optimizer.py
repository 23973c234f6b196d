"""AdamW as the papers run it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from bench.training.protocol import Phase
from bench.training.schedule import rate_factor


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


def rate_at(phase: Phase, step: int, total: int) -> float:
    """Return the learning rate of step `step` (from 0) of `total`."""
    return phase.learning_rate * rate_factor(step, total, phase.warmup(total))


def decay_until(phase: Phase, step: int, total: int) -> float:
    """Return the factor that the first `step` of `total` steps leave of a matrix that never gets a gradient."""
    return math.prod(1 - rate_at(phase, each, total) * phase.weight_decay for each in range(step))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return moments and step counts, named optimizer.<place of the weight>.<moment>."""
    return {
        f"optimizer.{place}.{name}": value
        for place, moments in optimizer.state_dict()["state"].items()
        for name, value in moments.items()
    }


def set_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` returned; other tensors among `tensors` are of no concern."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        owner, _, rest = name.partition(".")
        if owner == "optimizer":
            place, _, moment = rest.partition(".")
            state.setdefault(int(place), {})[moment] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
