"""What one pretraining run is: plain data, stored beside the weights. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from bench.catalog.models import MODELS
from bench.errors import BadInput

# Width of an attention head.
_HEAD = 16
_POSITIONS = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The recipe of a run: two stages, each with a schedule of its own.

    *Alignment* takes `alignment_steps` of `pairs` translation pairs: two unrelated sentences, said in the source and in
    another language. Tokens are masked at the rate `mask`; constituents of equal meaning, and the marks of sentence
    borders, are drawn together after the lower half of the layers (InfoNCE of temperature `temperature`, weight
    `alignment`).
    *Discourse* takes `discourse_steps` of `documents` documents and trains the upper half alone to name the connective
    that stood between the two sentences. Documents are in the source language but for the share `dose`, which is in any
    language; `permuted` gives each document another one's connective.
    `plentiful` and `scarce` are the unique documents of a language that pairs and the dose are drawn from, `coherent`
    those of the source in the second stage. `matrix_rate` is Muon's learning rate, for the matrices of the layers,
    `learning_rate` AdamW's for the rest; `warmup` steps begin each stage.
    """

    alignment_steps: int = 1000
    discourse_steps: int = 2000
    pairs: int = 32
    documents: int = 240
    vocabulary: int = 1400
    plentiful: int = 12000
    scarce: int = 25
    coherent: int = 60000
    learning_rate: float = 2e-3
    matrix_rate: float = 0.02
    decay: float = 0.01
    warmup: int = 100
    mask: float = 0.2
    alignment: float = 3.0
    temperature: float = 0.1
    dose: float = 0.0
    permuted: bool = False
    spread: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.dose <= 1:
            raise BadInput(f"Got dose={self.dose}, but it is a share of documents, from 0 to 1.")
        if not 1 <= self.scarce <= self.plentiful:
            raise BadInput(
                f"Got scarce={self.scarce} and plentiful={self.plentiful}, but a scarce language has at least 1 "
                "document and at most as many as a plentiful one."
            )
        for name in ("alignment_steps", "discourse_steps"):
            if getattr(self, name) < 1:
                raise BadInput(f"Got {name}={getattr(self, name)}, but a stage takes at least 1 step.")

    @property
    def steps(self) -> int:
        """Steps of both stages."""
        return self.alignment_steps + self.discourse_steps

    @property
    def flags(self) -> tuple[str, ...]:
        """What rows must say of a model pretrained so: XLM-R itself saw none of these."""
        return ("aligned", "discourse" if self.dose else "source_discourse", "tlm")


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of a pocket model."""

    token: str
    layers: int
    hidden: int

    @property
    def heads(self) -> int:
        """Attention heads, each 16 wide."""
        return self.hidden // _HEAD

    @property
    def lower(self) -> int:
        """How many layers become common to all languages, and are left alone once they are."""
        return self.layers // 2

    @property
    def positions(self) -> int:
        """Rows of the position table; two fewer tokens fit."""
        return _POSITIONS


def size_of(token: str) -> Size:
    """Return the shape of the pocket model `token`; raises BadInput for any other model."""
    sizes = {spec.token: Size(spec.token, spec.layers, spec.hidden) for spec in MODELS if spec.family == "pocket"}
    if token not in sizes:
        raise BadInput(f"Got model={token!r}, but the pocket models are {', '.join(sizes)}.")
    return sizes[token]
