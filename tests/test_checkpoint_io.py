"""Checkpoints on disk: what was saved is what loads, to the byte, from safetensors and JSON alone."""

import pytest
import torch

from bench.errors import BadInput, Corrupt
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.training.checkpoint_io import load_classifier, save_classifier, save_encoder
from tests.tiny_models import make_tiny_model, nli_split


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    encoder, _ = load_encoder(directory, layers=1)
    return encoder, new_head(16, 3, seed=0, role="target", pooling="mean"), load_tokenizer(directory)


def test_a_saved_classifier_predicts_as_before(parts, tmp_path):
    save_classifier(tmp_path, *parts, meta={"task": "xnli", "steps": 7})
    loaded = load_classifier(tmp_path)
    split = nli_split(8)
    (before,), _ = predict(*parts, [split], 24)
    (after,), _ = predict(loaded.encoder, loaded.head, loaded.tokenizer, [split], 24)

    assert before.logits.tobytes() == after.logits.tobytes()
    assert loaded.meta == {"task": "xnli", "steps": 7}
    assert loaded.head.pooling == "mean"


def test_equal_checkpoints_have_equal_bytes_and_nothing_that_runs(parts, tmp_path):
    for name in ("one", "two"):
        save_classifier(tmp_path / name, *parts, meta={})
    files = sorted(path.name for path in (tmp_path / "one").iterdir())

    assert {".json", ".safetensors"} == {path.suffix for path in (tmp_path / "one").iterdir()}
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_an_encoder_cut_in_depth_loads_with_the_depth_it_has(parts, tmp_path):
    save_encoder(tmp_path, parts[0], parts[2])
    encoder, config = load_encoder(tmp_path)

    assert config.num_hidden_layers == 1
    ids = torch.tensor([[0, 4, 2]])
    assert torch.equal(parts[0](ids).last_hidden_state, encoder(ids).last_hidden_state)


@pytest.mark.parametrize(
    ("name", "content"), [("head.safetensors", b"broken"), ("head.json", b"{"), ("head.json", b"{}")]
)
def test_a_broken_head_is_corrupt(parts, tmp_path, name, content):
    save_classifier(tmp_path, *parts, meta={})
    (tmp_path / name).write_bytes(content)

    with pytest.raises(Corrupt, match=r"holds no readable head \(.*\); delete the checkpoint and train again\."):
        load_classifier(tmp_path)


def test_a_directory_without_checkpoint_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"holds no model\*\.safetensors"):
        load_classifier(tmp_path)
