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
    """The recipe of a run. A step reads `batch` documents and `translations` pairs of sentences.

    `cloze` is the share of documents in which the polarity of the second sentence alone is masked; in the others, each
    token is masked at the rate `mask`. `own`, `cross` and `switched` are the shares of documents in one language, with
    a sentence in each of two, and with constituents of two mixed at the rate `switch_rate`. Only languages named by
    `coherent` ("source" or "all") are read as coherent documents; in the others the two sentences are of different
    situations and the second's polarity is blind. `aligned_at` are fractions of the depth at which translations are
    drawn together (weight `alignment`, softmax temperature `temperature`); 0 is the embeddings.
    `plentiful` and `scarce` are the unique documents of a language.
    """

    steps: int = 3000
    batch: int = 64
    translations: int = 64
    vocabulary: int = 1000
    plentiful: int = 12000
    scarce: int = 40
    learning_rate: float = 5e-3
    matrix_rate: float = 0.02
    decay: float = 0.01
    warmup: int = 100
    mask: float = 0.2
    cloze: float = 0.6
    cloze_weight: float = 4.0
    own: float = 0.5
    cross: float = 0.25
    switched: float = 0.25
    switch_rate: float = 0.5
    source_share: float = 0.5
    coherent: str = "source"
    alignment: float = 1.0
    aligned_at: tuple[float, ...] = (0.0, 0.5)
    temperature: float = 0.1
    spread: float = 0.08
    seed: int = 0

    def __post_init__(self) -> None:
        if self.coherent not in ("source", "all"):
            raise BadInput(f"Got coherent={self.coherent!r}, but documents cohere in 'source' or 'all' languages.")
        if self.steps < 1:
            raise BadInput(f"Got steps={self.steps}, but a run takes at least 1 step.")

    @property
    def flags(self) -> tuple[str, ...]:
        """What rows must say of a model pretrained so: XLM-R itself saw none of these."""
        used = {
            "aligned": self.alignment > 0,
            "code_switching": self.switched > 0,
            "discourse": self.coherent == "all",
            "tlm": self.cross > 0,
        }
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
