"""From stored predictions to the rows of one condition: scores, flags, digests, what it cost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.baseline import stated_baseline
from bench.calibration.recalibration_name import RecalibrationName
from bench.canonical import digest, plain
from bench.catalog import variants
from bench.condition import Condition
from bench.engine import Engine, Inputs
from bench.plan import training_of
from bench.predictions import Predictions
from bench.rows import SCHEMA_VERSION, Row
from bench.scoring import score
from bench.store.provenance import origin
from bench.stored_rows import NotedRow, notes_of, stored_rows, write_stored_rows
from bench.trajectory import scored_points

# Raised by hand whenever rows say more of the same predictions than before.
_ROW_VERSION = 5
_RATES = (
    "train_examples_per_s", "train_tokens_per_s", "train_reference",
    "predict_examples_per_s", "predict_tokens_per_s", "predict_reference",
)  # fmt: skip

Check = Callable[[Predictions, Mapping[str, Predictions], Predictions | None], None]


def find_rows(engine: Engine, key: str) -> list[NotedRow] | None:
    """Return the rows that are stored under `key` (`row_key`), or None when they were never made."""
    entry = engine.settings.store.find("row", key, hashed=True)
    return None if entry is None else stored_rows(entry.path, entry.manifest.provenance["rows"])


def row_key(engine: Engine, condition: Condition, inputs: Inputs) -> str:
    """Return the key under which the rows of `condition` are stored; it names the predictions they are made from."""
    return digest(_identity(engine, condition, inputs))


def make_rows(engine: Engine, condition: Condition, inputs: Inputs, check: Check) -> list[Row]:
    """Score `condition` under every recalibration, run `check` on its logits, store and return the rows."""
    test, source, halves = inputs.read()
    check(test, halves, source)
    names = ("none", *engine.recalibrations(training_of(condition)))
    scores = [score(test, source=source, halves=halves, recalibration=name) for name in names]
    # Whether a cell is at chance is a matter of the model's own answers, whatever a calibrator makes of them.
    chance = _at_chance(scores[0], test)
    # On its way no map was fitted, so that the points belong to the confidence as it is.
    scores[0] = {**scores[0], **_trajectory(inputs)}
    rows = [
        _row(engine, condition, inputs, test, scored, [*chance, *_flags(condition, name)])
        for name, scored in zip(names, scores, strict=True)
    ]
    identity = _identity(engine, condition, inputs)
    engine.settings.store.publish(
        "row",
        digest(identity),
        identity,
        {"rows": notes_of(rows)},
        lambda directory: write_stored_rows(directory, rows),
    )
    return rows


def _identity(engine: Engine, condition: Condition, inputs: Inputs) -> dict[str, Any]:
    return {
        "row_schema": SCHEMA_VERSION,
        "row_version": _ROW_VERSION,
        "id": condition.id,
        "study": engine.study(condition.model).digest,
        "test": inputs.test.key,
        "source": None if inputs.source is None else inputs.source.key,
        "halves": {language: entry.key for language, entry in inputs.halves.items()},
        "recalibrations": sorted(engine.recalibrations(training_of(condition))),
        # Left out where it is off, so that rows from before it came keep their keys.
        **({"trajectory": [entry.key for entry in inputs.trajectory]} if inputs.trajectory else {}),
    }


def _trajectory(inputs: Inputs) -> dict[str, Any]:
    return {"trajectory": scored_points(inputs.read_trajectory())} if inputs.trajectory else {}


def _row(
    engine: Engine,
    condition: Condition,
    inputs: Inputs,
    test: Predictions,
    scored: Mapping[str, Any],
    flags: Sequence[str],
) -> Row:
    study = engine.study(condition.model)
    provenance = inputs.test.manifest.provenance
    return Row(
        {
            "schema": SCHEMA_VERSION,
            "id": condition.id,
            "recalibration": _name_of(scored["calibrator"]),
            "study": study.digest,
            "condition": plain(condition),
            "protocol": study.protocol,
            "world": _world(condition),
            "split": test.metadata["split"],
            **scored,
            "baseline": stated_baseline(test),
            "flags": sorted({*test.metadata["flags"], *flags, *_unpaired(scored)}),
            "digests": {
                **test.metadata["digests"],
                "predictions": inputs.test.key,
                "logits": _content(test),
            },
            "provenance": digest(origin(provenance)),
            "device": device_name(provenance),
            "throughput": throughput(provenance),
            "throughput_note": provenance["timing_note"],
            "timings": _timings(provenance),
            "engine": _engine(provenance),
        }
    )


def _content(test: Predictions) -> str:
    """Return the sha256 of what was predicted: equal for equal arrays, whatever library wrote their file."""
    arrays = {"item_ids": test.item_ids, "labels": test.labels, "logits": test.logits, **test.columns}
    hashed = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        content = "\0".join(values.tolist()).encode() if values.dtype.kind == "U" else values.tobytes()
        hashed.update(f"{name} {values.shape} {values.dtype.kind}{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def device_name(provenance: Mapping[str, Any]) -> str:
    """Return the name of the device that the work was timed on: of a CPU that of its processor."""
    device = provenance["device"]
    return str(provenance["processor"] if device == "cpu" else device or "")


def _at_chance(scored: Mapping[str, Any], test: Predictions) -> tuple[str, ...]:
    """Flag a cell whose score is not shown to be above its baseline: its gap is only its confidence."""
    baseline = stated_baseline(test)
    low = scored["task_scores"][baseline["score"]]["low"]
    return ("at_chance",) if low is None or low <= baseline["value"] else ()


def _unpaired(scored: Mapping[str, Any]) -> tuple[str, ...]:
    """Flag a contrast between other items in each language: what they say differs too."""
    return ("unpaired",) if scored["pairing"] == "none" else ()


def _name_of(calibrator: Mapping[str, Any] | None) -> str:
    return "none" if calibrator is None else str(RecalibrationName(calibrator["token"], calibrator["where"]))


def _flags(condition: Condition, recalibration: str) -> tuple[str, ...]:
    """Flag a row that is not zero-shot, and one whose confidence is on no scale of its own."""
    name = RecalibrationName.parse(recalibration)
    if name is None:
        return ("arbitrary_scale",) if variants.variant(condition.variant).arbitrary_scale else ()
    own_labels = name.where not in ("en", "pivot") and (
        name.where == "pool" or condition.language != training_of(condition).source
    )
    return ("target_labels",) if own_labels else ()


def _world(condition: Condition) -> str:
    world = training_of(condition).world
    return "real" if world is None else f"w{world}"


def throughput(provenance: Mapping[str, Any]) -> dict[str, float | None]:
    """Return examples and real tokens per second, as recorded when the work was done; null where it was not timed.

    The references are the rates of one and the same loop beside that work, in GFLOP/s (bench.modeling.reference).
    """
    train, predict = provenance["train"], provenance["predict"]
    if provenance["timing_note"]:
        return dict.fromkeys(_RATES)
    trained = train or {"examples": 0, "tokens": 0, "train_seconds": 0}
    return {
        "train_examples_per_s": _rate(trained["examples"], trained["train_seconds"]),
        "train_tokens_per_s": _rate(trained["tokens"], trained["train_seconds"]),
        "train_reference": trained.get("reference"),
        "predict_examples_per_s": _rate(predict["examples"], predict["seconds"]),
        "predict_tokens_per_s": _rate(predict["tokens"], predict["seconds"]),
        "predict_reference": predict.get("reference"),
    }


def _rate(amount: float, seconds: float) -> float | None:
    return amount / seconds if seconds > 0 else None


def _engine(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the work was done: packed or padded, in how many pieces, and the peak of its memory in bytes."""
    train, predict = provenance["train"], provenance["predict"]
    parts = {"predict": {name: predict[name] for name in ("attention", "halved", "peak_bytes")}}
    if train is not None:
        told = ("attention", "vocabulary", "micro_batch", "peak_bytes", "learning_rate", "tried_rates")
        # The last two only where there was a choice.
        parts["train"] = {name: train[name] for name in told if name in train}
    return parts


def _timings(provenance: Mapping[str, Any]) -> dict[str, float]:
    train = provenance["train"]
    return {
        **({} if train is None else {"train_s": train["train_seconds"]}),
        "predict_s": provenance["predict"]["seconds"],
    }
