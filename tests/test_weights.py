"""What a directory says of its weights stands in every row."""

import json

import pytest

from bench.catalog.own_models import own_model
from bench.data.sources import Access
from bench.errors import DataError
from bench.plan import Training
from bench.weights import locate
from tests.tiny_models import make_tiny_model

TRAINING = Training("mine", None, "none", "xnli", 0, "")


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ("4-bit dequantised", ("local_model", "quantised")),
        ("random, of the true shape", ("local_model", "random_weights")),
        ("as published", ("local_model",)),
    ],
)
def test_what_is_stated_becomes_a_flag(tmp_path, said, flags):
    make_tiny_model(tmp_path)
    (tmp_path / "provenance.json").write_text(json.dumps({"weights": said}), encoding="utf-8")

    assert locate(own_model(f"mine={tmp_path}"), TRAINING, Access()).flags == flags


def test_a_statement_that_is_no_json_is_named(tmp_path):
    make_tiny_model(tmp_path)
    (tmp_path / "provenance.json").write_text("{", encoding="utf-8")

    with pytest.raises(DataError, match=r"provenance.json is no JSON .*; correct it or delete it\."):
        locate(own_model(f"mine={tmp_path}"), TRAINING, Access())
