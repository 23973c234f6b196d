"""What throughput is measured on is of the shape that the catalog says."""

import numpy as np
import pytest

from bench.catalog.models import model
from bench.modeling.tokenization import encode
from suites.true_shape import XNLI_LENGTHS, nli_rows, true_shape


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch):
    monkeypatch.setenv("CROSSCAL_MIRROR", "")


@pytest.mark.parametrize("token", ["pocket_s", "me5_small_l3"])
def test_a_random_encoder_has_the_parameters_of_the_catalog(token):
    spec, made = model(token), true_shape(model(token))
    encoder = made.encoder()
    layers = sum(weight.numel() for name, weight in encoder.named_parameters() if not name.startswith("embeddings"))

    assert made.weights == "random"
    assert layers == spec.body_parameters
    assert encoder.config.num_hidden_layers == made.shape.layers == spec.layers
    assert made.classifier().config.num_labels == 3


@pytest.mark.parametrize("token", ["mdeberta_base", "rembert", "eurobert_610m"])
def test_models_of_a_shape_that_is_not_known_are_left_out(token):
    assert true_shape(model(token)) is None


def test_rows_are_as_long_as_xnlis():
    made = true_shape(model("pocket_s"))
    split = nli_rows(made, 2000)
    lengths = encode(made.tokenizer, split.examples, 128).lengths

    assert set(lengths) == set(XNLI_LENGTHS)
    assert lengths.mean() == pytest.approx(np.mean(XNLI_LENGTHS), abs=1.5)
    assert nli_rows(made, 5).examples == split.examples[:5]
