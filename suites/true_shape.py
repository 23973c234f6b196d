"""What throughput is measured on: encoders of true shape, and rows as long as XNLI's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog.models import ModelSpec
from bench.data.example import Example, Provenance, Split
from bench.data.mirror import mirrors_from_environment
from bench.data.sources import Access
from bench.modeling.flops import Shape

LABELS = ("entailment", "neutral", "contradiction")

# Tokens a pair of XNLI's English training data has under XLM-R's vocabulary, special ones included: the middles of
# twenty equal shares of 10,071 pairs, whose mean is 47.5.
XNLI_LENGTHS = (16, 21, 25, 28, 31, 33, 36, 38, 41, 43, 46, 49, 51, 54, 57, 61, 65, 71, 80, 99)
# And how many different tokens these have.
XNLI_VOCABULARY = 14_000

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")

# Architecture and size of an attention head by family, where every size has the same; others are not known here.
_ARCHITECTURES = {
    "xlm-r": ("xlm-roberta", 64), "infoxlm": ("xlm-roberta", 64), "xlm-v": ("xlm-roberta", 64),
    "mbert": ("bert", 64), "minilm": ("bert", 32), "me5_small": ("bert", 32), "pocket": ("bert", 16),
}  # fmt: skip
_LARGE_HEADS = {"xlmr_xl": 80, "xlmr_xxl": 128}


@dataclass(frozen=True)
class TrueShape:
    """An encoder to measure. `weights`: "real" or "random"; `encoder` and `classifier` make it anew each time."""

    token: str
    weights: str
    shape: Shape
    tokenizer: Any
    encoder: Callable[[], Any]
    classifier: Callable[[], Any]


def true_shape(spec: ModelSpec) -> TrueShape | None:
    """Return the model of `spec` with its own weights where a mirror has them, else random; None: shape not known."""
    directory = _mirrored(spec)
    if directory is not None:
        return _real(spec, directory)
    return _random(spec) if spec.family in _ARCHITECTURES else None


def nli_rows(model: TrueShape, count: int, name: str = "train", seed: int = 0) -> Split:
    """Return `count` pairs: real ones with real weights, else words drawn at random in pairs of XNLI's lengths."""
    examples = _mirrored_pairs(count) if model.weights == "real" else _drawn_pairs(count, seed)
    return Split(name, "en", LABELS, examples, Provenance("mirror" if model.weights == "real" else "local"))


def _mirrored(spec: ModelSpec) -> Path | None:
    from bench.data import mirror

    found = mirror.find_model(mirrors_from_environment(), spec.hub_id) if spec.hub_id else None
    return None if found is None or not _mirrored_pairs(1) else Path(found)


def _real(spec: ModelSpec, directory: Path) -> TrueShape:
    from transformers import AutoModelForSequenceClassification

    from bench.modeling.encoder import load_config, load_encoder
    from bench.modeling.tokenization import load_tokenizer

    layers = spec.layers or None

    def classifier() -> Any:
        config = load_config(directory, layers)
        config.num_labels = len(LABELS)
        return AutoModelForSequenceClassification.from_pretrained(str(directory), config=config)

    shape = Shape(spec.layers, spec.hidden, spec.feed_forward)
    return TrueShape(
        spec.token, "real", shape, load_tokenizer(directory), lambda: load_encoder(directory, layers)[0], classifier
    )


def _random(spec: ModelSpec) -> TrueShape:
    from transformers import AutoModelForSequenceClassification

    from bench.modeling.encoder import random_encoder

    config = _config(spec)

    def classifier() -> Any:
        return AutoModelForSequenceClassification.from_config(_config(spec, num_labels=len(LABELS)))

    shape = Shape(spec.layers, spec.hidden, spec.feed_forward)
    return TrueShape(spec.token, "random", shape, _word_tokenizer(), lambda: random_encoder(config, 0), classifier)


def _config(spec: ModelSpec, **more: Any) -> Any:
    from transformers import AutoConfig

    architecture, size = _ARCHITECTURES[spec.family]
    if spec.token in _LARGE_HEADS:
        architecture, size = "xlm-roberta-xl", _LARGE_HEADS[spec.token]
    vocabulary = max(spec.vocabulary, len(_SPECIAL) + XNLI_VOCABULARY)
    return AutoConfig.for_model(
        architecture, vocab_size=vocabulary, hidden_size=spec.hidden, num_hidden_layers=spec.layers,
        num_attention_heads=spec.hidden // size, intermediate_size=spec.feed_forward,
        max_position_embeddings=spec.positions, type_vocab_size=1, pad_token_id=1, **more,
    )  # fmt: skip


def _word_tokenizer() -> Any:
    """Return a tokenizer of whole words, w0 to w13999, with XLM-R's special tokens around a pair."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate((*_SPECIAL, *(f"w{n}" for n in range(XNLI_VOCABULARY))))}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token="<s>", pad_token="<pad>", sep_token="</s>", unk_token="<unk>"
    )


def _drawn_pairs(count: int, seed: int) -> tuple[Example, ...]:
    drawn = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        length = XNLI_LENGTHS[int(drawn.integers(len(XNLI_LENGTHS)))] - 4
        words = [f"w{word}" for word in drawn.integers(XNLI_VOCABULARY, size=length)]
        cut = max(1, 2 * length // 3)
        text, pair = " ".join(words[:cut]), " ".join(words[cut:])
        examples.append(Example(f"{number}", f"{number // 3}", text, pair, number % len(LABELS)))
    return tuple(examples)


@cache
def _mirrored_pairs(count: int) -> tuple[Example, ...]:
    """Return the first `count` pairs of XNLI's English training data in a mirror, none where there is none."""
    from bench.data.real import load_real
    from bench.errors import CrosscalError

    try:
        split = load_real("xnli", "train", "en", Access(mirrors_from_environment(), hub_allowed=False))
    except CrosscalError:
        return ()
    return tuple(split.examples[:count])
