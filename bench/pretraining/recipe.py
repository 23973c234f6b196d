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
    """The recipe of a run. A step reads `pairs` translation pairs and `documents` coherent documents.

    A pair is two unrelated sentences, the second's polarity drawn blindly, said in two languages (the first one the
    source at the rate `source_share`). Each token is masked at the rate `mask`, and words of equal meaning are drawn
    together after the lower half of the layers (InfoNCE of temperature `temperature`, weight `alignment`). Documents
    are in the source language but for the share `dose`; the polarity of their second sentence is asked for (weight
    `cloze_weight`).
    `plentiful` and `scarce` are the unique documents of a language. `matrix_rate` is Muon's learning rate, for the
    matrices of the layers, `learning_rate` AdamW's for the rest.
    """

    steps: int = 3000
    pairs: int = 24
    documents: int = 96
    vocabulary: int = 1400
    plentiful: int = 12000
    scarce: int = 100
    learning_rate: float = 2e-3
    matrix_rate: float = 0.02
    decay: float = 0.01
    warmup: int = 100
    mask: float = 0.2
    cloze_weight: float = 2.0
    dose: float = 0.0
    source_share: float = 0.5
    alignment: float = 1.0
    temperature: float = 0.1
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
        if self.steps < 1:
            raise BadInput(f"Got steps={self.steps}, but a run takes at least 1 step.")

    @property
    def flags(self) -> tuple[str, ...]:
        """What rows must say of a model pretrained so: XLM-R itself saw none of these."""
        used = {"aligned": self.alignment > 0, "discourse": self.dose > 0, "tlm": self.alignment > 0}
        return tuple(sorted(flag for flag, on in used.items() if on))


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
    def positions(self) -> int:
        """Rows of the position table; two fewer tokens fit."""
        return _POSITIONS


def size_of(token: str) -> Size:
    """Return the shape of the pocket model `token`; raises BadInput for any other model."""
    sizes = {spec.token: Size(spec.token, spec.layers, spec.hidden) for spec in MODELS if spec.family == "pocket"}
    if token not in sizes:
        raise BadInput(f"Got model={token!r}, but the pocket models are {', '.join(sizes)}.")
    return sizes[token]
