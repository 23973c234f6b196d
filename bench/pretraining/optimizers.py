"""Muon for the matrices of layers, AdamW for the rest: the models learn in far fewer steps than by AdamW alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch

from bench.pretraining.recipe import Recipe

# Newton-Schulz coefficients and momentum of Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon).
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ROUNDS = 5
_MOMENTUM = 0.95
_BETAS = (0.9, 0.98)
_CLIP_NORM = 1.0
_FLOOR = 0.02


class Muon:
    """An optimiser for the weight matrices of encoder layers (2-D float tensors)."""

    def __init__(self, matrices: Sequence[torch.nn.Parameter], decay: float) -> None:
        self._matrices, self._decay = list(matrices), decay
        self._momentum = [torch.zeros_like(matrix) for matrix in self._matrices]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every matrix at the learning rate `rate` from its gradient."""
        by_shape = defaultdict[torch.Size, list[tuple[torch.nn.Parameter, torch.Tensor]]](list)
        for matrix, momentum in zip(self._matrices, self._momentum, strict=True):
            if matrix.grad is None:
                continue
            momentum.mul_(_MOMENTUM).add_(matrix.grad)
            by_shape[matrix.shape].append((matrix, matrix.grad.add(momentum, alpha=_MOMENTUM)))
        for shape, members in by_shape.items():
            updates = orthogonal(torch.stack([update for _, update in members]))
            scale = rate * max(1.0, shape[0] / shape[1]) ** 0.5
            for (matrix, _), update in zip(members, updates, strict=True):
                matrix.mul_(1 - rate * self._decay).add_(update, alpha=-scale)


def orthogonal(stack: torch.Tensor) -> torch.Tensor:
    """Return each matrix of `stack` (n, rows, columns) with its singular values moved close to 1."""
    tall = stack.shape[1] > stack.shape[2]
    turned = stack.mT if tall else stack
    turned = turned / (turned.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_ROUNDS):
        square = turned @ turned.mT
        turned = _A * turned + (_B * square + _C * square @ square) @ turned
    result: torch.Tensor = turned.mT if tall else turned
    return result


class Optimizers:
    """Both optimisers of one stage: Muon for `matrices`, AdamW for `rest`, at the recipe's rates times a share."""

    def __init__(
        self, matrices: Sequence[torch.nn.Parameter], rest: Sequence[torch.nn.Parameter], recipe: Recipe
    ) -> None:
        self._recipe, self._weights = recipe, [*matrices, *rest]
        self._muon = Muon(matrices, recipe.decay)
        self._adam = torch.optim.AdamW(rest, betas=_BETAS, weight_decay=recipe.decay)

    def step(self, loss: torch.Tensor, share: float) -> None:
        """Take one step down the gradient of `loss`, clipped to norm 1."""
        for weight in self._weights:
            weight.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._weights, _CLIP_NORM)
        for group in self._adam.param_groups:
            group["lr"] = share * self._recipe.learning_rate
        self._adam.step()
        self._muon.step(share * self._recipe.matrix_rate)


def rate_share(step: int, steps: int, warmup: int) -> float:
    """Return the share of the full learning rates at `step` of `steps`: linear warm-up, linear decay to 2 %."""
    return min(1.0, (step + 1) / warmup) * max(_FLOOR, 1 - step / steps)
