"""The pretraining loop: one model of one world."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bench.errors import TrainingFailed
from bench.pretraining.model import alignment_loss, build_model, masked_loss, padded
from bench.pretraining.muon import Muon
from bench.pretraining.reading import Constituent, Reader, Text, shared
from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.tokenizer import PAD, SPECIAL

_BETAS = (0.9, 0.98)
_FLOOR = 0.02
_WINDOW = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: means over the last steps.

    `accuracy` of masked tokens, `cloze` of polarities, `found` of translations are shares in [0, 1].
    """

    step: int
    steps: int
    loss: float
    accuracy: float
    cloze: float
    found: float


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A finished run: the model (`XLMRobertaForMaskedLM`), its `tokenizers.Tokenizer`, its last window, its time."""

    model: Any
    tokenizer: Any
    last: Progress
    seconds: float


def pretrain(
    world: int, size: Size, recipe: Recipe, tokenizer: Any, report: Callable[[Progress], None] | None = None
) -> Pretrained:
    """Return a pocket model pretrained on `world` with a `tokenizers.Tokenizer`; `report` is told every 100 steps.

    Raises TrainingFailed when the loss is no longer a number. Deterministic on a CPU for a given thread count.
    """
    started = time.perf_counter()
    run = _Run(Reader(world, recipe, tokenizer), build_model(size, tokenizer.get_vocab_size(), recipe), recipe)
    window = list[tuple[float, float, float, float]]()
    for step in range(recipe.steps):
        window.append(run.step(rate_at(step, recipe)))
        if window[-1][0] != window[-1][0]:
            raise TrainingFailed(
                f"The loss of {size.token} in world {world} is not a number at step {step}; lower matrix_rate "
                f"(now {recipe.matrix_rate:g}) or learning_rate (now {recipe.learning_rate:g})."
            )
        last = _progress(step + 1, recipe.steps, window[-_WINDOW:])
        if report is not None and (step + 1) % _WINDOW == 0:
            report(last)
    return Pretrained(run.model, tokenizer, last, time.perf_counter() - started)


def rate_at(step: int, recipe: Recipe) -> float:
    """Return the share of the full learning rates at `step`: linear warm-up, linear decay to 2 %."""
    return min(1.0, (step + 1) / recipe.warmup) * max(_FLOOR, 1 - step / recipe.steps)


def _progress(step: int, steps: int, window: list[tuple[float, float, float, float]]) -> Progress:
    loss, accuracy, cloze, found = (sum(column) / len(window) for column in zip(*window, strict=True))
    return Progress(step, steps, loss, accuracy, cloze, found)


class _Run:
    """Model, optimisers and draws of one run."""

    def __init__(self, reader: Reader, model: Any, recipe: Recipe) -> None:
        self.model, self._reader, self._recipe = model.train(), reader, recipe
        layers = dict(model.roberta.encoder.named_parameters())
        matrices = [weight for weight in layers.values() if weight.ndim == 2]
        chosen = {id(weight) for weight in matrices}
        self._rest = [weight for weight in model.parameters() if id(weight) not in chosen]
        self._muon = Muon(matrices, recipe.decay)
        self._adam = torch.optim.AdamW(self._rest, betas=_BETAS, weight_decay=recipe.decay)
        self._generator = torch.Generator().manual_seed(recipe.seed)
        # The lower half of the layers becomes common to all languages, and fine-tuning leaves it alone.
        self._depth = model.config.num_hidden_layers // 2
        self._meanings: dict[tuple[str | int | bool, ...], int] = {}

    def step(self, share: float) -> tuple[float, float, float, float]:
        """Take one step; return loss, masked accuracy, cloze accuracy and share of translations found."""
        pairs = [self._reader.pair() for _ in range(self._recipe.pairs)]
        masked, accuracy, states = self._masked(pairs)
        pulled, found = self._aligned(pairs, states)
        asked, cloze = self._asked([self._reader.document() for _ in range(self._recipe.documents)])
        loss = masked + self._recipe.alignment * pulled + self._recipe.cloze_weight * asked
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self._adam.param_groups:
            group["lr"] = share * self._recipe.learning_rate
        self._adam.step()
        self._muon.step(share * self._recipe.matrix_rate)
        return loss.item(), accuracy, cloze, found

    def _masked(self, pairs: list[tuple[Text, Text]]) -> tuple[torch.Tensor, float, torch.Tensor]:
        ids = padded([text.ids for pair in pairs for text in pair], PAD)
        drawn = torch.rand(ids.shape, generator=self._generator) < self._recipe.mask
        return masked_loss(self.model, ids, drawn & (ids >= len(SPECIAL)), self._depth)

    def _aligned(self, pairs: list[tuple[Text, Text]], states: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Align each constituent, as the mean of its tokens' states, with its translation."""
        both = [(row, *ends) for row, pair in enumerate(pairs) for ends in shared(*pair)]
        one = _means([(2 * row, mine) for row, mine, _ in both], states)
        two = _means([(2 * row + 1, other) for row, _, other in both], states)
        meanings = [self._meanings.setdefault(mine.meaning, len(self._meanings)) for _, mine, _ in both]
        return alignment_loss(one, two, torch.tensor(meanings), self._recipe.temperature)

    def _asked(self, documents: list[Text]) -> tuple[torch.Tensor, float]:
        """Ask for the polarity of each document's second sentence, as one mask whatever its number of pieces."""
        rows, places = [], []
        for text in documents:
            polarity = text.polarity()
            rows.append((*text.ids[: polarity.start + 1], *text.ids[polarity.end :]))
            places.append(polarity.start)
        ids = padded(rows, PAD)
        hidden = torch.zeros(ids.shape, dtype=torch.bool)
        hidden[torch.arange(len(rows)), torch.tensor(places)] = True
        loss, right, _ = masked_loss(self.model, ids, hidden, self._depth)
        return loss, right


def _means(places: list[tuple[int, Constituent]], states: torch.Tensor) -> torch.Tensor:
    """Return the mean state of each constituent, (n, hidden size); `places` are (row of `states`, constituent)."""
    sums = torch.cat([torch.zeros_like(states[:, :1]), states.cumsum(1)], dim=1)
    rows = torch.tensor([row for row, _ in places])
    starts = torch.tensor([one.start for _, one in places])
    ends = torch.tensor([one.end for _, one in places])
    return (sums[rows, ends] - sums[rows, starts]) / (ends - starts)[:, None]
