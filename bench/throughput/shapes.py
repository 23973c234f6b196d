"""Configurations of models whose weights are not here, so that random weights of their shape can be timed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.catalog.models import ModelSpec
from bench.errors import Unavailable

# The architecture of each family in transformers. What the catalog does not hold is said here as published.
_ARCHITECTURES: Mapping[str, str] = {
    "me5_small": "bert",
    "minilm": "bert",
    "mbert": "bert",
    "xlm-r": "xlm-roberta",
    "infoxlm": "xlm-roberta",
    "xlm-v": "xlm-roberta",
    "mdeberta": "deberta-v2",
    "mmbert": "modernbert",
    "eurobert": "eurobert",
    "rembert": "rembert",
}
_LARGER = {"xlmr_xl", "xlmr_xxl"}
# Other models have heads 64 wide.
_HEADS = {"me5_small": 12, "mminilm": 12, "xlmr_xl": 32, "xlmr_xxl": 32}
_DEBERTA = {
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}
_FURTHER: Mapping[str, Mapping[str, Any]] = {"mdeberta": _DEBERTA, "rembert": {"input_embedding_size": 256}}
# For those that the catalog gives no number: their positions are relative, and a case reads 128.
_POSITIONS = 514
PADDING = 1


def random_config(spec: ModelSpec) -> Any:
    """Return a transformers configuration of the shape of `spec`, padding id 1.

    Shapes that the catalog recalls, and what it does not hold, are as recalled too. Raises Unavailable("weights") for a
    family whose architecture is not known.
    """
    from transformers import AutoConfig

    if spec.family not in _ARCHITECTURES:
        raise Unavailable("weights", f"{spec.token} is not here, and the shape of family {spec.family!r} is not known")
    architecture = "xlm-roberta-xl" if spec.token in _LARGER else _ARCHITECTURES[spec.family]
    heads = _HEADS.get(spec.truncated_from or spec.token, spec.hidden // 64)
    types = {"type_vocab_size": 2 if architecture in ("bert", "rembert") else 1} if architecture != "deberta-v2" else {}
    return AutoConfig.for_model(
        architecture, vocab_size=spec.vocabulary, hidden_size=spec.hidden, num_hidden_layers=spec.layers,
        num_attention_heads=heads, num_key_value_heads=heads, intermediate_size=spec.feed_forward,
        max_position_embeddings=spec.positions or _POSITIONS, pad_token_id=PADDING, bos_token_id=0, eos_token_id=2,
        cls_token_id=0, sep_token_id=2, **types, **_FURTHER.get(spec.family, {}),
    )  # fmt: skip
