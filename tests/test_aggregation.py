"""Attention over layers: one weight a token and layer, and a start that arms of one seed share."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.modeling.aggregation import Aggregation, new_aggregation
from bench.modeling.encoder import load_encoder
from tests.tiny_models import make_tiny_model

LN3 = 1.0986122886681098


def states(layers, seed=0, rows=2, length=5, hidden=4):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, length, hidden, generator=generator) for _ in range(layers + 1))


def test_the_result_has_the_shape_of_one_layer_and_the_embeddings_are_no_layer():
    aggregation, read = new_aggregation(4, 0, "target"), states(3)
    other = (torch.full_like(read[0], 1e6), *read[1:])

    assert aggregation(read).shape == (2, 5, 4)
    assert aggregation.weights(read).shape == (2, 5, 3)
    assert torch.equal(aggregation(read), aggregation(other))


@given(st.integers(1, 6), st.integers(0, 99), st.floats(0.1, 30))
def test_weights_are_a_distribution_over_layers_for_every_token(layers, seed, scale):
    aggregation = new_aggregation(4, seed, "target")
    weights = aggregation.weights(tuple(scale * state for state in states(layers, seed)))

    assert (weights >= 0).all()
    assert torch.allclose(weights.sum(-1), torch.ones(2, 5), atol=1e-5)


def test_a_hand_computed_case():
    aggregation = Aggregation(1)
    for layer in (aggregation.query, aggregation.key):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    # Query 1 from the last layer, keys 1 - ln 3 and 1: the last layer weighs three times as much.
    read = tuple(torch.tensor([[[value]]]) for value in (7.0, 1 - LN3, 1.0))

    assert aggregation.weights(read).flatten().tolist() == pytest.approx([0.25, 0.75])
    assert aggregation(read).item() == pytest.approx(0.25 * (1 - LN3) + 0.75)


def test_scores_are_divided_by_the_root_of_the_width():
    aggregation = Aggregation(4)
    torch.nn.init.eye_(aggregation.query.weight)
    torch.nn.init.eye_(aggregation.key.weight)
    torch.nn.init.zeros_(aggregation.query.bias)
    torch.nn.init.zeros_(aggregation.key.bias)
    last = torch.ones(1, 1, 4)
    # Dot products with the query: 4 - 2 ln 3 and 4, over a root of 2.
    read = (last, (1 - LN3 / 2) * last, last)

    assert aggregation.weights(read).flatten().tolist() == pytest.approx([0.25, 0.75])


def test_a_fresh_aggregation_is_close_to_the_mean_of_the_layers():
    read = states(3)

    assert torch.allclose(new_aggregation(4, 0, "target")(read), torch.stack(read[1:]).mean(0), atol=1e-2)


def test_gradients_reach_every_layer_and_both_maps():
    aggregation, read = new_aggregation(4, 0, "target"), tuple(state.requires_grad_() for state in states(3))
    aggregation(read).square().sum().backward()

    assert read[0].grad is None
    assert all(layer.grad.abs().sum() > 0 for layer in read[1:])
    assert all(weight.grad.abs().sum() > 0 for weight in (aggregation.query.weight, aggregation.key.weight))


def test_it_reads_what_an_encoder_returns(tmp_path):
    encoder, config = load_encoder(make_tiny_model(tmp_path, layers=3))
    read = encoder(torch.tensor([[0, 4, 5, 2]]), output_hidden_states=True).hidden_states
    aggregation = new_aggregation(config.hidden_size, 0, "target")

    assert aggregation.weights(read).shape == (1, 4, 3)


def test_an_aggregation_is_drawn_from_seed_and_role_alone():
    def weights(seed, role):
        return torch.cat([weight.flatten() for weight in new_aggregation(4, seed, role).parameters()])

    state = torch.random.get_rng_state()
    first = weights(1, "target")

    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    assert torch.equal(first, weights(1, "target"))
    assert not torch.equal(first, weights(2, "target"))
    assert not torch.equal(first, weights(1, "intermediate"))


def test_embeddings_alone_are_refused():
    with pytest.raises(BadInput) as caught:
        new_aggregation(4, 0, "target")(states(0))

    assert str(caught.value) == (
        "Got 1 hidden states, but an aggregation needs the embeddings and at least 1 layer; "
        "run the encoder with output_hidden_states=True."
    )
