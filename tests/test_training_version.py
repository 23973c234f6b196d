"""The same recipe gives the same checkpoint, or TRAINING_VERSION says that it no longer does.

The golden file holds logits of a tiny encoder, with weights spelled out by hashes and no dropout, after a few steps. It
is compared within a tolerance, because processors round differently. Where a change is meant: raise TRAINING_VERSION in
bench/recipe.py and run `python -m tests.test_training_version`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.recipe import PREDICTION_VERSION, TRAINING_VERSION
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from tests.tiny_models import make_tiny_model, nli_split

GOLDEN = Path(__file__).parent / "goldens" / "training.json"
PHASE = Phase(
    role="target", task="xnli", epochs=8, batch_size=8, learning_rate=1e-2, dropout=0.0, max_length=32,
    evaluate_every=4, patience=9,
)  # fmt: skip


def spelled_out(module):
    """Replace all weights by hashes of their names and places, in [-0.1, 0.1]; keep norms as they are."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if "LayerNorm" not in name:
                raw = hashlib.shake_256(name.encode()).digest(2 * weight.numel())
                values = np.frombuffer(raw, "<u2").astype(np.float32) / 2**16 * 0.2 - 0.1
                weight.copy_(torch.from_numpy(values).reshape(weight.shape))


def trained_logits(directory):
    """Return the logits of eight items after fine-tuning."""
    make_tiny_model(directory)
    encoder, config = load_encoder(directory)
    tokenizer = load_tokenizer(directory)
    head = new_head(config.hidden_size, 3, 0, "target")
    spelled_out(encoder)
    finetune(encoder, head, tokenizer, nli_split(60), nli_split(15, "select", first=60), PHASE, seed=0)
    found, _ = predict(encoder, head, tokenizer, [nli_split(8, "test", first=90)], PHASE.max_length)
    return found[0].logits


def test_the_same_recipe_gives_the_same_logits(tmp_path):
    golden = json.loads(GOLDEN.read_text())

    assert (golden["training_version"], golden["prediction_version"]) == (TRAINING_VERSION, PREDICTION_VERSION)
    np.testing.assert_allclose(trained_logits(tmp_path), golden["logits"], atol=5e-4)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        content = {
            "training_version": TRAINING_VERSION,
            "prediction_version": PREDICTION_VERSION,
            "logits": [[round(float(x), 5) for x in row] for row in trained_logits(Path(scratch))],
        }
    GOLDEN.write_text(json.dumps(content) + "\n")
