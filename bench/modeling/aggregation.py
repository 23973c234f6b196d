"""Attention over the layers of an encoder: what the head reads in place of the last layer alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.errors import BadInput
from bench.modeling.streams import stream_seed

_INITIAL_SPREAD = 0.02


class Aggregation(nn.Module):
    """Each token's states of all transformer layers, averaged with weights that attention gives (Chen et al. 2022).

    Reads the hidden states as transformers returns them, a tuple of (n, length, hidden): the embeddings, which are no
    layer and are left out, then every layer's. Returns (n, length, hidden).

    Of the paper (arXiv 2205.08497) only abstract and introduction could be read: a module based on attention fuses the
    layers before the last with the last. The rest is our choice: one head of scaled dot products for each token by
    itself, the query a linear map of the last layer's state, the keys one linear map of every layer's (the last
    included), the values the states as they are, so that the result stays in the space that heads read.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Return (n, length, hidden) aggregated states; raises BadInput without a layer beside the embeddings."""
        layers = _layers(states)
        aggregated: Tensor = (self._weights(layers).unsqueeze(-1) * layers).sum(2)
        return aggregated

    def weights(self, states: Sequence[Tensor]) -> Tensor:
        """Return (n, length, layers) weights, first layer to last, that sum to 1 for every token."""
        return self._weights(_layers(states))

    def _weights(self, layers: Tensor) -> Tensor:
        query = self.query(layers[:, :, -1])
        scores = (self.key(layers) * query.unsqueeze(2)).sum(-1) / layers.shape[-1] ** 0.5
        return torch.softmax(scores, dim=-1)


def new_aggregation(hidden: int, seed: int, role: str) -> Aggregation:
    """Return a fresh aggregation drawn from (seed, role) alone; it starts close to the plain mean of the layers."""
    # Construction draws from the global stream and is overwritten: keep that stream as it was.
    with torch.random.fork_rng(devices=[]):
        aggregation = Aggregation(hidden)
    generator = torch.Generator().manual_seed(stream_seed("aggregation", role, seed))
    with torch.no_grad():
        for layer in (aggregation.query, aggregation.key):
            layer.weight.normal_(0.0, _INITIAL_SPREAD, generator=generator)
            layer.bias.zero_()
    return aggregation.eval()


def _layers(states: Sequence[Tensor]) -> Tensor:
    if len(states) < 2:
        raise BadInput(
            f"Got {len(states)} hidden states, but an aggregation needs the embeddings and at least 1 layer; "
            "run the encoder with output_hidden_states=True."
        )
    return torch.stack(tuple(states[1:]), dim=2)
