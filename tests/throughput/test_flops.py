"""Operations a model needs, against the formula counted out by hand and against torch's own count."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from bench.catalog.models import model, shipped_pocket_directory
from bench.modeling.encoder import load_encoder
from bench.throughput.flops import Shape, prediction_flops, shape_of, training_flops

LENGTHS = st.lists(st.integers(1, 128), min_size=1, max_size=20).map(lambda found: np.array(found, dtype=np.int64))


def test_a_hand_count():
    shape = Shape(body=100, layers=2, width=8)
    # Texts of 3 and 5 tokens: 2 * 100 * 8 + 4 * 2 * 8 * (9 + 25).
    assert prediction_flops(shape, np.array([3, 5])) == 1600 + 2176
    # As PaLM writes it, a token of a text of 5: 6 N + 12 L H Q T.
    assert training_flops(shape, np.array([5])) == 5 * (6 * 100 + 12 * 2 * 8 * 5)


@given(LENGTHS, LENGTHS)
def test_operations_add_up_over_texts(first, second):
    shape = Shape(1000, 3, 16)
    both = np.concatenate([first, second])
    assert training_flops(shape, both) == training_flops(shape, first) + training_flops(shape, second)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(shipped_pocket_directory(0) / "pocket_m")[0]


def test_the_body_is_that_of_the_catalog(encoder):
    spec = model("pocket_m")
    assert shape_of(encoder) == Shape(spec.body_parameters, spec.layers, spec.hidden)


def test_a_forward_pass_is_what_torch_counts(encoder):
    length = 60
    encoder.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        encoder(input_ids=torch.full((4, length), 7))
    shape = shape_of(encoder)
    # The formula's N has biases and normalisations, a few in a hundred of so small a model.
    assert counter.get_total_flops() == pytest.approx(prediction_flops(shape, np.full(4, length)), rel=0.02)
