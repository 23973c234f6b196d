"""The classification head: pooling, and an initialisation that arms of one seed share."""

import pytest
import torch

from bench.errors import BadInput
from bench.modeling.heads import ClassificationHead, new_head
from bench.modeling.streams import stream_seed


def weights(head):
    return torch.cat([weight.flatten() for weight in head.parameters()])


def test_a_head_is_drawn_from_seed_and_role_alone():
    first = weights(new_head(8, 3, seed=1, role="target"))
    state = torch.random.get_rng_state()
    torch.rand(5)
    torch.random.set_rng_state(state)

    assert torch.equal(first, weights(new_head(8, 3, seed=1, role="target")))
    assert torch.equal(state, torch.random.get_rng_state())
    assert not torch.equal(first, weights(new_head(8, 3, seed=2, role="target")))
    assert not torch.equal(first, weights(new_head(8, 3, seed=1, role="intermediate")))


def test_the_head_computes_what_roberta_s_does():
    from transformers import AutoConfig
    from transformers.models.roberta.modeling_roberta import RobertaClassificationHead

    head = new_head(8, 3, seed=0, role="target")
    oracle = RobertaClassificationHead(AutoConfig.for_model("roberta", hidden_size=8, num_labels=3)).eval()
    oracle.dense.load_state_dict(head.dense.state_dict())
    oracle.out_proj.load_state_dict(head.out.state_dict())
    states = torch.randn(5, 7, 8, generator=torch.Generator().manual_seed(0))

    assert torch.equal(oracle(states), head(states, torch.ones(5, 7)))


def test_the_mean_leaves_padding_out():
    head = new_head(8, 3, seed=0, role="target", pooling="mean")
    states = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([states, torch.full((1, 2, 8), 1e6)], dim=1)

    expected = head(states, torch.ones(1, 3, dtype=torch.long))
    assert torch.allclose(expected, head(padded, torch.tensor([[1, 1, 1, 0, 0]])), atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 3, "last"), "Got pooling='last', but a head pools by 'first' or 'mean'."),
        ((8, 1, "first"), "Got classes=1, but a classification needs at least 2."),
    ],
)
def test_what_no_head_can_be_is_refused(arguments, message):
    with pytest.raises(BadInput) as caught:
        ClassificationHead(*arguments)

    assert message == str(caught.value)


def test_stream_names_do_not_run_into_each_other():
    assert stream_seed("head", "target", 11) != stream_seed("head", "target1", 1)
    assert 0 <= stream_seed("head", "target", 0) < 2**63
