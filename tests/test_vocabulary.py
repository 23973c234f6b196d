"""Trimming the word embeddings changes nothing but what it takes: equal weights, used or not, in every setting."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import from_rows, load_tokenizer
from bench.modeling.workload import Labelled
from bench.training import finetune as loop
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from bench.training.vocabulary import Trimming, trimmed
from tests.tiny_models import WORDS, make_tiny_model, nli_split

TRAIN, SELECT = nli_split(36), nli_split(12, "select", first=36)
UNUSED = 40


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def parts(request, tmp_path_factory):
    words = (*WORDS, *(f"unused{number}" for number in range(UNUSED)))
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"), words, request.param)
    return load_encoder(directory)[0], new_head(16, 3, seed=0, role="target"), load_tokenizer(directory)


def tuned(parts, whole, monkeypatch, select=SELECT, **changes):
    """Return the state of the encoder after a phase, with the whole table or a trimmed one, and the report."""
    settings = {
        "role": "target", "task": "xnli", "epochs": 4.0, "batch_size": 8, "learning_rate": 5e-3, "max_length": 24,
        "weight_decay": 0.3, "dropout": 0.0,
    }  # fmt: skip
    encoder, head, tokenizer = copy.deepcopy(parts[0]), copy.deepcopy(parts[1]), parts[2]
    with monkeypatch.context() as patch:
        if whole:
            patch.setattr(loop, "_is_trimmable", lambda *_: False)
        report = finetune(encoder, head, tokenizer, TRAIN, select, Phase(**settings | changes), seed=0)
    return encoder, report


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"evaluate_every": 3},
        {"freeze_embeddings": True},
        {"frozen_layers": 1},
        {"weight_decay": 0.0},
        {"max_steps": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("select", [SELECT, None], ids=["select", "whole schedule"])
def test_all_weights_are_those_of_the_whole_table(parts, monkeypatch, changes, select):
    whole, its_report = tuned(parts, True, monkeypatch, select, **changes)
    cut, report = tuned(parts, False, monkeypatch, select, **changes)

    assert its_report.vocabulary == len(parts[2]) > report.vocabulary + UNUSED - 1
    assert report.best_step == its_report.best_step
    for (name, one), other in zip(cut.named_parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
        assert one.requires_grad


def test_what_no_text_uses_only_decays(parts, monkeypatch):
    before = parts[0].get_input_embeddings().weight[-UNUSED:]
    after = tuned(parts, False, monkeypatch, None)[0].get_input_embeddings().weight[-UNUSED:]

    ratios = (after / before).flatten()
    assert ratios.max() < 0.99
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios), rtol=1e-5, atol=0)


def test_the_table_is_whole_afterwards_and_predicts(parts, monkeypatch):
    encoder, _ = tuned(parts, False, monkeypatch)

    assert encoder.get_input_embeddings().num_embeddings == len(parts[2])
    predict(encoder, parts[1], parts[2], [nli_split(4)], 24)


def test_the_table_is_whole_after_a_failure(parts):
    encoder = copy.deepcopy(parts[0])
    before = encoder.get_input_embeddings().weight.detach().clone()

    def failing():
        with trimmed(encoder, [from_rows([[5, 6]], [[0, 0]], [False])]):
            assert len(encoder.get_input_embeddings().weight) < len(before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert torch.equal(before, encoder.get_input_embeddings().weight)


def test_a_table_that_something_else_uses_stays_whole(parts):
    encoder = copy.deepcopy(parts[0])
    encoder.other = torch.nn.Embedding(1, 1)
    encoder.other.weight = encoder.get_input_embeddings().weight

    with trimmed(encoder, [from_rows([[5, 6]], [[0, 0]], [False])]) as words:
        assert words.used is None
        assert len(encoder.get_input_embeddings().weight) == len(parts[2])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=8), min_size=1, max_size=5), st.integers(0, 3))
def test_numbers_stand_for_their_ids(rows, padding):
    encoder = torch.nn.Module()
    table = torch.nn.Embedding(51, 2, padding_idx=padding)
    encoder.get_input_embeddings = lambda: table
    encoder.config = type("Config", (), {"pad_token_id": padding})
    whole = table.weight.detach().clone()
    encoded = from_rows(rows, [[0] * len(row) for row in rows], [False] * len(rows))
    work = Labelled(encoded, np.arange(len(rows) + 1), np.zeros(len(rows), np.int64))

    with trimmed(encoder, [encoded]) as words:
        numbered = words.renumbered(work).encoded
        assert torch.equal(table.weight[torch.from_numpy(numbered.ids.astype(np.int64))], whole[encoded.ids])
        assert list(words.used[: padding + 1]) == list(range(padding + 1))
        assert (numbered.lengths == encoded.lengths).all()
    assert torch.equal(table.weight, whole)
    assert Trimming(None).renumbered(work) is work
