"""Named training protocols, each with its source; a protocol gives one Phase per role and task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.canonical import digest
from bench.errors import BadInput
from bench.training.protocol import Phase, Role


@dataclass(frozen=True, slots=True)
class Protocol:
    """A preset: `target` is the phase on the target's data; an intermediate phase is the same but for `overrides`."""

    token: str
    source: str
    target: Phase
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def settings(self) -> str:
        """sha256 over all settings that determine a checkpoint."""
        return digest([dict(self.target.identity()), self.overrides])

    def phase(self, role: Role, task: str) -> Phase:
        """Return the phase of `role` ("intermediate" or "target") on `task`."""
        settings = self.overrides.get(task, {}) if role == "intermediate" else {}
        return replace(self.target, role=role, task=task, **settings)


def _phase(epochs: float, batch: int, rate: float, warmup: float, decay: float, length: int, **more: Any) -> Phase:
    return Phase(
        role="target", task="xnli", epochs=epochs, batch_size=batch, learning_rate=rate, warmup_fraction=warmup,
        weight_decay=decay, max_length=length, **more,
    )  # fmt: skip


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        "pocket",
        "ours: the half of the layers that is common to all languages stays as it is (docs/worlds.md)",
        _phase(
            1,
            32,
            1e-3,
            0.1,
            0.01,
            64,
            dropout=0.0,
            freeze_embeddings=True,
            frozen_layers=2,
            pooling="mean",
            evaluate_every=125,
            select_limit=300,
        ),
    ),
    Protocol(
        "frugal",
        "ours: frozen word embeddings and a rate that twelve layers bear, for a few thousand pairs on a CPU",
        _phase(2, 32, 1.5e-4, 0.1, 0.01, 128, freeze_embeddings=True, pooling="mean", evaluate_every=32),
    ),
    Protocol(
        "phang2020",
        "nyu-mll/jiant @ daa5a258, XTREME scripts; batch of the intermediate tasks as recalled from the paper",
        _phase(2, 32, 1e-5, 0.1, 0.01, 256, micro_batch=4, evaluate_every=1000, patience=30, select_limit=500),
        {
            "mnli": {"batch_size": 24},
            "anli": {"batch_size": 24},
            "snli": {"batch_size": 24},
            "more": {"batch_size": 24},
        },
    ),
    Protocol(
        "xtreme2020",
        "google-research/xtreme @ 838c13b6, scripts/train_xnli.sh, setting for large models",
        _phase(5, 32, 3e-5, 0.0, 0.0, 128, micro_batch=2, evaluate_every=100),
    ),
    Protocol(
        "ahuja2022",
        "microsoft/MMLMCalibration @ 0914512d, XLM-R Large on XNLI; use with --train-limit 40000",
        _phase(3, 8, 7e-6, 0.0, 0.0, 128, evaluate_every=500),
    ),
    Protocol(
        "jiang2022",
        "zipJiang/cross-lingual-calibration @ 374ee77f, XNLI",
        _phase(128, 32, 1e-5, 0.0, 0.0, 128, micro_batch=8, patience=8),
    ),
    Protocol(
        "desai2020",
        "shreydesai/calibration @ 229de180, RoBERTa-base",
        _phase(3, 32, 1e-5, 0.0, 0.1, 256),
    ),
)

_BY_TOKEN = {protocol.token: protocol for protocol in PROTOCOLS}


def protocol(token: str) -> Protocol:
    """Return the preset of that name; raises BadInput when there is none."""
    if token not in _BY_TOKEN:
        raise BadInput(f"Got protocol={token!r}, but the presets are {', '.join(_BY_TOKEN)}.")
    return _BY_TOKEN[token]
