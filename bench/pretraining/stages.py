"""The stages of pretraining: languages are drawn together below, documents understood above, masked tokens named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bench.data.artificial.corpus import CONNECTIVES, RELATIONS
from bench.modeling.encoder import Encoder
from bench.modeling.masked import MaskedHead, new_masked_head
from bench.pretraining.model import alignment_loss, lower_states, masked_loss, mean_state, padded, upper_states
from bench.pretraining.optimizers import Optimizers
from bench.pretraining.reading import Meaning, Reader, Text, shared
from bench.pretraining.recipe import Recipe
from bench.pretraining.tokenizer import MASK, PAD, SPECIAL

# Not a field of the recipe: it changes nothing of the encoder, which the recipe's digest names.
HEAD_STEPS = 800
# The encoder's rate would not carry a bias of 0 to the log of a rare token's frequency in so few steps.
_HEAD_RATE = 1e-2
_HEAD_SPREAD = 0.02
# A constituent of a batch of texts: row of the batch, first token, token after the last.
_Place = tuple[int, int, int]


class Alignment:
    """The first stage: all weights learn masked tokens and, after `depth` layers, which words translate each other."""

    name = "alignment"

    def __init__(self, model: Any, reader: Reader, recipe: Recipe, depth: int) -> None:
        self._model, self._reader, self._recipe, self._depth = model, reader, recipe, depth
        self.steps = recipe.alignment_steps
        layers = [weight for weight in model.roberta.encoder.parameters() if weight.ndim == 2]
        chosen = {id(weight) for weight in layers}
        rest = [weight for weight in model.parameters() if id(weight) not in chosen]
        self._optimizers = Optimizers(layers, rest, recipe)
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._numbers: dict[Meaning, int] = {}

    def step(self, share: float) -> tuple[float, float]:
        """Take one step; return its loss and the share of words whose translation was found."""
        pairs = [self._reader.pair() for _ in range(self._recipe.pairs)]
        ids = padded([text.ids for pair in pairs for text in pair], PAD)
        hidden = _hidden(ids, self._recipe.mask, self._generator)
        states = lower_states(self._model, ids.masked_fill(hidden, MASK), self._depth)
        last = upper_states(self._model, states, ids, self._depth)
        masked = masked_loss(self._model, last[hidden], ids[hidden])
        pulled, found = self._aligned(pairs, states)
        loss = masked + self._recipe.alignment * pulled
        self._optimizers.step(loss, share)
        return loss.item(), found

    def _aligned(self, pairs: list[tuple[Text, Text]], states: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Align each constituent, as the mean of its tokens' states, and each mark with its translation."""
        one: list[_Place] = []
        two: list[_Place] = []
        numbers: list[int] = []
        for row, (mine, other) in enumerate(pairs):
            for here, there in shared(mine, other):
                one.append((2 * row, here.start, here.end))
                two.append((2 * row + 1, there.start, there.end))
                numbers.append(self._numbers.setdefault(here.meaning, len(self._numbers)))
            for mark, (here_at, there_at) in enumerate(zip(mine.marks, other.marks, strict=True)):
                one.append((2 * row, here_at, here_at + 1))
                two.append((2 * row + 1, there_at, there_at + 1))
                # A mark says what its whole text says, and hardly two texts of a batch say the same.
                numbers.append(-1 - mark - len(mine.marks) * row)
        return alignment_loss(_means(one, states), _means(two, states), torch.tensor(numbers), self._recipe.temperature)


class Discourse:
    """The second stage: the upper half alone learns which connective stood in a document.

    As in DisSent (Nie, Bennett and Goodman 2019) the connective is taken out and a head, dropped afterwards, names it
    from the mean state.
    """

    name = "discourse"

    def __init__(self, model: Any, reader: Reader, recipe: Recipe, depth: int) -> None:
        self._model, self._reader, self._recipe, self._depth = model, reader, recipe, depth
        self.steps = recipe.discourse_steps
        self._head = _new_head(model.config.hidden_size, reader.connectives, recipe.seed)
        weights = [weight for layer in model.roberta.encoder.layer[depth:] for weight in layer.parameters()]
        rest = [weight for weight in weights if weight.ndim != 2]
        self._optimizers = Optimizers(
            [weight for weight in weights if weight.ndim == 2], [*rest, *self._head.parameters()], recipe
        )

    def step(self, share: float) -> tuple[float, float]:
        """Take one step; return its loss and the share of documents whose relation's own connective scores highest."""
        read = [self._reader.document() for _ in range(self._recipe.documents)]
        ids = padded([one.ids for one in read], PAD)
        with torch.no_grad():
            states = lower_states(self._model, ids, self._depth)
        scores = self._head(mean_state(upper_states(self._model, states, ids, self._depth), ids))
        first = torch.tensor([CONNECTIVES * one.language for one in read])
        loss = functional.cross_entropy(scores, first + torch.tensor([one.connective for one in read]))
        self._optimizers.step(loss, share)
        own = scores.gather(1, first[:, None] + torch.arange(RELATIONS)).argmax(1)
        return loss.item(), (own == torch.tensor([one.relation for one in read])).float().mean().item()


class MaskedHeadStage:
    """The last stage: a fresh head alone learns masked tokens, as `Alignment` drew them, of the finished encoder.

    The head that learnt with the first stage does not fit the upper half that the second has trained since. That half
    keeps next to nothing of single tokens, so the head ends close to the entropy of their frequencies: it is where
    training begins that moves the upper half too, and no language model by itself.
    """

    name = "head"
    steps = HEAD_STEPS

    def __init__(self, encoder: Encoder, reader: Reader, recipe: Recipe) -> None:
        self.head: MaskedHead = new_masked_head(encoder, recipe.seed)
        self._encoder, self._reader, self._recipe = encoder.eval().requires_grad_(False), reader, recipe
        weights = list(self.head.parameters())
        matrices, rest = ([weight for weight in weights if (weight.ndim == 2) is two] for two in (True, False))
        self._optimizers = Optimizers(matrices, rest, replace(recipe, learning_rate=_HEAD_RATE))
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._counts = torch.zeros(len(self.head.bias), dtype=torch.int64)

    @property
    def unigram_entropy(self) -> float:
        """Entropy of the tokens masked so far, in nats: the least loss of a head that knows their frequencies alone."""
        shares = self._counts[self._counts > 0] / self._counts.sum()
        return -(shares * shares.log()).sum().item()

    def step(self, share: float) -> tuple[float, float]:
        """Take one step; return its loss and the share of masked tokens that were named."""
        pairs = [self._reader.pair() for _ in range(self._recipe.pairs)]
        ids = padded([text.ids for pair in pairs for text in pair], PAD)
        hidden = _hidden(ids, self._recipe.mask, self._generator)
        with torch.no_grad():
            read = self._encoder(input_ids=ids.masked_fill(hidden, MASK), attention_mask=(ids != PAD).long())
        logits = self.head(read.last_hidden_state[hidden], self._encoder.get_input_embeddings().weight)
        loss = functional.cross_entropy(logits, ids[hidden])
        self._optimizers.step(loss, share)
        self._counts += ids[hidden].bincount(minlength=len(self._counts))
        return loss.item(), (logits.argmax(1) == ids[hidden]).float().mean().item()


def _hidden(ids: torch.Tensor, rate: float, generator: torch.Generator) -> torch.Tensor:
    """Return which tokens of (rows, width) `ids` are masked: those drawn at `rate`, special ones left out."""
    return (torch.rand(ids.shape, generator=generator) < rate) & (ids >= len(SPECIAL))


def _new_head(hidden: int, classes: int, seed: int) -> nn.Linear:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        head = nn.Linear(hidden, classes)
    with torch.no_grad():
        head.weight.normal_(0.0, _HEAD_SPREAD, generator=generator)
        head.bias.zero_()
    return head


def _means(places: list[_Place], states: torch.Tensor) -> torch.Tensor:
    """Return the mean state of each of n places in (rows, width, hidden size) `states`: (n, hidden size)."""
    sums = torch.cat([torch.zeros_like(states[:, :1]), states.cumsum(1)], dim=1)
    row, start, end = torch.tensor(places).T
    means: torch.Tensor = (sums[row, end] - sums[row, start]) / (end - start)[:, None]
    return means
