"""Text to token ids: ragged, truncated longest first, padded only when a batch is put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.example import Example
from bench.errors import BadInput


@dataclass(frozen=True)
class Encoded:
    """Token rows end to end.

    ids: (tokens,) int32; types: (tokens,) int8, the tokenizer's own segment numbers; offsets: (n + 1,) int64, where
    each row starts; truncated: (n,) bool, whether the row lost tokens.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.int64]
    truncated: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(n,) tokens per row, special tokens included."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class PaddedBatch:
    """ids, types, mask: (n, longest) int64, padded on the right."""

    ids: npt.NDArray[np.int64]
    types: npt.NDArray[np.int64]
    mask: npt.NDArray[np.int64]


def load_tokenizer(directory: Path) -> Any:
    """Return the fast tokenizer of `directory`, without remote code or network; raises BadInput when it has none."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # tokenizer.json holds the whole tokenizer; the class named beside it may rebuild it differently.
    loader = PreTrainedTokenizerFast if (directory / "tokenizer.json").is_file() else AutoTokenizer
    try:
        tokenizer = loader.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises anything from OSError to ImportError here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"{directory} holds no readable tokenizer ({reason}); add its tokenizer.json.") from error
    if not getattr(tokenizer, "is_fast", False):
        raise BadInput(f"{directory} holds no fast tokenizer; add its tokenizer.json.")
    return tokenizer


def encode(tokenizer: Any, examples: Sequence[Example], max_length: int) -> Encoded:
    """Return `examples` as token rows of at most `max_length` tokens, cutting the longer segment first.

    Examples are pairs, or single texts when no example has a second text.
    """
    if not examples:
        raise BadInput("Got no examples, but tokenization needs at least 1; raise the limit that left none.")
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(max_length, strategy="longest_first")
    rows = backend.encode_batch(_texts(examples))
    # Left on, the limit would be saved with the tokenizer.
    backend.no_truncation()
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row.ids) for row in rows], out=offsets[1:])
    return Encoded(
        ids=np.fromiter((token for row in rows for token in row.ids), np.int32, offsets[-1]),
        types=np.fromiter((kind for row in rows for kind in row.type_ids), np.int8, offsets[-1]),
        offsets=offsets,
        truncated=np.array([bool(row.overflowing) for row in rows]),
    )


def concatenate(parts: Sequence[Encoded]) -> Encoded:
    """Return the rows of all `parts`, in order."""
    return Encoded(
        ids=np.concatenate([part.ids for part in parts]),
        types=np.concatenate([part.types for part in parts]),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate([part.lengths for part in parts]))]),
        truncated=np.concatenate([part.truncated for part in parts]),
    )


def pad(encoded: Encoded, rows: npt.NDArray[np.int64], padding_id: int) -> PaddedBatch:
    """Return the chosen `rows` padded to the longest of them."""
    longest = int(encoded.lengths[rows].max())
    ids = np.full((len(rows), longest), padding_id, dtype=np.int64)
    types = np.zeros_like(ids)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        start, end = encoded.offsets[row], encoded.offsets[row + 1]
        ids[place, : end - start] = encoded.ids[start:end]
        types[place, : end - start] = encoded.types[start:end]
        mask[place, : end - start] = 1
    return PaddedBatch(ids, types, mask)


def _texts(examples: Sequence[Example]) -> list[Any]:
    if any(example.text_pair for example in examples):
        return [(example.text, example.text_pair) for example in examples]
    return [example.text for example in examples]
