"""The learning rate is that of transformers' linear schedule, which the reference implementations use."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import get_linear_schedule_with_warmup

from bench.training.optimizer import build_optimizer, set_rate
from bench.training.protocol import Phase
from bench.training.schedule import rate_factor


@settings(deadline=None)
@given(st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.5]))
def test_rates_equal_those_of_transformers(total, warmup):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(warmup * total), total)
    expected = []
    for _ in range(total):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()

    assert pytest.approx(expected) == [rate_factor(step, total, int(warmup * total)) for step in range(total)]


def test_decay_spares_biases_and_normalisations_and_frozen_weights_are_left_out():
    module = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Linear(4, 3), torch.nn.LayerNorm(3))
    module[0].weight.requires_grad_(False)
    optimizer = build_optimizer([module], Phase(role="target", task="xnli", epochs=1.0, weight_decay=0.3))
    decayed, spared = optimizer.param_groups

    assert [tuple(weight.shape) for weight in decayed["params"]] == [(3, 4)]
    assert [tuple(weight.shape) for weight in spared["params"]] == [(3,), (3,), (3,)]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)

    set_rate(optimizer, 0.25)

    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
