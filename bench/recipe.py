"""Identities: everything that determines an artefact, and nothing else; their digests are the keys of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.split_facts import Identified
from bench.training.protocol import Phase

# Raised by hand whenever the same recipe would give another checkpoint (a golden test guards it).
TRAINING_VERSION = 2

# Raised by hand whenever the same checkpoint would give other logits.
PREDICTION_VERSION = 4

_MIXED = "bfloat16 autocast"


def encoder_identity(weights: str, layers: int) -> dict[str, Any]:
    """Return the identity of pretrained weights cut to `layers` layers; `weights` is the digest of their files."""
    return {"weights": weights, "layers": layers}


def phase_identity(
    start: dict[str, Any] | str,
    phase: Phase,
    train: Sequence[Identified],
    select: Identified | None,
    seed: int,
    beside: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the identity of a fine-tuned checkpoint.

    `start` is what the encoder starts from: an `encoder_identity`, or the key of an intermediate checkpoint. `train`
    holds a split for each task; `beside` says which texts are read and which head names their masked tokens.
    """
    fingerprints = [split.fingerprint for split in train]
    return {
        **({} if beside is None else {"beside": dict(beside)}),
        "training_version": TRAINING_VERSION,
        "start": start,
        "phase": dict(phase.identity()),
        "train": fingerprints[0] if len(fingerprints) == 1 else fingerprints,
        "select": None if select is None else select.fingerprint,
        "seed": seed,
        "dtype": _MIXED if phase.autocast else "float32",
        "processes": 1,
    }


def embedding_identity(start: dict[str, Any] | str, layer: int) -> dict[str, Any]:
    """Return the identity of an encoder that nothing is trained on: its sentences are the states of a layer."""
    return {"start": start, "layer": layer}


def predictions_identity(
    checkpoint: str,
    data: Identified,
    max_length: int,
    tuned_on: Identified | None = None,
    autocast: bool = False,
    step: int | None = None,
) -> dict[str, Any]:
    """Return the identity of the predictions of the checkpoint with key `checkpoint` on `data`.

    `tuned_on` is what a threshold was chosen on, where there is one; `autocast`: the encoder reads in bfloat16. `step`:
    predictions with the weights of that step of the training, not those that it kept.
    """
    return {
        **({} if step is None else {"step": step}),
        **({"dtype": _MIXED} if autocast else {}),
        **({} if tuned_on is None else {"tuned_on": tuned_on.fingerprint}),
        "prediction_version": PREDICTION_VERSION,
        "checkpoint": checkpoint,
        "data": data.fingerprint,
        "max_length": max_length,
    }
