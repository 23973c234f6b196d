"""Masked language modelling beside a task: a batch of texts for every step, its loss added to the task's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bench.modeling.encoder import Encoder
from bench.modeling.forward import hidden_states
from bench.modeling.masked import MaskedHead, mask_tokens, masked_loss_sum
from bench.modeling.streams import stream_seed
from bench.modeling.tokenization import Encoded, encode_texts, from_rows
from bench.training.batches import shuffled


@dataclass(frozen=True)
class MaskedTexts:
    """Texts in several languages, shuffled once, `batch` of them a step in turn, and the head that names their tokens.

    The texts' mean masked loss is added to the task's with weight 1, so that the task has as many steps as without.
    """

    head: MaskedHead
    encoded: Encoded
    special: tuple[int, ...]
    mask_id: int
    batch: int
    seed: int

    def backward(self, encoder: Encoder, step: int, device: torch.device) -> float:
        """Add the gradients of step `step`'s texts; return their mean loss in nats a masked token."""
        order = (step * self.batch + np.arange(self.batch)) % len(self.encoded)
        generator = torch.Generator().manual_seed(stream_seed("masked", self.seed, step))
        rows = [self.encoded.ids[self.encoded.offsets[row] : self.encoded.offsets[row + 1]] for row in order]
        vocabulary = int(encoder.get_input_embeddings().weight.shape[0])
        read, chosen, truth = [], [], []
        for row in rows:
            ids, places, named = mask_tokens(
                torch.from_numpy(row.astype(np.int64))[None], self.special, self.mask_id, vocabulary, generator
            )
            read.append(ids[0].tolist())
            chosen.append(places[0])
            truth.append(named)
        masked = from_rows(read, [[0] * len(row) for row in read], [False] * len(read))
        states, mask = hidden_states(encoder, masked, np.arange(len(read)), device)
        width = mask.shape[1]
        where = torch.stack([torch.nn.functional.pad(places, (0, width - len(places))) for places in chosen]).to(device)
        named = torch.cat(truth).to(device)
        loss = masked_loss_sum(encoder, self.head, states[-1], where, named) / max(1, len(named))
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


def masked_texts(
    head: MaskedHead, tokenizer: Any, texts: Sequence[str], max_length: int, batch: int, seed: int
) -> MaskedTexts:
    """Return `texts` as token rows, in an order drawn from `seed`, for `batch` of them a step."""
    order = shuffled(len(texts), stream_seed("texts", seed))
    encoded = encode_texts(tokenizer, [texts[place] for place in order], max_length)
    special = tuple(int(token) for token in tokenizer.all_special_ids)
    return MaskedTexts(head, encoded, special, int(tokenizer.mask_token_id), batch, seed)
