"""Choosing a phase's best step on the select half of English dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

# An accuracy this little above 1 / classes is no better than chance on the few hundred items of a select split.
_CHANCE_MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The select split read at `step`: `accuracy`, `nll` (nats per item), and whether one class takes all items."""

    step: int
    accuracy: float
    nll: float
    one_class: bool

    def better_than(self, other: Evaluation | None) -> bool:
        """Whether this step is the better choice: higher accuracy, then lower NLL; the earlier keeps a tie."""
        return other is None or (self.accuracy, -self.nll) > (other.accuracy, -other.nll)

    def collapsed(self, classes: int) -> bool:
        """Whether the model has learnt nothing: one answer for every item, or accuracy at chance."""
        return self.one_class or self.accuracy <= 1 / classes + _CHANCE_MARGIN


def evaluation(step: int, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Evaluation:
    """Return the evaluation of (n, classes) `logits` against (n,) `labels`."""
    scores = logits.astype(np.float64)
    answers = scores.argmax(axis=1)
    top = scores.max(axis=1)
    log_total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    nll = log_total - scores[np.arange(len(labels)), labels]
    return Evaluation(step, float((answers == labels).mean()), float(nll.mean()), len(np.unique(answers)) == 1)


@dataclass
class Best:
    """The best evaluation so far with the weights it had, kept in the CPU's memory.

    Only weights that train are kept; the others have not moved.
    """

    evaluation: Evaluation | None = None
    since: int = 0
    _weights: list[Tensor] = field(default_factory=list)

    def offer(self, candidate: Evaluation, modules: Sequence[nn.Module]) -> None:
        """Keep `candidate` and the present weights if they are better, else count one more evaluation without gain."""
        if candidate.better_than(self.evaluation):
            self.evaluation, self.since = candidate, 0
            self._weights = [weight.detach().to("cpu", copy=True) for weight in _training(modules)]
        else:
            self.since += 1

    def restore(self, modules: Sequence[nn.Module]) -> None:
        """Put the kept weights back; nothing was kept when nothing was evaluated."""
        if self.evaluation is not None:
            with torch.no_grad():
                for weight, kept in zip(_training(modules), self._weights, strict=True):
                    weight.copy_(kept)


def _training(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    return [weight for module in modules for weight in module.parameters() if weight.requires_grad]
