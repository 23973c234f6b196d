"""One forward pass of encoder and head over chosen rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.errors import BadInput
from bench.modeling.directory import usable_positions
from bench.modeling.encoder import Encoder
from bench.modeling.heads import Head
from bench.modeling.tokenization import Encoded, pad


def batch_logits(
    encoder: Encoder, head: Head, encoded: Encoded, rows: npt.NDArray[np.int64], device: torch.device
) -> Tensor:
    """Return (len(rows), classes) logits on `device`, in the order of `rows`."""
    config = encoder.config
    batch = pad(encoded, rows, config.pad_token_id or 0)
    mask = torch.from_numpy(batch.mask).to(device)
    inputs = {"input_ids": torch.from_numpy(batch.ids).to(device), "attention_mask": mask}
    # A model trained with one segment number everywhere has a tokenizer that gives zeros, so its own numbers fit.
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.from_numpy(batch.types).to(device)
    logits: Tensor = head(encoder(**inputs).last_hidden_state, mask)
    return logits


def check_fits(encoder: Encoder, tokenizer: Any, max_length: int) -> None:
    """Raise BadInput when the encoder has too few positions for `max_length`, or too small a vocabulary."""
    config = encoder.config
    positions = usable_positions(config)
    if positions is not None and max_length > positions:
        raise BadInput(f"Got max_length={max_length}, but the encoder has {positions} positions; lower max_length.")
    if len(tokenizer) > config.vocab_size:
        raise BadInput(
            f"The tokenizer has {len(tokenizer)} pieces, but the encoder's vocabulary is {config.vocab_size}; "
            "load both from one directory."
        )
