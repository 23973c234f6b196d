"""What does not fit this machine, known before it is tried: memory and time."""

from __future__ import annotations

import os

from bench import cost
from bench.catalog.models import ModelSpec
from bench.errors import Unavailable
from bench.throughput.size import Size
from bench.training.protocol import Phase
from bench.weights import require_gpu

# A case that is estimated above this tells no more than a smaller one, and takes an evening.
CASE_HOURS = 0.25
# Weights, gradients and two moments in float32.
_TRAINED_BYTES, _READ_BYTES = 16, 4
# What is left for activations at least.
_USABLE = 0.9


def require_fit(spec: ModelSpec, training: bool, device: str) -> None:
    """Raise Unavailable for a model that needs a GPU where there is none, or more memory than there is.

    A training's word embeddings are counted once: those that no text uses have no gradient and no moments
    (bench.training.vocabulary).
    """
    require_gpu(spec, device)
    body = _TRAINED_BYTES if training else _READ_BYTES
    needed = body * spec.body_parameters + _READ_BYTES * spec.embedding_parameters
    there = device_bytes(device)
    if needed > _USABLE * there:
        work = "train" if training else "predict"
        raise Unavailable(
            "budget",
            f"{spec.token} needs about {needed / 1e9:.0f} GB to {work}, and {device} has {there / 1e9:.0f} GB",
        )


def require_bfloat16(dtype: str, device: str) -> None:
    """Raise Unavailable for bfloat16 on a CPU without instructions for it: there it is slower than float32."""
    if cost.is_emulated(dtype, device):
        raise Unavailable("gpu", "this processor has no bfloat16 instructions: run it in float32, or where a GPU is")


def require_time(spec: ModelSpec, phase: Phase, size: Size, training: bool, device: str) -> None:
    """Raise Unavailable when the rounds of a case, the warm-up among them, are estimated above CASE_HOURS."""
    if training:
        hours = cost.training_hours(spec, phase, size.examples, device)
    else:
        hours = cost.prediction_hours(spec, size.examples, device)
    hours *= size.rounds + 1
    if hours > CASE_HOURS:
        raise Unavailable(
            "budget", f"{spec.token} needs about {hours:.2f} h on {device}, above the {CASE_HOURS:g} h of a case"
        )


def device_bytes(device: str) -> int:
    """Return the memory of a GPU, or of this machine."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
