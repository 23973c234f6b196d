"""The pretrained encoder: read from safetensors, cut to its first layers, or drawn at random in its true shape."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from bench.errors import BadInput
from bench.modeling.attention import register
from bench.modeling.directory import EncoderShape, check_shape, read_config, weight_files

# A transformers PreTrainedModel, most of whose methods carry no types.
Encoder = Any


def load_encoder(
    directory: Path, layers: int | None = None, expected: EncoderShape | None = None
) -> tuple[Encoder, Any]:
    """Return the encoder of `directory` (float32, no pooler, eval mode) and its configuration.

    `layers` keeps the first so many layers; `expected` is compared with the stored configuration first. No remote
    code is run and nothing is fetched. Raises BadInput for a directory that lacks what is needed.
    """
    from transformers import AutoModel

    weight_files(directory)
    if expected is not None:
        check_shape(directory, expected)
    config = load_config(directory, layers)
    try:
        with quiet_transformers():
            # Sizes that differ are let through here to be refused by name below.
            encoder, info = AutoModel.from_pretrained(
                str(directory), config=config, dtype=torch.float32, use_safetensors=True, trust_remote_code=False,
                local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True, **_construction(config),
            )  # fmt: skip
    except Exception as error:
        # A configuration that fits no weights fails in as many ways as there are architectures.
        reason = error if isinstance(error, SafetensorError) else f"{type(error).__name__}: {error}"
        raise BadInput(f"The weights in {directory} do not read ({reason}); fetch the model again.") from error
    lacking = sorted(info["missing_keys"]) + sorted(key[0] for key in info["mismatched_keys"])
    if lacking:
        raise BadInput(
            f"{directory} holds no fitting weights for {len(lacking)} tensors of its config.json, "
            f"such as {lacking[0]}; fetch the model again."
        )
    return encoder.eval(), encoder.config


def random_encoder(config: Any, seed: int) -> Encoder:
    """Return an encoder of the true shape of `config` with random weights (float32, eval mode), drawn from `seed`."""
    from transformers import AutoModel

    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(seed)
        encoder = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, **_construction(config)
        )
    return encoder.eval()


def load_config(directory: Path, layers: int | None = None) -> Any:
    """Return the transformers configuration of `directory`, cut to the first `layers` layers when given."""
    from transformers import AutoConfig

    stored = read_config(directory)
    try:
        config = AutoConfig.from_pretrained(str(directory), trust_remote_code=False, local_files_only=True)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(
            f"{directory / 'config.json'} says model_type={stored.get('model_type')!r}, "
            f"which the installed transformers cannot read ({reason}); use a supported encoder."
        ) from error
    return config if layers is None else _cut(config, layers, directory)


def encoder_layers(encoder: Encoder) -> nn.ModuleList:
    """Return the encoder's transformer layers, first to last."""
    depth = encoder.config.num_hidden_layers
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise BadInput(f"Got a {type(encoder).__name__}, whose {depth} layers are not one ModuleList; freeze no layers.")


def _cut(config: Any, layers: int, directory: Path) -> Any:
    depth = config.num_hidden_layers
    if not 1 <= layers <= depth:
        raise BadInput(f"Got layers={layers}, but {directory} has {depth}; ask for 1 to {depth}.")
    config.num_hidden_layers = layers
    # Some families list their layers one by one, and reject a list of another length.
    if getattr(config, "layer_types", None) is not None:
        config.layer_types = config.layer_types[:layers]
    return config


def _construction(config: Any) -> dict[str, Any]:
    from transformers import AutoModel

    model_class: Any = AutoModel._model_mapping[type(config)]
    attention = "sdpa" if getattr(model_class, "_supports_sdpa", False) else "eager"
    if attention == "sdpa" and getattr(model_class, "_supports_attention_backend", False):
        attention = register()
    pooler = "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"attn_implementation": attention, **({"add_pooling_layer": False} if pooler else {})}


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the tables of unused layers: cutting the depth and dropping the pooler is what was asked for."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
