"""Prediction: one stream for all languages, whose batches do not show in the logits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadInput, TrainingFailed
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import budget_batches, predict
from bench.modeling.tokenization import load_tokenizer
from tests.tiny_models import make_tiny_model, nli_split


def tokenizer_overhead(tiny):
    return tiny[2].num_special_tokens_to_add(pair=True)


def classifier(directory):
    encoder, config = load_encoder(directory)
    head = new_head(config.hidden_size, 3, seed=0, role="target")
    with torch.no_grad():
        # A fresh head answers alike for all; spread its logits so that differences show.
        head.dense.weight.mul_(30)
        head.out.weight.mul_(30)
    return encoder, head, load_tokenizer(directory)


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def tiny(request, tmp_path_factory):
    return classifier(make_tiny_model(tmp_path_factory.mktemp("tiny"), architecture=request.param))


@pytest.mark.parametrize("budget", [1, 40, 100_000])
def test_logits_do_not_depend_on_the_token_budget_or_on_other_languages(tiny, budget):
    english, turkish = nli_split(20, "test"), nli_split(13, "test", "tr", first=50)
    together, _ = predict(*tiny, [english, turkish], 32, token_budget=budget)

    for split, found in zip((english, turkish), together, strict=True):
        logits = found.logits
        (alone,), _ = predict(*tiny, [split], 32)
        one_by_one = np.concatenate(
            [
                predict(*tiny, [nli_split(1, "test", first=50 * (split is turkish) + i)], 32)[0][0].logits
                for i in range(5)
            ]
        )
        assert (len(split.examples), 3) == logits.shape
        assert np.float32 == logits.dtype
        assert logits == pytest.approx(alone.logits, abs=1e-5)
        assert logits[:5] == pytest.approx(one_by_one, abs=1e-5)
        assert logits.std(axis=0).min() > 1e-3


def test_no_position_is_spent_on_padding_where_rows_are_packed(tiny, monkeypatch):
    split = nli_split(20, "test")
    (packed,), cost = predict(*tiny, [split], 32)
    monkeypatch.setattr("bench.modeling.packing.can_pack", lambda encoder: False)
    (padded,), with_padding = predict(*tiny, [split], 32)

    assert (cost.attention, cost.padded_tokens) == ("packed", cost.tokens)
    assert with_padding.attention == "padded"
    assert with_padding.padded_tokens > with_padding.tokens == cost.tokens
    assert packed.logits == pytest.approx(padded.logits, abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.integers(4, 60), min_size=1, max_size=80).map(np.array), st.integers(1, 300))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = budget_batches(lengths, budget)

    assert list(range(len(lengths))) == sorted(np.concatenate(batches))
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= budget for rows in batches)


def test_the_cost_counts_items_tokens_padding_and_cut_items(tiny):
    seen = []
    splits = [nli_split(9, "test"), nli_split(4, "test", "tr")]
    _, cost = predict(*tiny, splits, 9, token_budget=27, report=seen.append)

    assert cost.examples == 13
    assert cost.tokens <= cost.padded_tokens <= 13 * 9
    room = 9 - tokenizer_overhead(tiny) - 2  # two words of hypothesis
    assert cost.truncated == tuple(sum(len(e.text.split()) > room for e in split.examples) for split in splits)
    assert list(range(1, seen[-1].total + 1)) == [progress.step for progress in seen]
    assert pytest.approx(seen[-1].eta_s) == 0
    assert cost.seconds > 0


def test_a_broken_checkpoint_gives_no_numbers(tmp_path):
    encoder, head, tokenizer = classifier(make_tiny_model(tmp_path))
    torch.nn.init.constant_(head.out.bias, float("nan"))

    with pytest.raises(TrainingFailed, match=r"logits that are not finite for 6 of 6 items; the checkpoint is broken"):
        predict(encoder, head, tokenizer, [nli_split(6)], 32)


def test_what_does_not_fit_is_named(tiny):
    encoder, head, tokenizer = tiny
    with pytest.raises(BadInput, match=r"Got no splits, but a prediction needs at least 1; name a language\."):
        predict(encoder, head, tokenizer, [], 32)
    with pytest.raises(BadInput, match=r"Got max_length=512, but the encoder has 6[46] positions; lower max_length\."):
        predict(encoder, head, tokenizer, [nli_split(3)], 512)
    with pytest.raises(BadInput, match=r"Got token_budget=0, but a batch needs at least 1 token\."):
        predict(encoder, head, tokenizer, [nli_split(3)], 32, token_budget=0)


def test_a_tokenizer_of_another_model_is_refused(tiny, tmp_path):
    other = load_tokenizer(make_tiny_model(tmp_path, vocab_words=[f"w{i}" for i in range(40)]))

    with pytest.raises(BadInput, match=r"has 44 pieces, but the encoder's vocabulary is 13; load both from one"):
        predict(tiny[0], tiny[1], other, [nli_split(3)], 32)
