"""Snapshots of a run, from which a killed run goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bench.canonical import canonical_json, file_digest

_log = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{64})\.safetensors\Z")
_FACTS = "crosscal"


@dataclass
class Snapshots:
    """The snapshots of one training in `directory`, one every `every` seconds (0: after every step).

    A snapshot is a single file whose name holds the sha256 of its content, so that it is there or not, and damage
    shows. `origin` is what a run's bytes depend on beside its recipe (plain values): a run goes on from a snapshot of
    equal origin only, because a mixture would be neither's result. Whoever uses it holds the training's lock.
    """

    directory: Path
    every: float
    origin: Mapping[str, Any]
    _last: float = field(default_factory=lambda: time.monotonic())

    def due(self) -> bool:
        """Return whether it is time for the next one."""
        return time.monotonic() - self._last >= self.every

    def save(self, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keep `tensors` and `facts` (plain values) as the newest snapshot, and drop those before it.

        What cannot be written is told to the log: a full disk must not end a training that may still succeed.
        """
        stated = {"origin": dict(self.origin), "facts": dict(facts)}
        aside = self.directory / f".tmp-{uuid.uuid4().hex}"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _clear(self.directory, ".tmp-*")
            held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
            save_file(held, str(aside), {_FACTS: canonical_json(stated)})
            _publish(aside, self.directory, step)
        except (OSError, SafetensorError) as error:
            _log.warning("no snapshot of step %d in %s (%s); training goes on", step, self.directory, error)
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()
        self._last = time.monotonic()

    def latest(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return tensors and facts of the newest sound snapshot of equal origin, or None; damaged ones move aside."""
        for path in sorted(self.directory.glob("step-*.safetensors"), reverse=True):
            found = _read(path)
            if found is None:
                path.rename(path.with_suffix(".damaged"))
                _log.warning("%s is damaged and now has the suffix .damaged", path)
            elif found[1]["origin"] != dict(self.origin):
                _log.warning("%s is of another device, thread count or library; the training starts anew", path)
            else:
                return found[0], found[1]["facts"]
        return None


def _publish(aside: Path, directory: Path, step: int) -> None:
    with aside.open("rb+") as file:
        os.fsync(file.fileno())
    final = directory / f"step-{step:08d}-{file_digest(aside)}.safetensors"
    aside.replace(final)
    _clear(directory, "step-*.safetensors", kept=final)


def _clear(directory: Path, pattern: str, kept: Path | None = None) -> None:
    for each in directory.glob(pattern):
        if each != kept:
            each.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the content of a snapshot, or None when it is not as it was written."""
    try:
        name = _NAME.match(path.name)
        if name is None or file_digest(path) != name[2]:
            return None
        with safe_open(str(path), "pt") as opened:
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it is no dict)
            return tensors, json.loads(opened.metadata()[_FACTS])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def numbered(name: str, tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return `tensors` under the names `name`.0, `name`.1, ..."""
    return {f"{name}.{place}": tensor for place, tensor in enumerate(tensors)}


def in_order(name: str, tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """Return what `numbered` named."""
    count = sum(each.startswith(f"{name}.") for each in tensors)
    return [tensors[f"{name}.{place}"] for place in range(count)]


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of the random streams that dropout draws from."""
    states = {"random.cpu": torch.get_rng_state()}
    return states if device.type != "cuda" else states | {"random.cuda": torch.cuda.get_rng_state(device)}


def set_random_state(device: torch.device, states: Mapping[str, Tensor]) -> None:
    """Put the random streams back to `states`."""
    torch.set_rng_state(states["random.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["random.cuda"], device)
