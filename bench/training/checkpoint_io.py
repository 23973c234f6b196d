"""Checkpoints on disk: safetensors and JSON, nothing that can run code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bench.canonical import canonical_json
from bench.data.example import SENTENCE_PAIR
from bench.errors import Corrupt
from bench.modeling.aggregation import Aggregation
from bench.modeling.encoder import Encoder, load_encoder, quiet_transformers
from bench.modeling.heads import HEADS, Head
from bench.modeling.tokenization import load_tokenizer
from bench.strict_json import parse_json

_HEAD_WEIGHTS = "head.safetensors"
_HEAD_FACTS = "head.json"
# Far more than any task has; what a damaged file asks for beyond it is not allocated.
_MOST_CLASSES = 10_000


@dataclass(frozen=True)
class Classifier:
    """A loaded checkpoint: `meta` is what `save_classifier` was given."""

    encoder: Encoder
    head: Head
    tokenizer: Any
    meta: Mapping[str, Any]


def save_encoder(directory: Path, encoder: Encoder, tokenizer: Any) -> None:
    """Write encoder, configuration and tokenizer into `directory`, which `load_encoder` reads.

    Equal encoders give equal bytes. The directory is the caller's to publish: nothing here is atomic.
    """
    with quiet_transformers():
        encoder.save_pretrained(str(directory))
        tokenizer.save_pretrained(str(directory))


def save_classifier(directory: Path, encoder: Encoder, head: Head, tokenizer: Any, meta: Mapping[str, Any]) -> None:
    """Write encoder, tokenizer, head and `meta` (plain values) into `directory`, which `load_classifier` reads."""
    save_encoder(directory, encoder, tokenizer)
    weights = {name: weight.detach().cpu().contiguous() for name, weight in head.state_dict().items()}
    save_file(weights, str(directory / _HEAD_WEIGHTS))
    facts = {
        "kind": head.kind,
        "classes": head.classes,
        "hidden": encoder.config.hidden_size,
        "pooling": head.pooling,
        "aggregates": head.aggregation is not None,
        "meta": meta,
    }
    (directory / _HEAD_FACTS).write_text(canonical_json(facts), encoding="utf-8")


def load_classifier(directory: Path) -> Classifier:
    """Return the checkpoint in `directory`, in eval mode on the CPU; raises Corrupt when its head does not load."""
    encoder, _ = load_encoder(directory)
    try:
        facts = parse_json((directory / _HEAD_FACTS).read_bytes())
        meta, sizes = facts["meta"], (facts["hidden"], facts["classes"])
        if facts["hidden"] != encoder.config.hidden_size or not 0 <= facts["classes"] <= _MOST_CLASSES:
            raise ValueError(f"{sizes} are no sizes of a head on this encoder")
        # Checkpoints from before there were other kinds of heads name neither kind nor aggregation.
        head = HEADS[facts.get("kind", SENTENCE_PAIR)](*sizes, facts["pooling"])
        head.aggregation = Aggregation(facts["hidden"]) if facts.get("aggregates") else None
        head.load_state_dict(load_file(str(directory / _HEAD_WEIGHTS)))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, RuntimeError, SafetensorError) as error:
        raise Corrupt(
            f"{directory} holds no readable head ({error}); delete the checkpoint and train again."
        ) from error
    return Classifier(encoder, head.eval(), load_tokenizer(directory), meta)
