"""Our attention against torch's: equal without dropout, equal in the mean with it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from bench.modeling import attention


def drawn(n, heads, length, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, heads, length, size, generator=generator).requires_grad_() for _ in range(3)]


def masked(lengths):
    shown = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return shown[:, None, None, :].expand(-1, 1, max(lengths), -1)


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 3), st.booleans(), st.none() | st.just(0.3))
def test_without_a_dropped_share_it_is_torchs(lengths, heads, with_mask, scale):
    mask = masked(lengths) if with_mask else None
    ours, theirs = (drawn(len(lengths), heads, max(lengths), 4) for _ in range(2))
    found = attention._with_dropout(*ours, mask, 0.0, scale)
    expected = scaled_dot_product_attention(*theirs, attn_mask=mask, scale=scale).transpose(1, 2)
    found.square().sum().backward()
    expected.square().sum().backward()

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-4, rtol=1e-4)


def test_dropped_shares_change_nothing_in_the_mean():
    torch.manual_seed(0)
    parts = [part.detach() for part in drawn(1, 2, 5, 4)]
    mean = torch.stack([attention.attention(None, *parts, None, dropout=0.3)[0] for _ in range(4000)]).mean(0)

    expected = scaled_dot_product_attention(*parts).transpose(1, 2)
    torch.testing.assert_close(mean, expected, atol=0.06, rtol=0)


def test_rates_of_zero_go_to_torch(monkeypatch):
    monkeypatch.setattr(attention, "_with_dropout", lambda *_: pytest.fail("dropout was asked for"))
    parts = drawn(2, 1, 3, 4)
    module = torch.nn.Module()
    module.is_causal = False

    found, _ = attention.attention(module, *parts, None)
    torch.testing.assert_close(found, scaled_dot_product_attention(*parts).transpose(1, 2))


def by_block_mask(parts, offsets, scale):
    """The reference: all tokens of the row at once, those of other sequences masked."""
    owner = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
    mask = owner[:, None] == owner
    return scaled_dot_product_attention(*parts, attn_mask=mask, scale=scale).transpose(1, 2)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=7), st.integers(1, 3), st.none() | st.just(0.3))
def test_sequences_of_a_packed_row_see_themselves_alone(lengths, heads, scale):
    offsets = torch.tensor([0, *lengths]).cumsum(0).int()
    parts = [part.detach() for part in drawn(1, heads, sum(lengths), 4)]
    options = {attention.OFFSETS: offsets, attention.LONGEST: max(lengths)}
    found, _ = attention.attention(None, *parts, None, scaling=scale, **options)

    assert found.is_contiguous()
    torch.testing.assert_close(found, by_block_mask(parts, offsets, scale), atol=1e-5, rtol=1e-5)
