"""The pretraining loop: one model of one world."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bench.errors import TrainingFailed
from bench.pretraining.model import alignment_loss, build_model, masked_loss, masking, padded
from bench.pretraining.muon import Muon
from bench.pretraining.reading import Reader
from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.tokenizer import PAD, train_tokenizer

_BETAS = (0.9, 0.98)
_FLOOR = 0.02
_WINDOW = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: means over the last steps; `cloze` and `found` are shares in [0, 1]."""

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
    world: int, size: Size, recipe: Recipe, report: Callable[[Progress, Any, Any], None] | None = None
) -> Pretrained:
    """Return a pocket model pretrained on world `world`; `report` gets (progress, model, tokenizer) every 100 steps.

    Raises TrainingFailed when the loss is no longer a number. Deterministic on a CPU for a given thread count.
    """
    started = time.perf_counter()
    tokenizer = train_tokenizer(world, recipe.vocabulary)
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
            report(last, run.model, tokenizer)
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
        self._depths = sorted({round(fraction * model.config.num_hidden_layers) for fraction in recipe.aligned_at})

    def step(self, share: float) -> tuple[float, float, float, float]:
        """Take one step; return loss, masked accuracy, cloze accuracy and share of translations found."""
        loss, accuracy, cloze = self._read_documents()
        found = 0.0
        if self._recipe.alignment:
            pairs = [self._reader.translation() for _ in range(self._recipe.translations)]
            one, two = ([pair[side] for pair in pairs] for side in range(2))
            pulled, found = alignment_loss(self.model, one, two, self._depths, self._recipe.temperature)
            loss = loss + self._recipe.alignment * pulled
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._rest, 1.0)
        for group in self._adam.param_groups:
            group["lr"] = share * self._recipe.learning_rate
        self._adam.step()
        self._muon.step(share * self._recipe.matrix_rate)
        return loss.item(), accuracy, cloze, found

    def _read_documents(self) -> tuple[Any, float, float]:
        recipe = self._recipe
        drawn = [self._reader.document() for _ in range(recipe.batch)]
        ids = padded([row[0] for row, _ in drawn], PAD)
        polarity = padded([row[1] for row, _ in drawn], False).bool()
        coherent = torch.tensor([holds for _, holds in drawn])
        clozes = coherent & (torch.rand(len(drawn), generator=self._generator) < recipe.cloze)
        plain, accuracy = self._masked(ids[~clozes], polarity[~clozes], clozes[~clozes])
        asked, cloze = self._masked(ids[clozes], polarity[clozes], clozes[clozes])
        return plain + recipe.cloze_weight * asked, accuracy, cloze

    def _masked(self, ids: torch.Tensor, polarity: torch.Tensor, clozes: torch.Tensor) -> tuple[Any, float]:
        hidden = masking(ids, polarity, clozes, self._recipe.mask, self._generator)
        if not hidden.any():
            return torch.zeros(()), 0.0
        return masked_loss(self.model, ids, hidden)
