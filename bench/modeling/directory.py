"""A model directory on disk: what must be in it, and which bytes it is. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.canonical import digest, file_digest
from bench.errors import BadInput
from bench.strict_json import parse_json

# Named one by one: a directory may also hold code and pickles, and none of these is read.
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "sentencepiece.bpe.model", "spm.model", "spiece.model", "vocab.txt", "vocab.json", "merges.txt",
)  # fmt: skip
# These number positions from the padding id + 1, so their first table rows hold no position.
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert"})
# Where a masked-language-modelling head lies that is not among the weights of its encoder.
MASKED_HEAD = Path("lm_head") / "lm_head.safetensors"
# How such heads are stored by XLM-R, BERT and early BERT: dense layer, LayerNorm and its two tensors, decoder's bias.
_TRANSFORM = "cls.predictions.transform"
_MASKED_HEADS = (
    ("lm_head.dense", "lm_head.layer_norm", "weight", "bias", "lm_head.bias"),
    (f"{_TRANSFORM}.dense", f"{_TRANSFORM}.LayerNorm", "weight", "bias", "cls.predictions.bias"),
    (f"{_TRANSFORM}.dense", f"{_TRANSFORM}.LayerNorm", "gamma", "beta", "cls.predictions.bias"),
)


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """What a catalog row says of a stored configuration; `None` where the row does not say."""

    hidden: int | None = None
    layers: int | None = None
    vocabulary: int | None = None


def weight_files(directory: Path) -> list[Path]:
    """Return the encoder's safetensors files, sorted.

    Raises BadInput when there is no directory or no such file, and when the index of several leads to other files.
    """
    # Path.is_dir raises for a name that is too long.
    if not os.path.isdir(directory):
        raise BadInput(f"Got model directory {directory}, but there is no such directory; check the path.")
    files = sorted(directory.glob("model*.safetensors"))
    if not files:
        raise BadInput(
            f"{directory} holds no model*.safetensors, and pickled weights are never read; "
            f"convert them with `crosscal mirror convert {directory} NEW_DIR` and give the new directory."
        )
    _check_index(directory / "model.safetensors.index.json", {path.name for path in files})
    return files


def read_config(directory: Path) -> dict[str, Any]:
    """Return `config.json` of a model directory; raises BadInput when it is missing or no JSON object."""
    path = directory / "config.json"
    try:
        config = parse_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{directory} holds no config.json; add the one its weights were saved with.") from error
    except ValueError as error:
        raise BadInput(f"{path} is no JSON ({error}); fetch the model again.") from error
    if not isinstance(config, dict):
        raise BadInput(f"{path} is no JSON object; fetch the model again.")
    if config.get("transformers_weights") is not None:
        raise BadInput(f"{path} names weights by transformers_weights, which nothing checks; remove that entry.")
    return config


def check_shape(directory: Path, expected: EncoderShape) -> None:
    """Raise BadInput naming both values when the stored configuration differs from `expected`."""
    config = read_config(directory)
    named = {
        "hidden_size": expected.hidden,
        "num_hidden_layers": expected.layers,
        "vocab_size": expected.vocabulary,
    }
    for name, wanted in named.items():
        found = config.get(name)
        if wanted is not None and found != wanted:
            raise BadInput(
                f"{directory / 'config.json'} says {name}={found!r}, but the catalog row says {wanted}; "
                "give the directory of that model, or a token of your own: --model <token>=DIR."
            )


def usable_positions(config: Any) -> int | None:
    """Return how many tokens a row may have under `config` (a transformers configuration), None when unbounded."""
    positions: int | None = getattr(config, "max_position_embeddings", None)
    return None if positions is None else positions - first_position(config)


def first_position(config: Any) -> int:
    """Return the number that the model of `config` gives the position of a row's first token."""
    return int(config.pad_token_id) + 1 if config.model_type in _OFFSET_POSITIONS else 0


def has_masked_head(directory: Path) -> bool:
    """Return whether `directory` holds a masked-language-modelling head built as XLM-R's or BERT's.

    Raises BadInput when its weights do not read.
    """
    return bool(masked_head_tensors(directory))


def masked_head_tensors(directory: Path) -> dict[str, tuple[Path, str]]:
    """Return where the tensors of that head are: file and name in it by our own name, nothing when it is not whole.

    The model's own files go before lm_head/.
    """
    files = [directory / MASKED_HEAD, *sorted(directory.glob("model*.safetensors"))]
    found = {name: file for file in files if file.is_file() for name in _tensor_names(file)}
    for kind in _MASKED_HEADS:
        names = _head_names(*kind)
        if found.keys() >= set(names.values()):
            return {own: (found[name], name) for own, name in names.items()}
    return {}


def weights_digest(directory: Path) -> str:
    """Return one sha256 over the names and bytes of weights, configuration and tokenizer: the identity of an input."""
    weight_files(directory)
    read_config(directory)
    return digest([[path.name, file_digest(path)] for path in _identity_files(directory)])


def _check_index(path: Path, names: set[str]) -> None:
    # transformers opens whatever the index names: a pickle, or a file of another directory.
    if not path.is_file():
        return
    try:
        index = parse_json(path.read_bytes())
        places = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(places, dict) or not isinstance(index.get("metadata"), dict):
            raise ValueError("it has no weight_map or no metadata")
        for place in places.values():
            if not isinstance(place, str) or place not in names:
                raise ValueError(f"{place!r} is no safetensors file beside it")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is no index of weights ({error}); fetch the model again.") from error


def _identity_files(directory: Path) -> Iterator[Path]:
    names = {path.name for path in directory.glob("*.safetensors*")} | {"config.json", *TOKENIZER_FILES}
    return (directory / name for name in sorted(names) if (directory / name).is_file())


def _head_names(dense: str, norm: str, scale: str, shift: str, bias: str) -> dict[str, str]:
    return {
        "dense.weight": f"{dense}.weight",
        "dense.bias": f"{dense}.bias",
        "layer_norm.weight": f"{norm}.{scale}",
        "layer_norm.bias": f"{norm}.{shift}",
        "bias": bias,
    }


def _tensor_names(file: Path) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as stored:
            return list(stored.keys())
    except (SafetensorError, OSError) as error:
        raise BadInput(f"The weights in {file} do not read ({error}); fetch the model again.") from error
