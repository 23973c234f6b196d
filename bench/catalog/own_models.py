"""Models the user brings: `--model TOKEN=DIR`, or `--model TOKEN=hub:OWNER/NAME` from a mirror or the hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench.catalog.models import MODELS, ModelSpec
from bench.condition import Condition
from bench.errors import BadInput
from bench.modeling.directory import read_config, weight_files

_HUB = "hub:"
_HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}\Z", re.ASCII)
_LARGEST = 2**31


def own_model(text: str) -> ModelSpec:
    """Return the row of one `--model`; raises BadInput when it does not read so, or the directory is no model's."""
    token, equals, place = text.partition("=")
    if not equals or not token or not place:
        raise BadInput(
            f"Got --model {text!r}, but it reads TOKEN=DIR or TOKEN=hub:OWNER/NAME, such as --model mini=./my-model."
        )
    if any(token == spec.token for spec in MODELS):
        raise BadInput(
            f"Got --model {text!r}, but {token} is a model of the catalog; "
            f"give yours a token of its own, such as my_{token}."
        )
    # A condition checks its tokens.
    Condition(token, "none", "xnli", "en", 0)
    if place.startswith(_HUB):
        return ModelSpec(token, _hub_id(place.removeprefix(_HUB)), 0, 0, 0, 0, 0, token, "own")
    return _from_directory(token, Path(place))


def _hub_id(text: str) -> str:
    # It becomes a path in every mirror, and part of an address.
    if not _HUB_ID.match(text):
        raise BadInput(f"Got hub id {text!r}, but a hub id reads OWNER/NAME, in letters, digits, '_', '-' and '.'.")
    return text


def _from_directory(token: str, directory: Path) -> ModelSpec:
    weight_files(directory)
    config = read_config(directory)

    def size(name: str) -> int:
        return _size(directory, name, config.get(name))

    return ModelSpec(
        token=token,
        hub_id="",
        layers=size("num_hidden_layers"),
        hidden=size("hidden_size"),
        feed_forward=size("intermediate_size"),
        vocabulary=size("vocab_size"),
        positions=size("max_position_embeddings"),
        family=token,
        generation="own",
        local_directory=str(directory.absolute()),
    )


def _size(directory: Path, name: str, value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LARGEST:
        raise BadInput(
            f"{directory / 'config.json'} says {name}={value!r}, but that is an integer from 1 to {_LARGEST - 1}; "
            "correct it, or fetch the model again."
        )
    return value
