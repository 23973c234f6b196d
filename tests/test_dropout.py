"""Fast dropout: the distribution, gradient and bookkeeping of torch's."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from bench.modeling.dropout import dropped, fast_dropout
from bench.modeling.encoder import load_encoder
from bench.modeling.tokenization import encode
from tests.dropout_law import compared
from tests.tiny_models import make_tiny_model, nli_split, tiny_tokenizer

CPU = torch.device("cpu")


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_each_of_the_masks_of_a_draw_drops_at_the_rate(rate):
    torch.manual_seed(0)
    count = 200_000
    kept = (dropped(torch.ones(count, 4), rate) != 0).double().mean(0)

    spread = (rate * (1 - rate) / count) ** 0.5
    assert (kept - (1 - rate)).abs().max() <= 5 * spread


def test_the_masks_of_a_draw_are_independent():
    torch.manual_seed(0)
    kept = (dropped(torch.ones(200_000, 4), 0.5) != 0).double()
    agreement = torch.corrcoef(kept.T) - torch.eye(4)

    assert agreement.abs().max() < 5 / 200_000**0.5


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 5), max_size=3),
    st.sampled_from([0.1, 0.5]),
    st.sampled_from([torch.float32, torch.bfloat16]),
)
@example([], 0.5, torch.float32)
@example([3], 0.1, torch.bfloat16)
def test_what_stays_is_scaled_and_gets_the_gradient(shape, rate, dtype):
    states = torch.ones(shape, dtype=dtype, requires_grad=True)
    found = dropped(states, rate)
    found.sum().backward()

    assert (found.shape, found.dtype) == (states.shape, dtype)
    assert set(found.flatten().tolist()) <= {0.0, torch.tensor(1 / (1 - rate), dtype=dtype).item()}
    assert torch.equal(states.grad, found.detach())


def test_it_draws_from_torchs_generator():
    def drawn(seed):
        torch.manual_seed(seed)
        return dropped(torch.ones(1000), 0.3)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_modules_get_their_own_dropout_back_in_the_mode_that_they_are_in():
    module = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.2)), nn.Dropout(0.3))
    own = [module[1][0], module[2]]

    with fast_dropout([module], CPU):
        assert [type(layer).__name__ for layer in (module[1][0], module[2])] == ["_FastDropout"] * 2
        assert [layer.p for layer in (module[1][0], module[2])] == [0.2, 0.3]
        module.eval()
        assert torch.equal(module[2](torch.ones(100)), torch.ones(100))
    assert [module[1][0], module[2]] == own
    assert not any(layer.training for layer in own)


def test_a_gpu_keeps_its_own():
    module = nn.Sequential(nn.Dropout(0.2))
    with fast_dropout([module], torch.device("cuda")):
        assert type(module[0]) is nn.Dropout


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
def test_states_of_an_encoder_have_the_law_that_torchs_dropout_gives(tmp_path, architecture):
    encoder, _ = load_encoder(make_tiny_model(tmp_path, architecture=architecture, hidden=64))
    encoded = encode(tiny_tokenizer(architecture=architecture), nli_split(16).examples, 24)
    mean, spread, ratio = compared(encoder, encoded, 400)

    assert abs(mean) < 0.2
    assert spread == pytest.approx(1, abs=0.1)
    assert ratio == pytest.approx(1, abs=0.02)
