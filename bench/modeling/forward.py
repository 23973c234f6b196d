"""One pass of the encoder over chosen token rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.errors import BadInput
from bench.modeling.directory import usable_positions
from bench.modeling.encoder import Encoder
from bench.modeling.packing import packed_states, packs
from bench.modeling.tokenization import Encoded, pad


def read_by(device: torch.device, autocast: bool) -> torch.autocast:
    """Return the context in which an encoder reads: float32, or with `autocast` bfloat16 mixed precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=autocast)


def hidden_states(
    encoder: Encoder, encoded: Encoded, rows: npt.NDArray[np.int64], device: torch.device, every_layer: bool = False
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Return states and mask (n, length) of the chosen rows, on `device`.

    States are (n, length, hidden) of the last layer alone, or of the embeddings and of every layer in turn. What they
    are where a row has no token means nothing.
    """
    pass_through = packed_states if packs(encoder, device) else padded_states
    return pass_through(encoder, encoded, rows, device, every_layer)


def padded_states(
    encoder: Encoder, encoded: Encoded, rows: npt.NDArray[np.int64], device: torch.device, every_layer: bool = False
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Return the same as `hidden_states`, of rows padded to the longest of them."""
    config = encoder.config
    batch = pad(encoded, rows, config.pad_token_id or 0)
    mask = torch.from_numpy(batch.mask).to(device)
    inputs: dict[str, Any] = {"input_ids": torch.from_numpy(batch.ids).to(device), "attention_mask": mask}
    # A model trained with one segment number everywhere has a tokenizer that gives zeros, so its own numbers fit.
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.from_numpy(batch.types).to(device)
    if not every_layer:
        return (encoder(**inputs).last_hidden_state,), mask
    return tuple(encoder(**inputs, output_hidden_states=True).hidden_states), mask


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
