"""Exact vocabulary trimming: word embeddings that no text of a phase uses stay out of it.

Their gradient is zero, so that AdamW does nothing to them but decay (Loshchilov and Hutter 2019, algorithm 2), by a
factor that the schedule tells beforehand. They need no place on the device, no moments and no update.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bench.modeling.encoder import Encoder
from bench.modeling.tokenization import Encoded
from bench.modeling.workload import Workload


@dataclass(frozen=True)
class _Table:
    """The layer of word embeddings, its whole table, and the places in that of the rows that are left to it."""

    words: nn.Embedding
    whole: nn.Parameter
    places: Tensor


@dataclass
class Trimming:
    """What is used and what becomes of the rest.

    `used`: (v,) int64, the token ids in use in ascending order, a token's number is its place among them; None: the
    table is whole and numbers are ids. `decay` is the factor for the others, to be told before the phase ends.
    """

    used: npt.NDArray[np.int64] | None
    decay: float = 1.0
    table: _Table | None = None

    @contextmanager
    def whole(self, decay: float) -> Iterator[None]:
        """Show the encoder the table it would have if the phase ended now, `decay` as it would be; to read, not train.

        Afterwards the encoder has the very weights that it had before.
        """
        if self.table is None:
            yield
            return
        words = self.table.words
        trained = cast(nn.Parameter, words.weight)
        shown = self.table.whole.detach().clone()
        _fill(shown, trained.detach(), self.table.places, decay)
        _set_table(words, nn.Parameter(shown.to(trained.device), requires_grad=False))
        try:
            yield
        finally:
            _set_table(words, trained)

    def renumbered(self, work: Workload) -> Workload:
        """Return `work` with its tokens' numbers in place of their ids."""
        if self.used is None:
            return work
        ids = np.searchsorted(self.used, work.encoded.ids).astype(np.int32)
        return replace(work, encoded=replace(work.encoded, ids=ids))


@contextmanager
def trimmed(encoder: Encoder, encoded: Sequence[Encoded]) -> Iterator[Trimming]:
    """Leave `encoder` the word embeddings of the tokens in `encoded` alone, and put the others back at the end.

    Ids up to that of padding stay, so that it keeps its number. Tables that another part of the encoder uses too stay
    whole: there every row may get a gradient. The whole table ends where the encoder then is.
    """
    words: nn.Embedding = encoder.get_input_embeddings()
    whole = cast(nn.Parameter, words.weight)
    if _is_shared(encoder, whole):
        yield Trimming(None)
        return
    padding = max(encoder.config.pad_token_id or 0, words.padding_idx or 0)
    used = np.unique(np.concatenate([np.arange(padding + 1), *(each.ids for each in encoded)])).astype(np.int64)
    places = torch.from_numpy(used).to(whole.device)
    _set_table(words, nn.Parameter(whole.detach()[places], requires_grad=whole.requires_grad))
    trimming = Trimming(used, table=_Table(words, whole, places))
    try:
        yield trimming
    finally:
        _put_back(words, whole, places, trimming.decay)


def _is_shared(encoder: Encoder, table: nn.Parameter) -> bool:
    return sum(weight is table for _, weight in encoder.named_parameters(remove_duplicate=False)) > 1


def _put_back(words: nn.Embedding, whole: nn.Parameter, places: Tensor, decay: float) -> None:
    trained = words.weight.detach()
    with torch.no_grad():
        _fill(whole, trained, places, decay)
        whole.data = whole.data.to(trained.device)
    _set_table(words, whole)


def _fill(whole: Tensor, trained: Tensor, places: Tensor, decay: float) -> None:
    if decay != 1:
        whole.mul_(decay)
    whole[places] = trained.to(whole.device)


def _set_table(words: nn.Embedding, table: nn.Parameter) -> None:
    words.weight = table
    words.num_embeddings = len(table)
