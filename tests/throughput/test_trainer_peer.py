"""The peer does the same work: same logits of the same weights, as many steps on the same batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.modeling.encoder import load_encoder
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.throughput.measure import phase_of
from bench.training.optimizer import build_optimizer
from tests.tiny_models import make_tiny_model, nli_split
from tests.tiny_splits import head_of
from tests.trainer_peer import TokenRows, by_length, classifier, prediction_peers, trainer, training_peers

pytest.importorskip("accelerate", reason="Trainer needs the dependency group `peers`")


@pytest.fixture(params=["bert", "xlm-roberta"])
def tiny(request, tmp_path):
    """An encoder, a head whose answers differ, and the tokenizer."""
    directory = make_tiny_model(tmp_path / "model", architecture=request.param)
    return load_encoder(directory)[0], head_of("sentence_pair", spread=20), load_tokenizer(directory)


@pytest.mark.parametrize("peer", prediction_peers("float32", "cpu"), ids=lambda peer: peer.name)
def test_equal_weights_give_equal_logits(tiny, tmp_path, peer):
    encoder, head, tokenizer = tiny
    split = nli_split(50, "test")
    ((ours,), _) = predict(encoder, head, tokenizer, [split], 64)
    rows = TokenRows(tokenizer, split)
    order = by_length(rows) if peer.sorts else np.arange(50)
    reader = trainer(classifier(encoder, head), tokenizer, phase_of("float32", 1), 1, tmp_path, "cpu", peer)
    theirs = reader.predict(TokenRows(tokenizer, split, order)).predictions

    assert np.ptp(ours.logits) > 0.1
    np.testing.assert_allclose(theirs, ours.logits[order], atol=1e-5)


@pytest.mark.parametrize("peer", training_peers("float32", "cpu"), ids=lambda peer: peer.name)
def test_the_optimiser_is_told_the_same(tiny, tmp_path, peer):
    encoder, head, tokenizer = tiny
    phase = replace(phase_of("float32", 4), batch_size=8)
    model = classifier(encoder, head)
    rows = TokenRows(tokenizer, nli_split(32))
    own = trainer(model, tokenizer, phase, 4, tmp_path, "cpu", peer, rows)
    own.train()
    theirs, ours = own.optimizer, build_optimizer([encoder, head], phase)
    theirs = getattr(theirs, "optimizer", theirs)

    assert own.state.global_step == 4
    assert isinstance(theirs, torch.optim.AdamW)
    assert [group["weight_decay"] for group in theirs.param_groups] == [phase.weight_decay, 0.0]
    for name in ("betas", "eps", "fused"):
        assert theirs.defaults[name] == ours.defaults[name]
    assert own.args.max_grad_norm == phase.clip_norm


def test_rows_hold_what_the_split_says(tiny):
    tokenizer, split = tiny[2], nli_split(9)
    rows = TokenRows(tokenizer, split)
    first = tokenizer(split.examples[0].text, split.examples[0].text_pair)

    assert rows[0]["input_ids"] == first["input_ids"]
    assert [row["labels"] for row in rows] == [example.label for example in split.examples]
    assert sorted(rows.lengths.tolist(), reverse=True) == rows.lengths[by_length(rows)].tolist()
