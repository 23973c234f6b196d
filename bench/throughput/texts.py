"""Synthetic texts of stated lengths, where tokenizer or data are not here, and a tokenizer of their words."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.example import Example, Provenance, Split
from bench.stream import UNIT_BITS, philox, unit_integers
from bench.throughput.flops import Lengths

LABELS = ("entailment", "neutral", "contradiction")
LONGEST = 128

# XNLI's English pairs under XLM-R's vocabulary: mean 46 tokens, standard deviation of the logarithm 0.46.
_MEAN, _LOG_SPREAD = 46, 0.46
SYNTHETIC = f"synthetic words, log-normal lengths of mean {_MEAN} and log-spread {_LOG_SPREAD}, at most {LONGEST}"
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
# A pair of one word each.
_SHORTEST = 6
# As many kinds of words as ten thousand pairs have pieces.
_WORDS = 14_000


def synthetic_lengths(count: int) -> Lengths:
    """Return `count` lengths in tokens, special ones included."""
    normal = NormalDist(math.log(_MEAN) - _LOG_SPREAD**2 / 2, _LOG_SPREAD)
    drawn = [math.exp(normal.inv_cdf(each)) for each in _open_uniform("lengths", count)]
    return np.clip(np.rint(drawn), _SHORTEST, LONGEST).astype(np.int64)


def synthetic_split(lengths: Lengths) -> Split:
    """Return pairs that `word_tokenizer` makes rows of `lengths` tokens of, two thirds of them in the premise.

    Words are drawn by Zipf's law of exponent 1, so that few are frequent and many take part.
    """
    words = [f"w{rank}" for rank in _zipf(int(lengths.sum()))]
    examples, start = [], 0
    for number, length in enumerate(lengths):
        count = int(length) - _SHORTEST + 2
        middle, end = start + max(1, 2 * count // 3), start + count
        pair = " ".join(words[start:middle]), " ".join(words[middle:end])
        examples.append(Example(f"train-{number}", f"train-{number}", *pair, number % len(LABELS)))
        start = end
    return Split("train", "en", LABELS, tuple(examples), Provenance("artificial", note=SYNTHETIC))


def word_tokenizer() -> Any:
    """Return a fast tokenizer of those words, with the pair template of XLM-R."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    start, padding, end, unknown = _SPECIAL
    names = (*_SPECIAL, *(f"w{rank}" for rank in range(_WORDS)))
    backend = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token=unknown))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {end} {end} $B {end}", special_tokens=[(start, 0), (end, 2)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend, cls_token=start, pad_token=padding, sep_token=end, unk_token=unknown
    )


def _zipf(count: int) -> list[int]:
    """Return `count` ranks from 0 to _WORDS - 1, rank r with a probability of about 1 / (r + 1)."""
    shares = np.array(_open_uniform("words", count))
    return [int(rank) for rank in np.floor(np.exp(shares * math.log(_WORDS))) - 1]


def _open_uniform(name: str, count: int) -> list[float]:
    raw: npt.NDArray[np.float64] = unit_integers(philox("throughput", name), (count,)).astype(np.float64)
    return [float(each) for each in (raw + 0.5) / 2**UNIT_BITS]
