"""Models the user brings: `--model TOKEN=DIR`, or `--model TOKEN=hub:OWNER/NAME` from a mirror or the hub."""

from __future__ import annotations

from pathlib import Path

from bench.catalog.models import MODELS, ModelSpec
from bench.condition import Condition
from bench.errors import BadInput
from bench.modeling.directory import read_config, weight_files

_HUB = "hub:"


def own_model(text: str) -> ModelSpec:
    """Return the row of one `--model`; raises BadInput when it does not read so, or the directory is no model's."""
    token, equals, place = text.partition("=")
    if not equals or not token or not place:
        raise BadInput(f"Got --model {text!r}, but it reads TOKEN=DIR, such as --model mini=./my-model.")
    if any(token == spec.token for spec in MODELS):
        raise BadInput(
            f"Got --model {text!r}, but {token} is a model of the catalog; "
            f"give yours a token of its own, such as my_{token}."
        )
    # A condition checks its tokens.
    Condition(token, "none", "xnli", "en", 0)
    if place.startswith(_HUB):
        return ModelSpec(token, place.removeprefix(_HUB), 0, 0, 0, 0, 0, token, "own")
    return _from_directory(token, Path(place))


def _from_directory(token: str, directory: Path) -> ModelSpec:
    weight_files(directory)
    config = read_config(directory)

    def size(name: str) -> int:
        value = config.get(name)
        return value if isinstance(value, int) else 0

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
