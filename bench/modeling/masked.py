"""Masked language modelling on the side of another task: the head a model was pretrained with, and its objective."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BadInput, Unavailable
from bench.modeling.directory import masked_head_tensors, read_config
from bench.modeling.encoder import Encoder
from bench.modeling.streams import stream_seed

# Devlin et al. 2019, 3.1, and jiant's mlm.py: share of tokens to be named; of these, those hidden and those replaced.
RATE, HIDDEN, REPLACED = 0.15, 0.8, 0.1
_INITIAL_SPREAD = 0.02


class MaskedHead(nn.Module):
    """What names masked tokens, as XLM-R's `lm_head` and BERT's `cls.predictions` do: dense, gelu, LayerNorm, decoder.

    The decoder is tied: its matrix is the encoder's word embeddings, which are passed in and never stored here. Its
    bias, (vocabulary,), is the head's own.
    """

    def __init__(self, hidden: int, vocabulary: int, epsilon: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden, eps=epsilon)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """Return (..., vocabulary) logits from (..., hidden) states and (vocabulary, hidden) word embeddings."""
        inner = self.layer_norm(functional.gelu(self.dense(states)))
        return functional.linear(inner, embeddings, self.bias)


def load_masked_head(directory: Path, encoder: Encoder) -> MaskedHead:
    """Return the head that the model in `directory` was pretrained with (float32, eval mode), for its `encoder`.

    It is read from the model's own safetensors or from lm_head/ beside them. Raises Unavailable when there is none, or
    when `encoder` has lost layers: the head reads the last one. Raises BadInput for tensors of another shape.
    """
    stored = masked_head_tensors(directory)
    if not stored:
        raise Unavailable("weights", f"{directory} holds no masked-language-modelling head; use a model that has one")
    depth, layers = read_config(directory).get("num_hidden_layers"), encoder.config.num_hidden_layers
    if layers != depth:
        raise Unavailable(
            "weights",
            f"the masked-language-modelling head of {directory} reads layer {depth}, but the encoder was cut to "
            f"{layers}; use the whole model",
        )
    head = _blank(encoder)
    _fill(head, {name: _tensor(*place) for name, place in stored.items()}, directory)
    return head.eval()


def new_masked_head(encoder: Encoder, seed: int) -> MaskedHead:
    """Return an untrained head for `encoder`, drawn from `seed` alone."""
    head = _blank(encoder)
    generator = torch.Generator().manual_seed(stream_seed("head", "masked", seed))
    with torch.no_grad():
        head.dense.weight.normal_(0.0, _INITIAL_SPREAD, generator=generator)
        head.dense.bias.zero_()
    return head.eval()


def mask_tokens(
    ids: Tensor, special: Sequence[int], mask_id: int, vocabulary: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Choose 15 % of the tokens of (n, length) int64 `ids` on the CPU, none of the `special` ids among them.

    Of the chosen, 80 % become `mask_id`, 10 % any of the `vocabulary` tokens, and 10 % stay (Devlin et al. 2019).
    Return the ids to be read, (n, length) int64; the chosen places, (n, length) bool; and the m tokens that stood
    there, (m,) int64, row by row. Three draws a token, chosen or not: equal shapes consume equal parts of the stream.
    """
    chosen, fate, other = (torch.rand(ids.shape, generator=generator, dtype=torch.float64) for _ in range(3))
    places = (chosen < RATE) & ~torch.isin(ids, torch.tensor(special))
    read = ids.masked_fill(places & (fate < HIDDEN), mask_id)
    replaced = places & (fate >= HIDDEN) & (fate < HIDDEN + REPLACED)
    return torch.where(replaced, (other * vocabulary).long(), read), places, ids[places]


def masked_loss_sum(encoder: Encoder, head: MaskedHead, states: Tensor, places: Tensor, truth: Tensor) -> Tensor:
    """Return the cross-entropy of the chosen tokens in nats, summed over them; 0 where none was chosen.

    states: (n, length, hidden), the last states of `encoder` on the masked ids; places and truth: from `mask_tokens`,
    on the device of `states`. Gradients reach head and encoder, whose word embeddings are the decoder's too.
    """
    logits = head(states[places], encoder.get_input_embeddings().weight)
    return functional.cross_entropy(logits.float(), truth, reduction="sum")


def _blank(encoder: Encoder) -> MaskedHead:
    vocabulary, hidden = encoder.get_input_embeddings().weight.shape
    # Construction draws from the global stream and is overwritten: keep that stream as it was.
    with torch.random.fork_rng(devices=[]):
        return MaskedHead(hidden, vocabulary, encoder.config.layer_norm_eps)


def _tensor(file: Path, name: str) -> Tensor:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as stored:
        tensor: Tensor = stored.get_tensor(name)
    return tensor


def _fill(head: MaskedHead, tensors: dict[str, Tensor], directory: Path) -> None:
    for name, weight in head.state_dict().items():
        if tensors[name].shape != weight.shape:
            raise BadInput(
                f"The masked-language-modelling head of {directory} has {name} of shape {tuple(tensors[name].shape)}, "
                f"but its encoder needs {tuple(weight.shape)}; fetch the model again."
            )
    head.load_state_dict(tensors)
