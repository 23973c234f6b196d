"""Choosing a phase's best step on the select half of English dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bench.data.example import SPAN, TAGGING
from bench.predictions import Predictions

Floats = npt.NDArray[np.float64]

# An accuracy this little above 1 / classes is no better than chance on the few hundred items of a select split.
_CHANCE_MARGIN = 0.02
# A certain answer that is wrong costs 28 nats and not all there are.
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The select split read at `step`.

    `accuracy` is the first score of the task (bench.scores.tally): the share of right answers, or an F1; `nll` in nats
    per unit, of the right answer or, for questions, of whether the answer is right; `one_class`: one class takes all.
    """

    step: int
    accuracy: float
    nll: float
    one_class: bool

    def better_than(self, other: Evaluation | None) -> bool:
        """Whether this step is the better choice: higher accuracy, then lower NLL; the earlier keeps a tie."""
        return other is None or (self.accuracy, -self.nll) > (other.accuracy, -other.nll)

    def collapsed(self, classes: int) -> bool:
        """Whether the model has learnt nothing: one answer for every item, or accuracy at chance (0 classes: at 0)."""
        return self.one_class or self.accuracy <= (1 / classes if classes else 0.0) + _CHANCE_MARGIN


def evaluation(step: int, predictions: Predictions) -> Evaluation:
    """Return the evaluation of the predictions for the select split."""
    scores = predictions.logits.astype(np.float64)
    nll = _nll(scores, predictions.labels) if predictions.kind != SPAN else _event_nll(scores, predictions.labels)
    one_class = predictions.kind != SPAN and len(np.unique(scores.argmax(axis=1))) == 1
    return Evaluation(step, _score(predictions), float(nll.mean()), one_class)


def _score(predictions: Predictions) -> float:
    if predictions.kind in (TAGGING, SPAN):
        from bench.scores.tally import task_scores

        return next(iter(task_scores(predictions).values())).value
    # Ties go to the first class, as they do for whoever takes the most probable answer.
    return float((predictions.logits.argmax(axis=1) == predictions.labels).mean())


def _nll(scores: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    top = scores.max(axis=1)
    log_total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    nll: Floats = log_total - scores[np.arange(len(labels)), labels]
    return nll


def _event_nll(scores: Floats, right: npt.NDArray[np.int64]) -> Floats:
    """Return the log loss of the probability of the first candidate, which is the answer, against its being right."""
    confidence = np.exp(-_nll(scores, np.zeros(len(scores), dtype=np.int64)))
    nll: Floats = -np.log(np.maximum(np.where(right > 0, confidence, 1 - confidence), _LEAST))
    return nll


@dataclass
class Best:
    """The best evaluation so far with the weights it had, kept in the CPU's memory.

    Only weights that train are kept; the others have not moved.
    """

    evaluation: Evaluation | None = None
    since: int = 0
    weights: list[Tensor] = field(default_factory=list)

    def offer(self, candidate: Evaluation, modules: Sequence[nn.Module]) -> None:
        """Keep `candidate` and the present weights if they are better, else count one more evaluation without gain."""
        if candidate.better_than(self.evaluation):
            self.evaluation, self.since = candidate, 0
            self.weights = [weight.detach().to("cpu", copy=True) for weight in training_weights(modules)]
        else:
            self.since += 1

    def restore(self, modules: Sequence[nn.Module]) -> None:
        """Put the kept weights back; nothing was kept when nothing was evaluated."""
        if self.evaluation is not None:
            with torch.no_grad():
                for weight, kept in zip(training_weights(modules), self.weights, strict=True):
                    weight.copy_(kept)


def training_weights(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    """Return the weights that get gradients, in the order of the modules."""
    return [weight for module in modules for weight in module.parameters() if weight.requires_grad]
