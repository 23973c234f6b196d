"""Every real model of the catalog has a shape that can be drawn at random, and it is the catalog's."""

from dataclasses import replace

import pytest

from bench.catalog.models import MODELS, REAL, model
from bench.data.sources import Access
from bench.errors import Unavailable
from bench.throughput.measure import phase_of, predict_round, train_round
from bench.throughput.shapes import random_config
from bench.throughput.subject import load_subject

REAL_MODELS = [spec for spec in MODELS if spec.world == REAL]
FAMILIES = {spec.family: spec for spec in REAL_MODELS} | {"xlm-r-xl": model("xlmr_xl")}


@pytest.mark.parametrize("spec", REAL_MODELS, ids=lambda spec: spec.token)
def test_a_configuration_has_the_shape_of_the_catalog(spec):
    config = random_config(spec)
    found = config.hidden_size, config.num_hidden_layers, config.intermediate_size, config.vocab_size
    assert found == (spec.hidden, spec.layers, spec.feed_forward, spec.vocabulary)
    assert spec.hidden % config.num_attention_heads == 0


@pytest.mark.parametrize("spec", FAMILIES.values(), ids=lambda spec: spec.token)
def test_a_small_one_of_each_family_trains_and_predicts(spec):
    small = replace(spec, hub_id="nobody/nothing", layers=2, hidden=192, feed_forward=96, vocabulary=14_004)
    subject = load_subject(small, Access(), "cpu")
    subject.train = replace(subject.train, examples=subject.train.examples[:64])
    trained = train_round(subject, phase_of("float32", 2), "cpu")
    predicted = predict_round(subject, phase_of("float32", 2), "cpu", 40)

    assert subject.weights == "random"
    assert "weights" not in subject.digests
    assert (trained.examples, predicted.examples) == (32, 40)
    assert 0 < trained.share <= 1


def test_an_unknown_family_is_missing_weights():
    with pytest.raises(Unavailable, match="needs weights: mine is not here, and the shape of family 'own' is not"):
        random_config(replace(model("xlmr_base"), token="mine", family="own"))
