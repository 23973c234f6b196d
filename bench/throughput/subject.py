"""What is timed: an encoder with its head and tokenizer, and the texts it reads, real where they are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.canonical import digest
from bench.catalog.models import ARTIFICIAL, ModelSpec, model, shipped_pocket_directory
from bench.data import mirror
from bench.data.artificial import artificial_split
from bench.data.example import Split
from bench.data.real import load_real
from bench.data.sources import Access
from bench.errors import Unavailable
from bench.modeling.directory import weights_digest
from bench.throughput.flops import Lengths, Shape, shape_of
from bench.throughput.shapes import random_config
from bench.throughput.texts import LABELS, LONGEST, SYNTHETIC, synthetic_lengths, synthetic_split, word_tokenizer

# A stretch of 50 batches of 32: rows of like length come together as they do in a long training.
EXAMPLES = 1600
_SEED = 0
# Families that share XLM-R's vocabulary, which the mirrored tokenizer of me5_small has, too.
_XLMR_TOKENS = {"xlm-r", "infoxlm", "minilm", "me5_small"}
_LENDER = "me5_small"


@dataclass
class Subject:
    """A model to time. `weights`: "real" or "random"; `digests` name weights (or configuration) and data.

    `text` says what the lengths are of. Rows are tokenized once and kept in `tokens`: tokenization is not timed.
    """

    spec: ModelSpec
    encoder: Any
    head: Any
    tokenizer: Any
    train: Split
    weights: str
    text: str
    digests: dict[str, str]
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """What the formulae of bench.throughput.flops read."""
        return shape_of(self.encoder)

    def kept(self, tokenizer: Any, split: Split, max_length: int, make: Callable[[], Any]) -> Any:
        """Return the token rows of `split`, made once (a `Kept` of bench.modeling.workload)."""
        key = digest([split.fingerprint, max_length])
        if key not in self.tokens:
            self.tokens[key] = make()
        return self.tokens[key]


def load_subject(spec: ModelSpec, access: Access, device: str) -> Subject:
    """Return the model of `spec`: from its directory where it is here, else of its shape with random weights."""
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.tokenization import load_tokenizer

    directory = _directory(spec, access)
    if directory is None:
        encoder, identity = _random_encoder(spec, device)
        weights, digests = "random", {"config": identity}
    else:
        encoder, _ = load_encoder(directory, spec.layers or None)
        weights, digests = "real", {"weights": weights_digest(directory)}
    own = None if directory is None else load_tokenizer(directory)
    tokenizer, train, text = _texts(spec, access, own)
    head = new_head(encoder.config.hidden_size, len(train.labels), _SEED, "target")
    return Subject(spec, encoder, head, tokenizer, train, weights, text, digests | {"data": train.fingerprint})


def languages_of(access: Access, languages: Sequence[str], count: int) -> list[Split]:
    """Return the first `count` test pairs of XNLI in each language, synthetic ones where they are not here."""
    try:
        splits = [load_real("xnli", "test", language, access) for language in languages]
    except Unavailable:
        splits = [synthetic_split(synthetic_lengths(count)) for _ in languages]
    return [replace(split, examples=split.examples[:count]) for split in splits]


def repeated(split: Split, count: int) -> Split:
    """Return `count` examples: those of `split`, over and over."""
    numbers = np.arange(count) % len(split.examples)
    return replace(split, examples=tuple(split.examples[number] for number in numbers))


def _directory(spec: ModelSpec, access: Access) -> Path | None:
    if spec.world == ARTIFICIAL:
        return shipped_pocket_directory(0) / spec.token
    if spec.local_directory:
        return Path(spec.local_directory)
    return mirror.find_model(access.mirrors, spec.hub_id)


def _random_encoder(spec: ModelSpec, device: str) -> tuple[Any, str]:
    import torch

    from bench.modeling.encoder import random_encoder

    config = random_config(spec)
    # Drawn where it is used: billions of numbers take a CPU minutes.
    with torch.device(device):
        encoder = random_encoder(config, _SEED)
    return encoder, digest(config.to_dict() | {"dtype": None})


def _texts(spec: ModelSpec, access: Access, tokenizer: Any) -> tuple[Any, Split, str]:
    """Return tokenizer, pairs and a word on them."""
    if spec.world == ARTIFICIAL:
        return tokenizer, _first(artificial_split("xnli", "train", "w0_src")), "XNLI's counterpart in world 0"
    lent = _lent_tokenizer(access)
    if tokenizer is None and spec.family in _XLMR_TOKENS:
        tokenizer = lent
    real = _real(access)
    if real is not None and tokenizer is not None:
        return tokenizer, real, "XNLI English"
    if real is not None and lent is not None:
        words = synthetic_split(_lengths(lent, real))
        return word_tokenizer(), words, "synthetic words, lengths of XNLI English under XLM-R's vocabulary"
    return word_tokenizer(), synthetic_split(synthetic_lengths(EXAMPLES)), SYNTHETIC


def _real(access: Access) -> Split | None:
    try:
        return _first(load_real("xnli", "train", "en", access))
    except Unavailable:
        return None


def _lent_tokenizer(access: Access) -> Any:
    from bench.modeling.tokenization import load_tokenizer

    directory = mirror.find_model(access.mirrors, model(_LENDER).hub_id)
    return None if directory is None else load_tokenizer(directory)


def _lengths(tokenizer: Any, split: Split) -> Lengths:
    from bench.modeling.workload import workload

    return workload(tokenizer, split, LONGEST).lengths


def _first(split: Split) -> Split:
    return replace(split, examples=split.examples[:EXAMPLES], labels=split.labels or LABELS)
