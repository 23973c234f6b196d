"""The model to be pretrained, read in two halves, and the objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from bench.pretraining.recipe import Recipe, Size
from bench.pretraining.tokenizer import BEGIN, END, PAD

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


def lower_states(model: Any, ids: torch.Tensor, depth: int) -> torch.Tensor:
    """Return the states of (rows, width) `ids` after the first `depth` layers: (rows, width, hidden size)."""
    states = model.roberta.embeddings(input_ids=ids)
    return _through(model.roberta.encoder.layer[:depth], states, ids)


def upper_states(model: Any, states: torch.Tensor, ids: torch.Tensor, depth: int) -> torch.Tensor:
    """Return the last states from those after `depth` layers; `ids` say what is padding."""
    return _through(model.roberta.encoder.layer[depth:], states, ids)


def _through(layers: Any, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    visible = (ids != PAD)[:, None, None, :]
    for layer in layers:
        states = layer(states, visible)
    return states


def mean_state(states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Return the mean state of each row's tokens, padding left out: (rows, hidden size)."""
    real = (ids != PAD).unsqueeze(-1).to(states.dtype)
    return (states * real).sum(1) / real.sum(1)


def masked_loss(model: Any, states: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of masked tokens.

    states: (n, hidden size), the last states of the n masked tokens; truth: (n,) int64, the tokens they stand for.
    """
    return functional.cross_entropy(model.lm_head(states), truth)


def alignment_loss(
    one: torch.Tensor, two: torch.Tensor, meanings: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, float]:
    """Return InfoNCE between the states of translated words, and the share of words whose translation is nearest.

    one, two: (n, hidden size), state i of both said in two languages; meanings: (n,) int64, equal where two words mean
    the same, which then are no negatives of each other. Word alignment as in Cao, Kitaev and Klein 2020, contrastively.
    """
    likeness = functional.normalize(one, dim=-1) @ functional.normalize(two, dim=-1).T / temperature
    target = torch.arange(len(meanings))
    same = (meanings[:, None] == meanings[None]) & (target[:, None] != target[None])
    likeness = likeness.masked_fill(same, float("-inf"))
    loss = (functional.cross_entropy(likeness, target) + functional.cross_entropy(likeness.T, target)) / 2
    return loss, (likeness.argmax(1) == target).float().mean().item()
