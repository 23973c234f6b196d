"""Our attention under a name that transformers knows: packed, with fast dropout, or else as torch computes it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from bench.modeling.dropout import dropped

NAME = "crosscal"

# What a packed pass hands through the encoder to its attention: (n + 1,) int32, where each sequence starts.
OFFSETS = "packed_offsets"
LONGEST = "packed_longest"


def register() -> str:
    """Make the attention known to transformers and return its name."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(NAME, attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, sdpa_mask)
    return NAME


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Return the context of each token, (n, length, heads, size), from query, key and value (n, heads, length, size).

    `attention_mask`: (n, 1, length, length) bool, True where attention is paid; None: everywhere. With `packed_offsets`
    among the options the one row holds many sequences, none of which sees another.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if options.get(OFFSETS) is not None:
        return _packed(query, key, value, options[OFFSETS], options[LONGEST], scaling), None
    plain = options.get("position_bias") is None and key.shape == query.shape
    if dropout and plain and query.device.type == "cpu":
        return _with_dropout(query, key, value, attention_mask, dropout, scaling), None
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
    )


def _with_dropout(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, rate: float, scaling: float | None
) -> Tensor:
    """Return what torch does, which spends much on a CPU on masks of dropout and on rows that see no token at all."""
    n, heads, length, size = query.shape
    rows = [each.reshape(n * heads, length, size) for each in (query, key, value)]
    scale = size**-0.5 if scaling is None else scaling
    scores = torch.baddbmm(query.new_empty(1, 1, 1), rows[0], rows[1].transpose(1, 2), beta=0, alpha=scale)
    if mask is not None:
        added = torch.zeros(mask.shape, dtype=scores.dtype).masked_fill_(~mask, float("-inf"))
        scores = (scores.view(n, heads, length, length) + added).view(n * heads, length, length)
    shares = torch.softmax(scores, dim=-1, dtype=torch.float32)
    context = torch.bmm(dropped(shares, rate).to(rows[2].dtype), rows[2])
    return context.view(n, heads, length, size).transpose(1, 2).contiguous()


def _packed(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, longest: int, scaling: float | None) -> Tensor:
    """Return (1, tokens, heads, size): attention within each sequence of one row."""
    q, k, v = (each[0].transpose(0, 1) for each in (query, key, value))
    if query.device.type != "cuda":
        return _by_length(q, k, v, offsets.tolist(), scaling)[None]
    from torch.nn.attention.varlen import varlen_attn

    found: Any = varlen_attn(q, k, v, offsets, offsets, longest, longest, scale=scaling)
    return found[None]  # type: ignore[no-any-return]


def _by_length(query: Tensor, key: Tensor, value: Tensor, offsets: Sequence[int], scaling: float | None) -> Tensor:
    """Return (tokens, heads, size): sequences of one length that follow each other are a batch, which needs no mask."""
    found = torch.empty_like(query, memory_format=torch.contiguous_format)
    start = 0
    for length, run in groupby(end - begin for begin, end in pairwise(offsets)):
        n = sum(1 for _ in run)
        here = slice(start, start + n * length)
        q, k, v = (each[here].view(n, length, *each.shape[1:]).transpose(1, 2) for each in (query, key, value))
        context = nn.functional.scaled_dot_product_attention(q, k, v, scale=scaling)
        found[here] = context.transpose(1, 2).flatten(0, 1)
        start = here.stop
    return found
