"""Token rows end to end in one row, none of which sees another: no position is spent on padding."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bench.modeling import attention
from bench.modeling.directory import first_position
from bench.modeling.encoder import Encoder
from bench.modeling.tokenization import Encoded


def packs(encoder: Encoder, device: torch.device) -> bool:
    """Return whether a pass of `encoder` on `device` goes packed, as it is now; other passes are padded.

    A CPU reads packed rows and trains on padded ones, whose attention has dropout. The kernel of a GPU
    (torch.nn.attention.varlen) runs in 16 bits and knows no dropout of attention.
    """
    if not can_pack(encoder):
        return False
    if device.type == "cpu":
        return not encoder.training
    if device.type != "cuda" or not torch.is_autocast_enabled("cuda"):
        return False
    return not encoder.training or all(layer.p == 0 for layer in encoder_dropouts(encoder))


def can_pack(encoder: Encoder) -> bool:
    """Return whether the architecture takes positions and hands its attention, to all tokens of a row, on to ours."""
    takes = inspect.signature(encoder.forward).parameters
    sees_all = getattr(encoder.config, "sliding_window", None) is None
    ours = encoder.config._attn_implementation == attention.NAME
    return ours and sees_all and "position_ids" in takes and "kwargs" in takes


def encoder_dropouts(encoder: Encoder) -> list[nn.Dropout]:
    """Return the dropouts inside of `encoder`."""
    return [layer for layer in encoder.modules() if isinstance(layer, nn.Dropout)]


def packed_states(
    encoder: Encoder, encoded: Encoded, rows: npt.NDArray[np.int64], device: torch.device, every_layer: bool = False
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Return the same as `hidden_states`: zeros where a shorter row has no token."""
    lengths = encoded.lengths[rows]
    inputs = _inputs(encoder, encoded, rows, lengths, device)
    if every_layer:
        found = tuple(encoder(**inputs, output_hidden_states=True).hidden_states)
    else:
        found = (encoder(**inputs).last_hidden_state,)
    shown = np.arange(int(lengths.max())) < lengths[:, None]
    mask = torch.from_numpy(shown).to(device)
    return tuple(_unpacked(states[0], mask) for states in found), mask.long()


def _inputs(
    encoder: Encoder,
    encoded: Encoded,
    rows: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    device: torch.device,
) -> dict[str, Any]:
    config = encoder.config
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    tokens = np.repeat(encoded.offsets[rows], lengths) + within

    def row(values: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(values.astype(np.int64)[None]).to(device)

    inputs: dict[str, Any] = {
        "input_ids": row(encoded.ids[tokens]),
        "position_ids": row(within + first_position(config)),
    }
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = row(encoded.types[tokens])
    starts = torch.from_numpy(offsets.astype(np.int32)).to(device)
    return inputs | {attention.OFFSETS: starts, attention.LONGEST: int(lengths.max())}


def _unpacked(states: Tensor, mask: Tensor) -> Tensor:
    n, longest = mask.shape
    return states.new_zeros(n, longest, states.shape[-1]).masked_scatter(mask[..., None], states)
