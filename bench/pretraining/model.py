"""The model to be pretrained, and its two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.tokenizer import BEGIN, END, MASK, PAD, SPECIAL

# Fine-tuning's rate, written into the stored configuration; pretraining itself is too short to need dropout.
_DROPOUT = 0.1


def build_model(size: Size, vocabulary: int, recipe: Recipe) -> Any:
    """Return an `XLMRobertaForMaskedLM` of the given size with random weights drawn from the recipe's seed."""
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    config = XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=size.hidden, num_hidden_layers=size.layers, num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden, max_position_embeddings=size.positions, type_vocab_size=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=recipe.spread,
        bos_token_id=BEGIN, pad_token_id=PAD, eos_token_id=END,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return XLMRobertaForMaskedLM(config)


def as_fine_tuned(model: Any) -> Any:
    """Return the model with the configuration that fine-tuning starts from."""
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = _DROPOUT
    return model


def padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    """Return `rows` as an int64 tensor (rows, longest), filled up on the right."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])


def masking(
    ids: torch.Tensor, polarity: torch.Tensor, clozes: torch.Tensor, rate: float, generator: torch.Generator
) -> torch.Tensor:
    """Return which tokens of `ids` (rows, width) are to be predicted.

    Rows of `clozes` (rows,) hide the polarity of their second sentence alone, the others each token at `rate`.
    """
    drawn = torch.rand(ids.shape, generator=generator) < rate
    return torch.where(clozes[:, None], polarity, drawn & (ids >= len(SPECIAL)))


def masked_loss(model: Any, ids: torch.Tensor, hidden: torch.Tensor) -> tuple[Any, float]:
    """Return the mean cross-entropy of the hidden tokens (a scalar) and the share predicted right."""
    shown = ids.masked_fill(hidden, MASK)
    states = model.roberta(input_ids=shown, attention_mask=(ids != PAD).long()).last_hidden_state
    scores, truth = model.lm_head(states[hidden]), ids[hidden]
    return functional.cross_entropy(scores, truth), (scores.argmax(-1) == truth).float().mean().item()


def alignment_loss(
    model: Any, one: Sequence[list[int]], two: Sequence[list[int]], depths: Sequence[int], temperature: float
) -> tuple[Any, float]:
    """Return InfoNCE between translations, averaged over `depths`, and the share found at the last of them.

    A sentence is the mean of its word pieces' states after so many layers (0: the embeddings). Sentence i of `one`
    means what sentence i of `two` does; the others of the batch are its negatives.
    """
    ids = padded([*one, *two], PAD)
    states = layer_states(model, ids, max(depths))
    words = (ids >= len(SPECIAL)).float()[..., None]
    target, losses, found = torch.arange(len(one)), [], 0.0
    for depth in depths:
        means = functional.normalize((states[depth] * words).sum(1) / words.sum(1), dim=-1)
        likeness = means[: len(one)] @ means[len(one) :].T / temperature
        losses.append((functional.cross_entropy(likeness, target) + functional.cross_entropy(likeness.T, target)) / 2)
        found = (likeness.argmax(1) == target).float().mean().item()
    return torch.stack(losses).mean(), found


def layer_states(model: Any, ids: torch.Tensor, depth: int) -> list[torch.Tensor]:
    """Return the states (rows, width, hidden) after 0, 1, ..., `depth` layers, and compute no further layer."""
    encoder = model.roberta
    visible = (ids != PAD)[:, None, None, :].expand(-1, 1, ids.shape[1], -1)
    states = [encoder.embeddings(input_ids=ids)]
    for layer in encoder.encoder.layer[:depth]:
        states.append(layer(states[-1], visible))
    return states
