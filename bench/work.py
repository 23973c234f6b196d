"""The work itself: train what is missing and predict, under the store's locks. The only module that wakes torch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.baseline import baseline_of
from bench.catalog import tasks
from bench.catalog.variants import MASKED, of_intermediate
from bench.condition import Condition
from bench.data.example import MINING, Split
from bench.engine import PREDICTIONS_FILE, Engine, Watch
from bench.keys import Recipes
from bench.modeling.directory import MASKED_HEAD
from bench.modeling.progress import Report
from bench.plan import Training, training_of
from bench.predictions import Predictions, write_predictions
from bench.store import Entry
from bench.store.provenance import collect, origin
from bench.training.protocol import Phase
from bench.training.trajectory import Trajectory


def produce(engine: Engine, condition: Condition, watch: Watch) -> None:
    """Train the checkpoint of `condition` unless it is stored, and predict all its languages in one stream."""
    import torch

    from bench.modeling import memory

    training = training_of(condition)
    recipes = engine.recipes(training)
    with engine.remembering(lambda: recipes.checkpoint_key, condition):
        # One lock for training and predicting: a second process finds the predictions when it gets in.
        with engine.settings.store.lock("checkpoint", recipes.checkpoint_key):
            if engine.find(condition) is None:
                start, trained = _encoder(engine, recipes, condition, watch)
                if training.trains_target:
                    trained = _checkpoint(engine, recipes, start, watch)
                    _predict_missing(engine, recipes, trained, watch)
                else:
                    _embed(engine, recipes, start, trained, watch)
        _drop(engine, training, recipes)
    memory.release(torch.device(engine.settings.device))


def _encoder(engine: Engine, recipes: Recipes, condition: Condition, watch: Watch) -> tuple[Path, Entry | None]:
    """Return the encoder that the target phase starts from: the pretrained one, or the intermediate one."""
    if recipes.training.intermediate == "none":
        return recipes.weights.directory, None
    key = recipes.intermediate_key
    with engine.remembering(lambda: key, condition):
        entry = _intermediate(engine, recipes, key, watch)
    return entry.path, entry


def _checkpoint(engine: Engine, recipes: Recipes, start: Path, watch: Watch) -> Entry:
    def make(directory: Path) -> Mapping[str, Any]:
        return _finetune(engine, recipes, "target", start, directory, watch)

    store = engine.settings.store
    stored = store.find("checkpoint", recipes.checkpoint_key, hashed=True) is not None
    if stored and not engine.is_traced(recipes.training):
        # Nothing of its way is left: it is gone once more for the readings, and ends where it has ended before.
        with tempfile.TemporaryDirectory() as directory:
            make(Path(directory))
    return store.ensure("checkpoint", recipes.checkpoint_key, recipes.checkpoint_identity, make)[0]


def _intermediate(engine: Engine, recipes: Recipes, key: str, watch: Watch) -> Entry:
    def make(directory: Path) -> Mapping[str, Any]:
        return _finetune(engine, recipes, "intermediate", recipes.weights.directory, directory, watch)

    return engine.settings.store.ensure("intermediate", key, recipes.intermediate_identity, make)[0]


def _finetune(
    engine: Engine, recipes: Recipes, role: str, start: Path, directory: Path, watch: Watch
) -> Mapping[str, Any]:
    """Fine-tune from the encoder in `start`, write the classifier into `directory`, return its provenance."""
    from bench.modeling.reference import reference_rate
    from bench.training.checkpoint_io import save_classifier
    from bench.training.rates import train_at_best_rate

    training = recipes.training
    phase = recipes.target_phase if role == "target" else recipes.intermediate_phase
    is_traced = role == "target" and bool(engine.traced(training))
    began = time.perf_counter()
    here = collect(engine.settings.device)

    def train(one: Phase, read: bool) -> tuple[Any, Any]:
        return _train(engine, recipes, start, one, watch, read)

    chosen = train_at_best_rate(phase, lambda one: train(one, is_traced and one is phase))
    model, report = chosen.model, chosen.report
    if is_traced and chosen.phase is not phase:
        # Only now is it known which way there is to be read.
        model, report = train(chosen.phase, True)
    save_classifier(directory, model.encoder, model.head, model.tokenizer, {"role": role, "task": phase.task})
    stated = asdict(report) | {"reference": reference_rate(engine.settings.device)}
    if phase.tried_rates:
        tried = [asdict(each) for each in chosen.tried]
        stated |= {"learning_rate": chosen.phase.learning_rate, "tried_rates": tried}
    seconds = time.perf_counter() - began
    return here | {"report": stated, "seconds": seconds, "shown": f"{_title(training, role)}, {report.steps} steps"}


def _train(engine: Engine, recipes: Recipes, start: Path, phase: Phase, watch: Watch, read: bool) -> tuple[Any, Any]:
    """Return the classifier that `phase` makes of the encoder in `start`, and its report; `read`: on its way too."""
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.tokenization import load_tokenizer
    from bench.tokens import kept_tokens
    from bench.training.checkpoint_io import Classifier
    from bench.training.finetune import Part, finetune

    training, materials = recipes.training, recipes.materials
    is_target = phase.role == "target"
    train = (materials.train(training),) if is_target else materials.intermediates(training)
    # Of stored intermediates the depth is cut already; of pretrained weights the first layers are taken.
    encoder, config = load_encoder(start, recipes.spec.layers or None)
    tokenizer = load_tokenizer(start)
    names = [phase.role, *(f"{phase.role} {place}" for place in range(1, len(train)))]
    parts = [
        Part(
            split,
            new_head(
                config.hidden_size, _classes(split), training.seed, name, phase.pooling, split.kind, phase.aggregate
            ),
        )
        for name, split in zip(names, train, strict=True)
    ]
    model = Classifier(encoder, parts[0].head, tokenizer, {})
    report = finetune(
        encoder,
        parts[0].head,
        tokenizer,
        train[0],
        materials.select(training) if is_target else None,
        phase,
        training.seed,
        engine.settings.device,
        watch(_title(training, phase.role) + _rate(recipes, phase)),
        others=parts[1:],
        beside=_beside(recipes, encoder, tokenizer, start) if phase.masked_batch else None,
        rule=recipes.rule,
        kept=kept_tokens(engine.settings.store),
        snapshots=_snapshots(engine, recipes, phase),
        trajectory=_trajectory(engine, recipes, model) if read else None,
    )
    # Another rate may be in want of the device's memory.
    for module in (encoder, parts[0].head):
        module.to("cpu")
    return model, report


def _snapshots(engine: Engine, recipes: Recipes, phase: Phase) -> Any:
    """Return where an unfinished training is kept; of several rates each has a place of its own."""
    from bench.training.snapshot import Snapshots

    if phase.role == "target":
        kept = engine.settings.store.unfinished("checkpoint", recipes.checkpoint_key)
        kept = kept / f"{phase.learning_rate:g}" if recipes.target_phase.tried_rates else kept
    else:
        kept = engine.settings.store.unfinished("intermediate", recipes.intermediate_key)
    return Snapshots(kept, engine.settings.snapshot_seconds, origin(collect(engine.settings.device)))


def _classes(split: Split) -> int:
    """Return how many classes a head for `split` has: of choices as many as there are, of spans none."""
    example = split.examples[0]
    return len(getattr(example, "choices", split.labels))


def _beside(recipes: Recipes, encoder: Any, tokenizer: Any, start: Path) -> Any:
    from bench.modeling.masked import load_masked_head
    from bench.training.beside import masked_texts

    phase, training = recipes.intermediate_phase, recipes.training
    texts = recipes.materials.texts(training)
    head = load_masked_head(start, encoder)
    return masked_texts(head, tokenizer, texts, phase.max_length, phase.masked_batch or 1, training.seed)


def _title(training: Training, role: str) -> str:
    task = training.intermediate if role == "intermediate" else training.target
    variant = f" {training.variant}" if training.variant and role == "target" else ""
    return f"{training.model} s{training.seed}: {'intermediate ' if role == 'intermediate' else ''}{task}{variant}"


def _rate(recipes: Recipes, phase: Phase) -> str:
    tried = phase.role == "target" and recipes.target_phase.tried_rates
    return f" at {phase.learning_rate:g}" if tried else ""


def _trajectory(engine: Engine, recipes: Recipes, model: Any) -> Trajectory | None:
    """Return what reads `model`, a classifier in training, at the steps that are asked for, and stores that."""
    training = recipes.training
    splits = engine.traced(training)
    if not splits:
        return None

    def unread(step: int) -> list[Split]:
        return [split for split in splits if engine.stored(training, split, step=step) is None]

    def read(step: int, examples: int) -> None:
        if missing := unread(step):
            _predict(engine, recipes, model, missing, None, None, {"step": step, "examples": examples})

    return Trajectory(engine.planned(training), lambda step: not unread(step), read)


def _predict_missing(engine: Engine, recipes: Recipes, checkpoint: Entry, watch: Watch) -> None:
    from bench.training.checkpoint_io import load_classifier

    splits = [split for split in engine.streams(recipes.training) if engine.stored(recipes.training, split) is None]
    if splits:
        report = watch(f"{_reader(recipes)}: predicting {len(splits)} splits")
        _predict(engine, recipes, load_classifier(checkpoint.path), splits, report, checkpoint, {})


def _predict(
    engine: Engine,
    recipes: Recipes,
    model: Any,
    splits: list[Split],
    shown: Report | None,
    trained: Entry | None,
    point: Mapping[str, int],
) -> None:
    """Store what `model` says of `splits`; `point`: the step of its training and the examples seen, else empty."""
    from bench.modeling.predict import predict
    from bench.modeling.reference import reference_rate
    from bench.tokens import kept_tokens

    predictions, report = predict(
        model.encoder, model.head, model.tokenizer, splits, recipes.target_phase.max_length, engine.settings.device,
        report=shown, rule=recipes.rule, autocast=recipes.target_phase.autocast,
        kept=kept_tokens(engine.settings.store),
    )  # fmt: skip
    cost = asdict(report) | {"reference": reference_rate(engine.settings.device)}
    for split, each, truncated in zip(splits, predictions, report.truncated, strict=True):
        _publish(engine, recipes, split, each, trained, cost, truncated, point)


def _embed(engine: Engine, recipes: Recipes, start: Path, trained: Entry | None, watch: Watch) -> None:
    """Predict what needs no head: sentences find their translations by the states of one layer."""
    from bench.modeling.encoder import load_encoder
    from bench.modeling.mining import mined_predictions, tune
    from bench.modeling.predict import embed
    from bench.modeling.reference import reference_rate
    from bench.modeling.retrieval import retrieved, texts_of
    from bench.modeling.tokenization import load_tokenizer

    encoder, _ = load_encoder(start, recipes.spec.layers or None)
    tokenizer = load_tokenizer(start)
    reference = reference_rate(engine.settings.device)

    def vectors(split: Split) -> tuple[Any, Any]:
        title = watch(f"{_reader(recipes)}: reading {split.name} {split.language}")
        phase, device, texts = recipes.target_phase, engine.settings.device, texts_of(split)
        return embed(
            encoder, tokenizer, texts, recipes.layer, phase.max_length, device, report=title, autocast=phase.autocast
        )

    for split in engine.streams(recipes.training):
        if engine.stored(recipes.training, split) is None:
            found, report = vectors(split)
            if split.kind == MINING:
                tuned_on = recipes.materials.validation(recipes.training, split.language)
                predictions = mined_predictions(split, found, tune(tuned_on, vectors(tuned_on)[0]))
            else:
                predictions = retrieved(split, found)
            cost = asdict(report) | {"reference": reference}
            _publish(engine, recipes, split, predictions, trained, cost, report.truncated[0])


def _reader(recipes: Recipes) -> str:
    return f"{recipes.training.model} s{recipes.training.seed}"


def _publish(
    engine: Engine,
    recipes: Recipes,
    split: Split,
    predictions: Predictions,
    trained: Entry | None,
    cost: Mapping[str, Any],
    truncated: int,
    point: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Store `predictions` with what they were made from; `trained` is what was fine-tuned last, None for nothing.

    `point` says where on the way of a training, which is not finished then, they were made.
    """
    step = point.get("step")
    report = None if trained is None else trained.manifest.provenance["report"]
    provenance = collect(engine.settings.device) | {
        "predict": cost,
        "train": report,
        "timing_note": engine.settings.timing_note,
        "shown": f"{recipes.training.name}: {split.name} in {split.language}, {len(predictions)} units"
        + ("" if step is None else f", step {step}"),
    }
    stated = {**predictions.metadata, **_metadata(recipes, split, predictions, report, truncated), **point}
    described = replace(predictions, metadata=stated)

    def write(directory: Path) -> None:
        write_predictions(directory / PREDICTIONS_FILE, described)

    key, identity = recipes.predictions_key(split, step), recipes.predictions_identity(split, step)
    engine.settings.store.publish("predictions", key, identity, provenance, write)


def _metadata(
    recipes: Recipes, split: Split, predictions: Predictions, report: Mapping[str, Any] | None, truncated: int
) -> dict[str, Any]:
    return {
        "origin": split.provenance.origin,
        "note": split.provenance.note,
        "digests": {"recipe": recipes.checkpoint_key, "data": split.fingerprint, "weights": recipes.weights.digest},
        "commit": recipes.weights.commit,
        "truncated_items": truncated,
        "lost_words": int(predictions.columns["lost"].sum()) if "lost" in predictions.columns else 0,
        "baseline": asdict(baseline_of(split, predictions, recipes.rule)),
        "flags": sorted(_flags(recipes, _read(recipes, split), report, truncated)),
    }


def _read(recipes: Recipes, split: Split) -> list[Split]:
    """Return every split that the predictions for `split` depend on."""
    materials, training = recipes.materials, recipes.training
    read = [split]
    if training.trains_target:
        read.append(materials.train(training))
    if training.intermediate != "none":
        read += materials.intermediates(training)
    return read


def _flags(recipes: Recipes, read: list[Split], report: Mapping[str, Any] | None, truncated: int) -> set[str]:
    spec, training = recipes.spec, recipes.training
    stated = {
        "artificial": spec.world == "artificial",
        "subset": any(split.provenance.subset for split in read),
        "capped": any(split.provenance.capped for split in read),
        "stand_in": any(split.provenance.origin == "stand-in" for split in read),
        "truncated": bool(spec.truncated_from),
        "prior_supervision": bool(spec.prior),
        "contaminated": training.target in tasks.intermediate(training.intermediate).contaminated,
        "collapsed": report is not None and bool(report["collapsed"]),
        "items_cut": truncated > 0,
        "bfloat16": recipes.target_phase.autocast,
        "new_masked_head": training.variant == MASKED and (recipes.weights.directory / MASKED_HEAD).is_file(),
    }
    own = {flag for split in read for flag in split.provenance.flags}
    return {flag for flag, holds in stated.items() if holds} | set(recipes.weights.flags) | own


def _drop(engine: Engine, training: Training, recipes: Recipes) -> None:
    """Remove the checkpoint once every language of the target is predicted, the intermediate after its last user."""
    if engine.settings.keep_checkpoints or not engine.needs_no_checkpoint(training):
        return
    store = engine.settings.store
    found = [store.find("checkpoint", recipes.checkpoint_key)] if training.trains_target else []
    users = [other for other in engine.settings.languages if _shares_intermediate(other, training)]
    if training.intermediate != "none" and all(engine.needs_no_checkpoint(other) for other in users):
        found.append(store.find("intermediate", recipes.intermediate_key))
    for entry in filter(None, found):
        store.remove(entry)


def _shares_intermediate(one: Training, other: Training) -> bool:
    return _origin(one) == _origin(other)


def _origin(training: Training) -> tuple[object, ...]:
    return training.model, training.world, training.intermediate, training.seed, of_intermediate(training.variant)
