"""Masked texts beside a task: what they add to the gradient, step by step."""

import copy
import dataclasses
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
import torch

from bench.modeling.encoder import load_encoder
from bench.modeling.masked import new_masked_head
from bench.modeling.tokenization import load_tokenizer
from bench.training import beside
from bench.training.beside import masked_texts
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from tests.tiny_models import WORDS, make_tiny_model, nli_split
from tests.tiny_splits import head_of

TEXTS = tuple(" ".join(WORDS[(number * step) % 9] for step in range(1, 4 + number % 12)) for number in range(20))
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def tiny(request, tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"), (*WORDS, "<mask>"), request.param)
    tokenizer = load_tokenizer(directory)
    tokenizer.mask_token = "<mask>"
    return load_encoder(directory)[0], tokenizer


def texts_beside(tiny, texts=TEXTS, batch=6, seed=0):
    encoder, tokenizer = tiny
    return masked_texts(new_masked_head(encoder, 0), tokenizer, texts, 32, batch, seed)


def gradients(encoder, head):
    return {
        name: weight.grad.clone()
        for module in (encoder, head)
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }


def stepped(tiny, texts, step):
    """Return the loss of a step and the gradients of encoder and head."""
    encoder = copy.deepcopy(tiny[0]).eval()
    loss = texts.backward(encoder, step, CPU)
    found = gradients(encoder, texts.head)
    texts.head.zero_grad()
    return loss, found


def read_by(texts, encoder, step):
    """Return the token rows that the encoder is given in a step."""
    with mock.patch.object(beside, "hidden_states", side_effect=RuntimeError) as called, pytest.raises(RuntimeError):
        texts.backward(encoder, step, CPU)
    return rows_of(called.call_args.args[1])


def rows_of(encoded):
    return [encoded.ids[first:last].tolist() for first, last in pairwise(encoded.offsets)]


def test_gradients_reach_every_layer_and_the_head(tiny):
    loss, found = stepped(tiny, texts_beside(tiny), 0)

    assert 0 < loss < 2 * np.log(15)
    names = {name for name, gradient in found.items() if gradient.abs().max() > 0}
    assert {"embeddings.word_embeddings.weight", "dense.weight", "bias"} <= names
    assert {name.split(".")[2] for name in names if "encoder.layer" in name} == {"0", "1"}


def test_gradients_are_added_to_those_that_are_there(tiny):
    texts = texts_beside(tiny)
    _, alone = stepped(tiny, texts, 0)
    encoder = copy.deepcopy(tiny[0]).eval()
    for weight in encoder.parameters():
        weight.grad = torch.ones_like(weight)
    texts.backward(encoder, 0, CPU)

    for name, weight in encoder.named_parameters():
        assert torch.allclose(weight.grad, 1 + alone.get(name, torch.zeros_like(weight)), atol=1e-5), name
    texts.head.zero_grad()


def test_a_step_repeats_itself_and_differs_from_the_next_and_from_another_seed(tiny):
    texts = texts_beside(tiny)
    first, again, other = (stepped(tiny, texts, step) for step in (3, 3, 4))

    assert first[0] == again[0]
    assert all(torch.equal(gradient, again[1][name]) for name, gradient in first[1].items())
    assert first[0] != other[0]
    assert first[0] != stepped(tiny, texts_beside(tiny, seed=1), 3)[0]


def test_the_loss_is_the_mean_over_masked_tokens_whatever_the_padding(tiny):
    encoder, texts = tiny[0], texts_beside(tiny)
    with mock.patch.object(beside, "masked_loss_sum", wraps=beside.masked_loss_sum) as called:
        loss = texts.backward(copy.deepcopy(encoder), 0, CPU)
    _, _, _, chosen, truth = called.call_args.args
    losses, stood = [], []
    for row, own, places in zip(read_by(texts, encoder, 0), rows_of(texts.encoded), chosen, strict=False):
        assert not places[len(row) :].any()
        masked = np.flatnonzero(places)
        stood.extend(own[place] for place in masked)
        with torch.inference_mode():
            states = encoder(torch.tensor([row])).last_hidden_state[0, masked]
            logits = texts.head(states, encoder.get_input_embeddings().weight)
        named = torch.tensor([own[place] for place in masked], dtype=torch.long)
        losses.extend(torch.nn.functional.cross_entropy(logits, named, reduction="none"))
        assert all(row[place] == own[place] for place in range(len(row)) if place not in masked)

    assert truth.tolist() == stood
    assert loss == pytest.approx(float(torch.stack(losses).mean()), abs=1e-5)
    assert len({int(places.sum()) for places in chosen}) > 1


def test_texts_are_read_in_turn_each_once_before_any_comes_again(tiny):
    encoder = tiny[0]
    texts = texts_beside(tiny)
    own = rows_of(texts.encoded)
    for step, places in ((0, range(6)), (2, range(12, 18)), (3, (18, 19, 0, 1, 2, 3))):
        assert [len(row) for row in read_by(texts, encoder, step)] == [len(own[place]) for place in places]


def test_texts_that_come_again_are_masked_anew(tiny):
    encoder, texts = tiny[0], texts_beside(tiny)

    # 20 texts, 6 a step: step 10 reads those of step 0.
    assert read_by(texts, encoder, 0) != read_by(texts, encoder, 10)
    assert read_by(texts, encoder, 0) != read_by(dataclasses.replace(texts, seed=1), encoder, 0)


def test_texts_are_shuffled_once_by_the_seed(tiny):
    tokenizer = tiny[1]
    first, again, other = (texts_beside(tiny, seed=seed).encoded.ids.tolist() for seed in (0, 0, 1))
    plain = [token for text in TEXTS for token in tokenizer(text)["input_ids"]]

    assert first == again
    assert first != other
    assert first != plain
    assert sorted(first) == sorted(plain)


def test_special_tokens_are_never_masked(tiny):
    encoder, tokenizer = tiny
    texts = texts_beside(tiny)
    for step in range(4):
        for row in read_by(texts, encoder, step):
            assert (row[0], row[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)


def test_finetuning_with_texts_beside_moves_their_head_and_changes_the_encoder(tiny):
    phase = Phase(
        role="target", task="xnli", epochs=1, batch_size=12, learning_rate=1e-3, max_length=24, masked_batch=6
    )

    def trained(with_texts):
        encoder, texts = copy.deepcopy(tiny[0]), texts_beside(tiny)
        before = texts.head.dense.weight.detach().clone()
        finetune(
            encoder, head_of("sentence_pair"), tiny[1], nli_split(36), None, phase, 0,
            beside=texts if with_texts else None,
        )  # fmt: skip
        return torch.cat([weight.flatten() for weight in encoder.parameters()]), texts.head.dense.weight - before

    (alone, still), (along, moved), (again, _) = trained(False), trained(True), trained(True)

    assert not torch.equal(alone, along)
    assert torch.equal(along, again)
    assert not still.any()
    assert moved.abs().max() > 1e-4
