"""The pretrained encoders, one row each: shape, size, origin, and what they were trained on before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from bench.errors import BadInput

ARTIFICIAL = "artificial"
REAL = "real"

# Above this many non-embedding parameters one fine-tuning takes days on a CPU.
_GPU_FROM_BODY_PARAMETERS = 150_000_000

_CONTRASTIVE = "contrastive training on NLI, QA and translation pairs"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One encoder at one size.

    `hub_id` is empty for models that ship with the project or are given by the user; `revision` is a full commit
    hash, or empty where none is known for sure (the resolved commit is then recorded at run time).
    `layers` 0 means all the model has, `hidden` 0 that the width is not known before its files are read.
    `body` overrides the non-embedding parameter count where the BERT formula does not fit the architecture.
    `truncated_from` names the model whose first `layers` layers these are. `recalled` says that the shape was not
    read off a published configuration. `prior` is supervision the encoder had seen before we got it.
    """

    token: str
    hub_id: str
    layers: int
    hidden: int
    feed_forward: int
    vocabulary: int
    positions: int
    family: str
    generation: str
    world: str = REAL
    revision: str = ""
    body: int | None = None
    embedding: int | None = None
    prior: str = ""
    quantised: str = ""
    truncated_from: str = ""
    recalled: bool = False
    protocol: str = "phang2020"
    in_smoke: bool = True
    local_directory: str = ""

    @property
    def body_parameters(self) -> int:
        """Parameters outside the embedding tables."""
        return self.body if self.body is not None else self.layers * _layer_parameters(self.hidden, self.feed_forward)

    @property
    def embedding_parameters(self) -> int:
        """Parameters of word, position and type embeddings and their normalisation."""
        if self.embedding is not None:
            return self.embedding
        return (self.vocabulary + self.positions + 3) * self.hidden

    @property
    def parameters(self) -> int:
        """All parameters of the encoder, without pooler or heads."""
        return self.body_parameters + self.embedding_parameters

    @property
    def needs_gpu(self) -> bool:
        """Whether fine-tuning on a CPU is out of reach."""
        return self.body_parameters > _GPU_FROM_BODY_PARAMETERS


def _layer_parameters(hidden: int, feed_forward: int) -> int:
    attention = 4 * (hidden * hidden + hidden)
    dense = 2 * hidden * feed_forward + feed_forward + hidden
    return attention + dense + 4 * hidden


def _xlmr(token: str, hub_id: str, layers: int, hidden: int, feed_forward: int, generation: str) -> ModelSpec:
    return ModelSpec(token, hub_id, layers, hidden, feed_forward, 250_002, 514, "xlm-r", generation)


def _me5(token: str, layers: int, truncated_from: str) -> ModelSpec:
    return ModelSpec(
        token, "intfloat/multilingual-e5-small", layers, 384, 1536, 250_037, 512, "me5_small", "e5-2023",
        prior=_CONTRASTIVE, truncated_from=truncated_from, protocol="frugal",
    )  # fmt: skip


def _pocket(token: str, layers: int, hidden: int, in_smoke: bool) -> ModelSpec:
    return ModelSpec(
        token, "", layers, hidden, 4 * hidden, 1400, 130, "pocket", "pocket-1",
        world=ARTIFICIAL, protocol="pocket", in_smoke=in_smoke,
    )  # fmt: skip


MODELS: tuple[ModelSpec, ...] = (
    _pocket("pocket_xs", 4, 16, in_smoke=False),
    _pocket("pocket_s", 4, 48, in_smoke=True),
    _pocket("pocket_m", 4, 64, in_smoke=True),
    _pocket("pocket_l", 4, 96, in_smoke=False),
    _me5("me5_small_l3", 3, "me5_small"),
    _me5("me5_small_l6", 6, "me5_small"),
    _me5("me5_small_l9", 9, "me5_small"),
    _me5("me5_small", 12, ""),
    ModelSpec("mminilm", "microsoft/Multilingual-MiniLM-L12-H384", 12, 384, 1536, 250_037, 514, "minilm", "minilm-2020",
              prior="distilled from XLM-R Base"),
    ModelSpec("mbert", "google-bert/bert-base-multilingual-cased", 12, 768, 3072, 119_547, 512, "mbert", "bert-2018"),
    _xlmr("xlmr_base", "FacebookAI/xlm-roberta-base", 12, 768, 3072, "xlmr-2019"),
    ModelSpec("infoxlm_base", "microsoft/infoxlm-base", 12, 768, 3072, 250_002, 514, "infoxlm", "infoxlm-2020",
              prior="translation pairs in pretraining", recalled=True),
    ModelSpec("mdeberta_base", "microsoft/mdeberta-v3-base", 12, 768, 3072, 251_000, 0, "mdeberta", "deberta-v3",
              body=86_000_000, recalled=True),
    ModelSpec("xlmv_base", "facebook/xlm-v-base", 12, 768, 3072, 901_629, 514, "xlm-v", "xlmv-2023", recalled=True),
    ModelSpec("mmbert_small", "jhu-clsp/mmBERT-small", 22, 384, 1152, 256_000, 0, "mmbert", "mmbert-2025",
              body=42_000_000, recalled=True),
    ModelSpec("mmbert_base", "jhu-clsp/mmBERT-base", 22, 768, 1152, 256_000, 0, "mmbert", "mmbert-2025",
              body=110_000_000, recalled=True),
    ModelSpec("eurobert_210m", "EuroBERT/EuroBERT-210m", 12, 768, 3072, 128_256, 0, "eurobert", "eurobert-2025",
              body=113_000_000, recalled=True),
    ModelSpec("eurobert_610m", "EuroBERT/EuroBERT-610m", 26, 1152, 4096, 128_256, 0, "eurobert", "eurobert-2025",
              body=460_000_000, recalled=True),
    _xlmr("xlmr_large", "FacebookAI/xlm-roberta-large", 24, 1024, 4096, "xlmr-2019"),
    ModelSpec("infoxlm_large", "microsoft/infoxlm-large", 24, 1024, 4096, 250_002, 514, "infoxlm", "infoxlm-2020",
              prior="translation pairs in pretraining", recalled=True),
    ModelSpec("rembert", "google/rembert", 32, 1152, 4608, 250_300, 512, "rembert", "rembert-2021",
              embedding=250_300 * 256, recalled=True),
    _xlmr("xlmr_xl", "facebook/xlm-roberta-xl", 36, 2560, 10_240, "xlmr-2021"),
    _xlmr("xlmr_xxl", "facebook/xlm-roberta-xxl", 48, 4096, 16_384, "xlmr-2021"),
)  # fmt: skip

_BY_TOKEN = {spec.token: spec for spec in MODELS}


@cache
def shipped_pocket_directory(world: int) -> Path:
    """Return the directory in the package for the pocket models of `world`; for most worlds it is not there."""
    return Path(str(files("bench"))) / "assets" / "pocket" / f"w{world}"


def model(token: str, extra: tuple[ModelSpec, ...] = ()) -> ModelSpec:
    """Return the row of `token`, looking first in `extra` (the user's own); raises BadInput when there is none."""
    for spec in extra:
        if spec.token == token:
            return spec
    if token not in _BY_TOKEN:
        known = ", ".join([*_BY_TOKEN, *(spec.token for spec in extra)])
        raise BadInput(f"Got model={token!r}, which is not in the catalog; use one of {known}, or --model {token}=DIR.")
    return _BY_TOKEN[token]
