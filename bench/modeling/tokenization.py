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
from bench.modeling.marks import Marks


@dataclass(frozen=True)
class Encoded:
    """Token rows end to end.

    ids: (tokens,) int32; types: (tokens,) int8, the tokenizer's own segment numbers; offsets: (n + 1,) int64, where
    each row starts; truncated: (n,) bool, whether the row lost tokens; marks: of words or windows, None for texts.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.int64]
    truncated: npt.NDArray[np.bool_]
    marks: Marks | None = None

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
    if any(example.text_pair for example in examples):
        return encode_texts(tokenizer, [(example.text, example.text_pair) for example in examples], max_length)
    return encode_texts(tokenizer, [example.text for example in examples], max_length)


def encode_texts(tokenizer: Any, texts: Sequence[str] | Sequence[tuple[str, str]], max_length: int) -> Encoded:
    """Return texts, or pairs of texts, as token rows of at most `max_length` tokens, the longer segment cut first."""
    return _encoded(_encodings(tokenizer, texts, max_length))


def encode_words(
    tokenizer: Any, sentences: Sequence[Sequence[str]], max_length: int
) -> tuple[Encoded, list[list[tuple[int, int]]]]:
    """Return sentences of words as token rows, and the tokens (first, last + 1) of each word in its row.

    A word that was cut off, or that the tokenizer makes nothing of, has (0, 0).
    """
    rows = _encodings(tokenizer, [list(words) for words in sentences], max_length, is_pretokenized=True)
    return _encoded(rows), [_word_places(row.word_ids, len(words)) for row, words in zip(rows, sentences, strict=True)]


def _word_places(word_ids: Sequence[int | None], words: int) -> list[tuple[int, int]]:
    places = [(0, 0)] * words
    for place, word in enumerate(word_ids):
        if word is not None:
            first = places[word][0] or place
            places[word] = (first, place + 1)
    return places


def _encodings(tokenizer: Any, texts: Sequence[Any], max_length: int, **options: Any) -> list[Any]:
    if not texts:
        raise BadInput("Got no examples, but tokenization needs at least 1; raise the limit that left none.")
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(max_length, strategy="longest_first")
    rows: list[Any] = backend.encode_batch(texts, **options)
    # Left on, the limit would be saved with the tokenizer.
    backend.no_truncation()
    return rows


def _encoded(rows: Sequence[Any]) -> Encoded:
    return from_rows([row.ids for row in rows], [row.type_ids for row in rows], [bool(row.overflowing) for row in rows])


def from_rows(ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]], truncated: Sequence[bool]) -> Encoded:
    """Return token rows given as lists: token ids, segment numbers, and whether the row lost tokens."""
    offsets = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in ids], out=offsets[1:])
    return Encoded(
        ids=np.fromiter((token for row in ids for token in row), np.int32, offsets[-1]),
        types=np.fromiter((kind for row in types for kind in row), np.int8, offsets[-1]),
        offsets=offsets,
        truncated=np.array(truncated, dtype=np.bool_),
    )


def concatenate(parts: Sequence[Encoded]) -> Encoded:
    """Return the rows of all `parts`, in order, without their marks."""
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
