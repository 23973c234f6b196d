"""Packed and padded passes give the same states, whatever the lengths; and what goes packed."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.modeling.encoder import load_encoder, random_encoder
from bench.modeling.forward import padded_states
from bench.modeling.packing import can_pack, packed_states, packs
from bench.modeling.tokenization import from_rows
from tests.tiny_models import make_tiny_model

CPU = torch.device("cpu")
ROWS = st.lists(st.lists(st.integers(4, 12), min_size=1, max_size=20), min_size=1, max_size=6)


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def encoder(request, tmp_path_factory):
    return load_encoder(make_tiny_model(tmp_path_factory.mktemp("tiny"), architecture=request.param))[0]


def encoded(rows):
    return from_rows(rows, [[place % 2 for place in range(len(row))] for row in rows], [False] * len(rows))


@settings(deadline=None)
@given(ROWS, st.booleans(), st.randoms(use_true_random=False))
@example([[4], [4, 5, 6]], False, None)
def test_states_are_those_of_a_padded_pass(encoder, rows, every_layer, order):
    chosen = np.arange(len(rows))
    if order is not None:
        order.shuffle(chosen)
    with torch.inference_mode():
        packed, mask = packed_states(encoder, encoded(rows), chosen, CPU, every_layer)
        padded, its_mask = padded_states(encoder, encoded(rows), chosen, CPU, every_layer)

    assert torch.equal(mask, its_mask)
    assert len(packed) == len(padded)
    for one, other in zip(packed, padded, strict=True):
        torch.testing.assert_close(one[mask.bool()], other[mask.bool()], atol=1e-5, rtol=1e-5)


def test_a_cpu_reads_packed_rows_and_trains_on_padded_ones(encoder):
    assert packs(encoder.eval(), CPU)
    assert not packs(encoder.train(), CPU)
    encoder.eval()


def test_a_gpu_packs_in_sixteen_bits_alone(encoder, monkeypatch):
    gpu = torch.device("cuda")
    encoder.eval()
    assert can_pack(encoder)
    assert not packs(encoder, gpu)

    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: kind == "cuda")
    assert packs(encoder, gpu)
    encoder.train()
    assert not packs(encoder, gpu)
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Dropout):
            monkeypatch.setattr(layer, "p", 0.0)
    assert packs(encoder, gpu)
    encoder.eval()


def test_another_attention_is_padded(encoder, monkeypatch):
    monkeypatch.setattr(encoder.config, "_attn_implementation_internal", "eager", raising=True)
    assert not can_pack(encoder)


def test_attention_to_neighbours_is_padded():
    from transformers import ModernBertConfig

    config = ModernBertConfig(
        vocab_size=13, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, pad_token_id=1
    )
    assert not can_pack(random_encoder(config, 0))
