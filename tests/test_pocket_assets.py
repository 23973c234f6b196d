"""The pocket models that ship are those the recipe of today makes, and fit the catalog."""

import hashlib
import json
from pathlib import Path

import pytest

from bench.canonical import plain
from bench.catalog.models import MODELS
from bench.data.artificial import WORLDS
from bench.modeling.directory import has_masked_head
from bench.pretraining.recipe import Recipe
from bench.pretraining.stages import HEAD_STEPS

ASSETS = Path(__file__).parents[1] / "bench" / "assets" / "pocket"
SIZES = [spec for spec in MODELS if spec.family == "pocket"]
SHIPPED = [(world, spec) for world in WORLDS for spec in SIZES]
NAMES = [f"w{world}-{spec.token}" for world, spec in SHIPPED]


@pytest.mark.parametrize(("world", "spec"), SHIPPED, ids=NAMES)
def test_a_shipped_model_is_the_recipes(world, spec):
    directory = ASSETS / f"w{world}" / spec.token
    note = json.loads((directory / "pretraining.json").read_text(encoding="utf-8"))
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))

    assert note["recipe"] == plain(Recipe())
    assert (note["world"], note["model"], note["flags"]) == (world, spec.token, list(Recipe().flags))
    assert note["weights_sha256"] == hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    assert (config["num_hidden_layers"], config["hidden_size"]) == (spec.layers, spec.hidden)


@pytest.mark.parametrize(("world", "spec"), SHIPPED, ids=NAMES)
def test_a_shipped_head_is_its_encoders(world, spec):
    directory = ASSETS / f"w{world}" / spec.token
    note = json.loads((directory / "lm_head" / "lm_head.json").read_text(encoding="utf-8"))

    assert has_masked_head(directory)
    assert note["encoder_sha256"] == hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    assert note["steps"] == HEAD_STEPS


def test_shipped_heads_know_frequencies_and_little_more():
    """What discourse leaves of single tokens in the upper half; a twentieth of a nat is the noise of the last steps."""
    notes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(ASSETS.rglob("lm_head.json"))]
    below = [note["unigram_entropy"] - note["last_loss"] for note in notes]

    assert len(below) == len(SHIPPED)
    assert min(below) > -0.05
    assert max(below) < 0.5
    assert all(note["first_loss"] > note["last_loss"] for note in notes)


def test_what_ships_is_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 15_000_000
