"""The keys of one training's artefacts, computed from weights, data and phases; nothing is trained here."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from bench.canonical import digest
from bench.catalog import protocols, tasks, variants
from bench.catalog.models import ModelSpec
from bench.catalog.protocols import retrieval_layer
from bench.data.checksum import sha256_of
from bench.data.example import MINING
from bench.materials import Materials
from bench.modeling.directory import MASKED_HEAD, read_config
from bench.plan import Training
from bench.recipe import embedding_identity, encoder_identity, phase_identity, predictions_identity
from bench.scores.answers import Rule
from bench.split_facts import Identified
from bench.study import Study
from bench.training.protocol import Phase
from bench.weights import Located, Weights


class Recipes:
    """What is trained for one training, and under which keys it is stored."""

    def __init__(
        self, training: Training, spec: ModelSpec, materials: Materials, study: Study, located: Located
    ) -> None:
        self.training = training
        self.spec = spec
        self.materials = materials
        self._located = located
        self.protocol = protocols.protocol(study.protocol)
        self._variant = variants.variant(training.variant)
        self._autocast = study.precision == "bfloat16"

    @cached_property
    def weights(self) -> Weights:
        """The pretrained weights; raises Unavailable when they cannot be had."""
        return self._located(self.spec, self.training)

    @cached_property
    def target_phase(self) -> Phase:
        """The phase on the target task, with what the variant changes; of a retrieval task its length alone counts."""
        phase = self._variant.apply(self.protocol.phase("target", self.training.target))
        return replace(phase, autocast=self._autocast)

    @cached_property
    def intermediate_phase(self) -> Phase:
        """The intermediate phase: its full schedule, no selection, so that arms differ in data and not in luck.

        It is the same for all variants that change the target phase alone, and they share its encoder.
        """
        task = tasks.intermediate(self.training.intermediate)
        phase = self.protocol.phase("intermediate", self.training.target if task.control else task.token)
        phase = replace(
            phase, task=task.token, patience=None, evaluate_every=None, select_limit=None, autocast=self._autocast
        )
        if not task.control:
            return self._variant.apply(phase) if self._variant.needs_intermediate else phase
        reference = self.protocol.phase("intermediate", tasks.MORE_REFERENCE)
        steps = reference.total_steps(self.materials.facts("reference", self.training).count)
        return replace(phase, epochs=None, max_steps=steps)

    @cached_property
    def intermediate_identity(self) -> dict[str, Any]:
        """Everything that determines the intermediate encoder."""
        start = encoder_identity(self.weights.digest, self.spec.layers)
        train = self.materials.intermediate_facts(self.training)
        return phase_identity(start, self.intermediate_phase, train, None, self.training.seed, self._beside())

    @cached_property
    def intermediate_key(self) -> str:
        """The key of the intermediate encoder."""
        return digest(self.intermediate_identity)

    @cached_property
    def checkpoint_identity(self) -> dict[str, Any]:
        """Everything that determines the fine-tuned checkpoint, or else the encoder and layer that are read."""
        start: dict[str, Any] | str = encoder_identity(self.weights.digest, self.spec.layers)
        if self.training.intermediate != "none":
            start = self.intermediate_key
        if not self.training.trains_target:
            return embedding_identity(start, self.layer)
        train, select = self.materials.facts("train", self.training), self.materials.facts("select", self.training)
        return phase_identity(start, self.target_phase, [train], select, self.training.seed)

    @cached_property
    def checkpoint_key(self) -> str:
        """The key of the fine-tuned checkpoint."""
        return digest(self.checkpoint_identity)

    @cached_property
    def layer(self) -> int:
        """The layer whose states stand for sentences in retrieval."""
        layers = self.spec.layers or int(read_config(self.weights.directory)["num_hidden_layers"])
        return retrieval_layer(layers, self.protocol.target.frozen_layers)

    @property
    def rule(self) -> Rule:
        """How answers to questions are compared: MLQA has rules of its own for its languages."""
        return "mlqa" if self.training.target == "mlqa" and self.training.world is None else "squad"

    def predictions_key(self, split: Identified, step: int | None = None) -> str:
        """Return the key of this checkpoint's predictions on `split`, or of those at a step on the way to it."""
        return digest(self.predictions_identity(split, step))

    def predictions_identity(self, split: Identified, step: int | None = None) -> dict[str, Any]:
        """Return everything that determines this checkpoint's predictions on `split`, or those at a step before it."""
        mined = split.kind == MINING
        tuned_on = self.materials.facts("validation", self.training, split.language) if mined else None
        phase = self.target_phase
        return predictions_identity(self.checkpoint_key, split, phase.max_length, tuned_on, phase.autocast, step)

    def _beside(self) -> dict[str, str] | None:
        if self.intermediate_phase.masked_batch is None:
            return None
        # A head among the weights has their digest.
        apart = self.weights.directory / MASKED_HEAD
        head = sha256_of(apart) if apart.is_file() else self.weights.digest
        return {"texts": digest(list(self.materials.texts(self.training))), "head": head}
