"""The work itself: train what is missing and predict, under the store's locks. The only module that wakes torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog import tasks
from bench.condition import Condition
from bench.data.example import Split
from bench.engine import PREDICTIONS_FILE, Engine, Recipes, Watch
from bench.plan import Training, training_of
from bench.predictions import Predictions, write_predictions
from bench.store import Entry
from bench.store.provenance import collect


def produce(engine: Engine, condition: Condition, watch: Watch) -> None:
    """Train the checkpoint of `condition` unless it is stored, and predict all its languages in one stream."""
    training = training_of(condition)
    recipes = engine.recipes(training)
    with engine.remembering(recipes.checkpoint_key, condition):
        # One lock for training and predicting: a second process finds the predictions when it gets in.
        with engine.settings.store.lock("checkpoint", recipes.checkpoint_key):
            if engine.find(condition) is None:
                checkpoint = _checkpoint(engine, recipes, condition, watch)
                _predict(engine, recipes, checkpoint, watch)
        _drop(engine, training, recipes)


def _checkpoint(engine: Engine, recipes: Recipes, condition: Condition, watch: Watch) -> Entry:
    start = recipes.weights.directory
    if recipes.training.intermediate != "none":
        key = recipes.intermediate_key
        with engine.remembering(key, condition):
            start = _intermediate(engine, recipes, key, watch).path

    def make(directory: Path) -> Mapping[str, Any]:
        return _finetune(engine, recipes, "target", start, directory, watch)

    store = engine.settings.store
    return store.ensure("checkpoint", recipes.checkpoint_key, recipes.checkpoint_identity, make)[0]


def _intermediate(engine: Engine, recipes: Recipes, key: str, watch: Watch) -> Entry:
    def make(directory: Path) -> Mapping[str, Any]:
        return _finetune(engine, recipes, "intermediate", recipes.weights.directory, directory, watch)

    return engine.settings.store.ensure("intermediate", key, recipes.intermediate_identity, make)[0]


def _finetune(
    engine: Engine, recipes: Recipes, role: str, start: Path, directory: Path, watch: Watch
) -> Mapping[str, Any]:
    """Fine-tune from the encoder in `start`, write the classifier into `directory`, return its provenance."""
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.tokenization import load_tokenizer
    from bench.training.checkpoint_io import save_classifier
    from bench.training.finetune import finetune

    training, materials, spec = recipes.training, recipes.materials, recipes.spec
    is_target = role == "target"
    phase = recipes.target_phase if is_target else recipes.intermediate_phase
    train = materials.train(training) if is_target else materials.intermediate(training)
    select = materials.select(training) if is_target else None
    began = time.perf_counter()
    # Of stored intermediates the depth is cut already; of pretrained weights the first layers are taken.
    encoder, config = load_encoder(start, spec.layers or None)
    tokenizer = load_tokenizer(start)
    head = new_head(config.hidden_size, len(train.labels), training.seed, role, phase.pooling)
    report = finetune(
        encoder,
        head,
        tokenizer,
        train,
        select,
        phase,
        training.seed,
        engine.settings.device,
        watch(_title(training, role)),
    )
    save_classifier(directory, encoder, head, tokenizer, {"role": role, "task": phase.task})
    return collect(engine.settings.device) | {"report": asdict(report), "seconds": time.perf_counter() - began}


def _title(training: Training, role: str) -> str:
    task = training.intermediate if role == "intermediate" else training.target
    variant = f" {training.variant}" if training.variant and role == "target" else ""
    return f"{training.model} s{training.seed}: {'intermediate ' if role == 'intermediate' else ''}{task}{variant}"


def _predict(engine: Engine, recipes: Recipes, checkpoint: Entry, watch: Watch) -> None:
    from bench.modeling.predict import predict
    from bench.training.checkpoint_io import load_classifier

    splits = [split for split in engine.streams(recipes.training) if engine.stored(recipes.training, split) is None]
    classifier = load_classifier(checkpoint.path)
    phase = recipes.target_phase
    logits, report = predict(
        classifier.encoder, classifier.head, classifier.tokenizer, splits, phase.max_length, engine.settings.device,
        report=watch(f"{recipes.training.model} s{recipes.training.seed}: predicting {len(splits)} splits"),
    )  # fmt: skip
    cost = {
        "predict": asdict(report),
        "train": checkpoint.manifest.provenance["report"],
        "timing_note": engine.settings.timing_note,
    }
    provenance = collect(engine.settings.device) | cost
    for split, values, truncated in zip(splits, logits, report.truncated, strict=True):
        _publish(engine, recipes, split, provenance, _predictions(recipes, split, values, checkpoint, truncated))


def _publish(
    engine: Engine, recipes: Recipes, split: Split, provenance: Mapping[str, Any], predictions: Predictions
) -> None:
    def write(directory: Path) -> None:
        write_predictions(directory / PREDICTIONS_FILE, predictions)

    key, identity = recipes.predictions_key(split), recipes.predictions_identity(split)
    engine.settings.store.publish("predictions", key, identity, provenance, write)


def _predictions(
    recipes: Recipes, split: Split, logits: np.ndarray[Any, Any], checkpoint: Entry, truncated: int
) -> Predictions:
    examples = split.examples
    posterior = None if examples[0].posterior is None else np.array([example.posterior for example in examples])
    return Predictions(
        item_ids=np.array([example.item_id for example in examples]),
        group_ids=np.array([example.group_id for example in examples]),
        labels=np.array([example.label for example in examples], dtype=np.int64),
        logits=logits.astype(np.float32),
        posterior=posterior,
        metadata=_metadata(recipes, split, checkpoint, truncated),
    )


def _metadata(recipes: Recipes, split: Split, checkpoint: Entry, truncated: int) -> dict[str, Any]:
    materials, training = recipes.materials, recipes.training
    read = [
        split,
        materials.train(training),
        *([] if training.intermediate == "none" else [materials.intermediate(training)]),
    ]
    return {
        "split": split.name,
        "language": split.language,
        "labels": split.labels,
        "origin": split.provenance.origin,
        "note": split.provenance.note,
        "digests": {"recipe": recipes.checkpoint_key, "data": split.fingerprint, "weights": recipes.weights.digest},
        "commit": recipes.weights.commit,
        "truncated_items": truncated,
        "flags": sorted(_flags(recipes, read, checkpoint, truncated)),
    }


def _flags(recipes: Recipes, read: list[Split], checkpoint: Entry, truncated: int) -> set[str]:
    spec, training = recipes.spec, recipes.training
    contaminated = training.target in tasks.intermediate(training.intermediate).contaminated
    stated = {
        "artificial": spec.world == "artificial",
        "subset": any(split.provenance.subset for split in read),
        "capped": any(split.provenance.capped for split in read),
        "stand_in": any(split.provenance.origin == "stand-in" for split in read),
        "truncated": bool(spec.truncated_from),
        "prior_supervision": bool(spec.prior),
        "contaminated": contaminated,
        "collapsed": bool(checkpoint.manifest.provenance["report"]["collapsed"]),
        "items_cut": truncated > 0,
    }
    return {flag for flag, holds in stated.items() if holds} | set(recipes.weights.flags)


def _drop(engine: Engine, training: Training, recipes: Recipes) -> None:
    """Remove the checkpoint once every language of the target is predicted, the intermediate after its last user."""
    if engine.settings.keep_checkpoints or not engine.needs_no_checkpoint(training):
        return
    found = [engine.settings.store.find("checkpoint", recipes.checkpoint_key)]
    users = [other for other in engine.settings.languages if _shares_intermediate(other, training)]
    if training.intermediate != "none" and all(engine.needs_no_checkpoint(other) for other in users):
        found.append(engine.settings.store.find("intermediate", recipes.intermediate_key))
    for entry in filter(None, found):
        engine.settings.store.remove(entry)


def _shares_intermediate(one: Training, other: Training) -> bool:
    return (one.model, one.world, one.intermediate, one.seed) == (
        other.model, other.world, other.intermediate, other.seed,
    )  # fmt: skip
