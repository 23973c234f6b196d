"""The encoder read from a directory: what is checked, what is cut, and which bytes it is."""

import json

import pytest
import torch

from bench.errors import BadInput
from bench.modeling.directory import EncoderShape, usable_positions, weights_digest
from bench.modeling.encoder import encoder_layers, load_config, load_encoder, random_encoder
from tests.tiny_models import make_tiny_model

IDS = torch.tensor([[0, 4, 5, 2]])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own(tmp_path):
    return make_tiny_model(tmp_path / "own")


def test_the_encoder_is_float32_in_eval_mode_whatever_is_stored(own):
    encoder, _ = load_encoder(own)
    encoder.half().save_pretrained(str(own))
    again, config = load_encoder(own)

    assert {torch.float32} == {weight.dtype for weight in again.parameters()}
    assert not again.training
    assert config._attn_implementation == "crosscal"


def test_depth_truncation_keeps_the_first_layers(tiny):
    full, _ = load_encoder(tiny)
    cut, config = load_encoder(tiny, layers=1)

    assert (config.num_hidden_layers, len(encoder_layers(cut)), len(encoder_layers(full))) == (1, 1, 2)
    expected = full(IDS, output_hidden_states=True).hidden_states[1]
    assert torch.equal(expected, cut(IDS).last_hidden_state)


@pytest.mark.parametrize("layers", [0, 3])
def test_a_depth_the_model_does_not_have_is_named(tiny, layers):
    with pytest.raises(BadInput, match=rf"Got layers={layers}, but .* has 2; ask for 1 to 2\."):
        load_encoder(tiny, layers)


def test_random_weights_have_the_true_shape_and_follow_the_seed(tiny):
    config = load_config(tiny)
    state = torch.random.get_rng_state()
    one, same, other = (random_encoder(config, seed) for seed in (1, 1, 2))
    stored, _ = load_encoder(tiny)

    shapes = [tuple(weight.shape) for weight in stored.parameters()]
    assert shapes == [tuple(weight.shape) for weight in one.parameters()]
    assert torch.equal(one(IDS).last_hidden_state, same(IDS).last_hidden_state)
    assert not torch.equal(one(IDS).last_hidden_state, other(IDS).last_hidden_state)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_configuration_unlike_its_catalog_row_names_both(tiny):
    load_encoder(tiny, expected=EncoderShape(hidden=16, layers=2))

    with pytest.raises(BadInput, match=r"config.json says hidden_size=16, but the catalog row says 384; .*--model"):
        load_encoder(tiny, expected=EncoderShape(hidden=384))


def test_missing_things_are_named_with_the_way_out(own, tmp_path):
    with pytest.raises(BadInput, match=r"but there is no such directory; check the path\."):
        load_encoder(tmp_path / "nowhere")

    (own / "model.safetensors").rename(own / "pytorch_model.bin")
    with pytest.raises(
        BadInput, match=r"holds no model\*\.safetensors, and pickled weights are never read; convert them"
    ):
        load_encoder(own)

    (own / "pytorch_model.bin").rename(own / "model.safetensors")
    (own / "config.json").unlink()
    with pytest.raises(BadInput, match=r"holds no config\.json; add the one its weights were saved with\."):
        load_encoder(own)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "grues"}, r"says model_type='grues', which the installed transformers cannot read"),
        ({"num_hidden_layers": 3}, r"holds no fitting weights for 16 tensors of its config\.json, such as encoder"),
        ({"vocab_size": 99}, r"for 1 tensors of its config\.json, such as embeddings\.word_embeddings\.weight; fetch"),
    ],
)
def test_a_configuration_that_does_not_fit_the_weights_is_refused(own, change, message):
    path = own / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(BadInput, match=message):
        load_encoder(own)


def test_weights_cut_short_are_named(own):
    path = own / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(BadInput, match=r"The weights in .* do not read \(.*\); fetch the model again\."):
        load_encoder(own)


def test_a_broken_configuration_is_named(own):
    (own / "config.json").write_text("{")

    with pytest.raises(BadInput, match=r"config\.json is no JSON \(.*\); fetch the model again\."):
        load_encoder(own)


def test_the_digest_follows_weights_config_and_tokenizer_but_not_place_or_notes(own, tiny, tmp_path):
    assert weights_digest(tiny) == weights_digest(own)

    (own / "README.md").write_text("a note")
    assert weights_digest(tiny) == weights_digest(own)

    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        before = (own / name).read_bytes()
        (own / name).write_bytes(before + b" ")
        assert weights_digest(tiny) != weights_digest(own)
        (own / name).write_bytes(before)


def test_positions_leave_out_those_xlm_r_skips(tiny, tmp_path):
    bert = make_tiny_model(tmp_path / "bert", architecture="bert")

    assert usable_positions(load_config(tiny)) == 64
    assert usable_positions(load_config(bert)) == 66
