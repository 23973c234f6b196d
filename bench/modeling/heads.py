"""What stands on the encoder: one small head for each kind of task."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from bench.data.example import MULTIPLE_CHOICE, SENTENCE_PAIR, SPAN, TAGGING
from bench.errors import BadInput
from bench.modeling.aggregation import Aggregation, new_aggregation
from bench.modeling.streams import stream_seed

Pooling = Literal["first", "mean"]
_INITIAL_SPREAD = 0.02
_DROPOUT = 0.1


class Head(nn.Module):
    """A head: what it chooses between is `classes` wide (0: that depends on the input).

    `aggregation` reads the states of all layers in place of the last one, None for the last one alone.
    """

    kind: str
    classes: int
    pooling: Pooling
    aggregation: Aggregation | None

    def __init__(self, classes: int, pooling: Pooling) -> None:
        super().__init__()
        if pooling not in ("first", "mean"):
            raise BadInput(f"Got pooling={pooling!r}, but a head pools by 'first' or 'mean'.")
        self.classes = classes
        self.pooling = pooling
        self.aggregation = None


class ClassificationHead(Head):
    """Sequence classification as in RobertaClassificationHead: dropout, dense, tanh, dropout, linear.

    Reads (n, length, hidden) states and an (n, length) mask, returns (n, classes) logits. `pooling` is the sentence's
    state: that of the first token, or the mean over its tokens.
    """

    kind = SENTENCE_PAIR

    def __init__(self, hidden: int, classes: int, pooling: Pooling = "first") -> None:
        super().__init__(classes, pooling)
        if classes < 2:
            raise BadInput(f"Got classes={classes}, but a classification needs at least 2.")
        self.dropout = nn.Dropout(_DROPOUT)
        self.dense = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (n, classes) logits."""
        return _classified(self, states, mask)


class ChoiceHead(Head):
    """Multiple choice as in RobertaForMultipleChoice: each choice is a row with one score; (n, 1) scores of n rows."""

    kind = MULTIPLE_CHOICE

    def __init__(self, hidden: int, classes: int, pooling: Pooling = "first") -> None:
        super().__init__(classes, pooling)
        self.dropout = nn.Dropout(_DROPOUT)
        self.dense = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (n, 1) scores."""
        return _classified(self, states, mask)


class TaggingHead(Head):
    """Token classification as in RobertaForTokenClassification: dropout, linear.

    `pooling` is a word's state: that of its first sub-word, or the mean over its sub-words.
    """

    kind = TAGGING

    def __init__(self, hidden: int, classes: int, pooling: Pooling = "first") -> None:
        super().__init__(classes, pooling)
        self.dropout = nn.Dropout(_DROPOUT)
        self.out = nn.Linear(hidden, classes)

    def forward(self, states: Tensor, rows: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """Return (words, classes) logits of words in `rows` (words,), tokens `first` to `last` (excluded) of each."""
        if self.pooling == "first":
            words = states[rows, first]
        else:
            sums = torch.cat([torch.zeros_like(states[:, :1]), states.cumsum(1)], dim=1)
            words = (sums[rows, last] - sums[rows, first]) / (last - first)[:, None]
        logits: Tensor = self.out(self.dropout(words))
        return logits


class SpanHead(Head):
    """Extractive question answering as in RobertaForQuestionAnswering: a start and an end score for every token.

    An unanswerable question is answered by the first token (Devlin et al. 2019, section 4.3).
    """

    kind = SPAN

    def __init__(self, hidden: int, classes: int = 0, pooling: Pooling = "first") -> None:
        super().__init__(0, pooling)
        self.out = nn.Linear(hidden, 2)

    def forward(self, states: Tensor) -> Tensor:
        """Return (n, length, 2) scores."""
        scores: Tensor = self.out(states)
        return scores


HEADS: dict[str, type[Any]] = {head.kind: head for head in (ClassificationHead, ChoiceHead, TaggingHead, SpanHead)}


def new_head(
    hidden: int,
    classes: int,
    seed: int,
    role: str,
    pooling: Pooling = "first",
    kind: str = SENTENCE_PAIR,
    aggregate: bool = False,
) -> Any:
    """Return a fresh head drawn from (seed, role) alone, so that the arms of one seed start from the same one."""
    # Construction draws from the global stream and is overwritten: keep that stream as it was.
    with torch.random.fork_rng(devices=[]):
        head = HEADS[kind](hidden, classes, pooling)
    generator = torch.Generator().manual_seed(stream_seed("head", role, seed))
    with torch.no_grad():
        for layer in head.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.normal_(0.0, _INITIAL_SPREAD, generator=generator)
                layer.bias.zero_()
    # Drawn apart from the head, which is then the same with and without it.
    head.aggregation = new_aggregation(hidden, seed, role) if aggregate else None
    return head.eval()


def _classified(head: ClassificationHead | ChoiceHead, states: Tensor, mask: Tensor) -> Tensor:
    pooled = states[:, 0] if head.pooling == "first" else masked_mean(states, mask)
    inner = torch.tanh(head.dense(head.dropout(pooled)))
    logits: Tensor = head.out(head.dropout(inner))
    return logits


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the (n, hidden) mean of (n, length, hidden) `states` over the tokens that `mask` (n, length) shows."""
    weights = mask.to(states.dtype).unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1)
