"""Named training protocols, each with its source; a protocol gives one Phase per role and task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.canonical import digest
from bench.errors import BadInput
from bench.training.protocol import Phase, Role

# XTREME's choice, the 14th of XLM-R Large's 24 layers, as a share of the depth.
RETRIEVAL_DEPTH = 14 / 24


@dataclass(frozen=True, slots=True)
class Protocol:
    """A preset: `target` is the phase on XNLI, `tasks` what differs for other tasks, whichever role they have, and
    `overrides` what differs in an intermediate phase besides."""

    token: str
    source: str
    target: Phase
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def settings(self) -> str:
        """sha256 over all settings that determine a checkpoint."""
        return digest([dict(self.target.identity()), self.tasks, self.overrides])

    def phase(self, role: Role, task: str) -> Phase:
        """Return the phase of `role` ("intermediate" or "target") on `task`."""
        settings = dict(self.tasks.get(task, {}))
        if role == "intermediate":
            settings |= self.overrides.get(task, {})
        return replace(self.target, role=role, task=task, **settings)


def retrieval_layer(layers: int, frozen: int = 0) -> int:
    """Return the layer whose states are pooled for retrieval: 14 of 24, and the like of other depths (at least 1).

    Above `frozen` layers that training leaves as they are, if there are any above: below, no intermediate task could
    change a score. nyu-mll/jiant @ daa5a258 (EmbeddingModel, layer 14); google-research/xtreme @ 838c13b6 takes the 8th
    of 12.
    """
    return max(1, min(frozen + 1, layers), round(RETRIEVAL_DEPTH * layers))


def _phase(epochs: float, batch: int, rate: float, warmup: float, decay: float, length: int, **more: Any) -> Phase:
    return Phase(
        role="target", task="xnli", epochs=epochs, batch_size=batch, learning_rate=rate, warmup_fraction=warmup,
        weight_decay=decay, max_length=length, **more,
    )  # fmt: skip


def _each(names: str, **settings: Any) -> dict[str, dict[str, Any]]:
    return dict.fromkeys(names.split(), settings)


# Texts are embedded whole, as far as the models reach.
_RETRIEVAL = _each("bucc tatoeba", max_length=512)

PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        "pocket",
        "ours: the half of the layers that is common to all languages stays as it is; rate and epochs of tags and "
        "spans chosen on the source's development half of world 10, which is in no report (docs/worlds.md)",
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
        tasks=_each("udpos panx ccg", learning_rate=1e-2, epochs=6)
        | _each("squad_v1 squad_v2 xquad mlqa tydiqa", learning_rate=1e-2, epochs=6, max_length=128)
        | _each("hellaswag cosmosqa csqa", epochs=2, max_length=128)
        | _each("pawsx", epochs=2)
        | _each("multi bucc tatoeba", max_length=128),
    ),
    Protocol(
        "frugal",
        "ours: frozen word embeddings and a rate that twelve layers bear, for a few thousand pairs on a CPU",
        _phase(2, 32, 1.5e-4, 0.1, 0.01, 128, freeze_embeddings=True, pooling="mean", evaluate_every=32),
        tasks=_each("squad_v1 squad_v2 xquad mlqa tydiqa", epochs=3, max_length=256)
        | _each("hellaswag cosmosqa csqa", batch_size=16, max_length=192)
        | _each("udpos panx ccg", epochs=3)
        | _each("pawsx", epochs=5)
        | _each("bucc tatoeba", max_length=128),
    ),
    Protocol(
        "phang2020",
        "nyu-mll/jiant @ daa5a258, XTREME scripts; epochs and batches of the intermediate tasks as recalled from the "
        "paper; `multi` as MNLI",
        _phase(2, 32, 1e-5, 0.1, 0.01, 256, micro_batch=4, evaluate_every=1000, patience=30, select_limit=500),
        tasks=_each("pawsx", epochs=5)
        | _each("udpos panx", epochs=10)
        | _each("xquad mlqa tydiqa", batch_size=16, max_length=384)
        | _each("squad_v1 squad_v2", max_length=384)
        | _RETRIEVAL,
        overrides=_each("mnli anli snli mnli_disjoint more multi", batch_size=24)
        | _each("qqp", batch_size=24, epochs=3)
        | _each("squad_v1 squad_v2", batch_size=8, epochs=3)
        | _each("hellaswag", batch_size=24, epochs=7)
        | _each("ccg", batch_size=24, epochs=15)
        | _each("cosmosqa", batch_size=4, epochs=15)
        | _each("csqa", batch_size=4, epochs=10),
    ),
    Protocol(
        "xtreme2020",
        "google-research/xtreme @ 838c13b6, scripts/train_*.sh, setting for large models",
        _phase(5, 32, 3e-5, 0.0, 0.0, 128, micro_batch=2, evaluate_every=100),
        tasks=_each("pawsx", learning_rate=2e-5, evaluate_every=200)
        | _each("udpos panx", learning_rate=2e-5, epochs=10, evaluate_every=None)
        | _each("xquad mlqa tydiqa", epochs=3, max_length=384, warmup_steps=500, weight_decay=1e-4, evaluate_every=None)
        | _RETRIEVAL,
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
