"""Training-time variants: what each changes in which phase, where it applies, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.catalog import tasks
from bench.data.example import SENTENCE_PAIR, TAGGING
from bench.errors import BadInput
from bench.training.protocol import Phase

# The word for the training without a variant where one is asked for by name; in an id its token is empty.
PLAIN = "plain"
MASKED, TRANSLATED, TUNED = "mlm", "mt", "tuned"

# Languages of the texts and of the translations. Those of the paper are not stated in any source at hand; German,
# Russian and Swahili are one each of much, much and little data. The artificial ones are the like of them.
REAL_LANGUAGES = ("de", "ru", "sw")
ARTIFICIAL_LANGUAGES = ("agf", "fus", "agg_lo")
# The share of words that a machine gets wrong in an artificial world, where translation would else be exact.
TRANSLATION_NOISE = 0.1


@dataclass(frozen=True, slots=True)
class Variant:
    """A departure from the protocol: `changes` are the settings it replaces in the target phase, `intermediate` those
    in the intermediate phase, whose learning rate it multiplies by `rate`.

    It applies to `targets` (of `kinds`, where a loss is meant) and, where it changes the intermediate phase alone, to
    conditions that have one of their own; `artificial`: in artificial worlds alone. `noise`: the intermediate data are
    translated, there with this share of the words wrong (None: they are not translated). `arbitrary_scale`: the loss
    does not see the length of the logits, so their confidence means nothing before a temperature sets it.
    """

    token: str
    title: str
    source: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    intermediate: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    needs_intermediate: bool = False
    noise: float | None = None
    artificial: bool = False
    arbitrary_scale: bool = False

    def apply(self, phase: Phase) -> Phase:
        """Return `phase` as this variant trains it."""
        if phase.role == "target":
            return replace(phase, **self.changes)
        return replace(phase, **self.intermediate, learning_rate=phase.learning_rate * self.rate)

    def applies(self, intermediate: str, target: str, artificial: bool) -> bool:
        """Return whether it changes anything of that training, on `artificial` data or real ones, as it is meant to."""
        if not self.token:
            return True
        if self.artificial and not artificial:
            return False
        task, first = tasks.target(target), tasks.intermediate(intermediate)
        if self.needs_intermediate:
            return first.token != "none" and not first.control
        return task.trains and (not self.kinds or task.kind in self.kinds) and target in (self.targets or (target,))


_PLAIN = Variant("", "plain training", "the protocol as it stands")

VARIANTS: tuple[Variant, ...] = (
    Variant(
        "ls10",
        "label smoothing 0.1",
        "Szegedy et al. 2016: 0.1 / K on every class, as torch and Ahuja et al. 2022 have it "
        "(microsoft/MMLMCalibration @ 14a8d29e); 0.1 / (K - 1) on the wrong ones, as in Desai and Durrett 2020, "
        "would be 0.15 here for K = 3",
        {"label_smoothing": 0.1},
        kinds=(SENTENCE_PAIR, TAGGING),
    ),
    # How far apart two scores can be is sqrt(K / (K - 1)) / tau: 31 nats for K = 3 and 26 for CIFAR-10's 10 classes,
    # so tau bounds the loss in neither, and there is no reason in K to leave the published value.
    Variant(
        "logitnorm",
        "logit normalisation, tau 0.04",
        "Wei et al. 2022, with the tau of CIFAR-10 (hongxin001/logitnorm_ood, issue 2; Jingkang50/OpenOOD, "
        "train_logitnorm.yml), as none is known to us for NLI: that of Lu et al. 2024 was not to be had",
        {"logit_norm_temperature": 0.04},
        kinds=(SENTENCE_PAIR, TAGGING),
        arbitrary_scale=True,
    ),
    Variant(
        "aggregate",
        "attention over all layers in place of the last one",
        "Chen et al. 2022 (arXiv 2205.08497), on their four tasks; what of it is ours: bench/modeling/aggregation.py",
        {"aggregate": True},
        targets=("xnli", "pawsx", "panx", "udpos"),
    ),
    Variant(
        MASKED,
        "masked language modelling in several languages beside the intermediate task",
        "Phang et al. 2020: half their learning rate, 5e-6; how texts and task are mixed is not stated there: here "
        "every step reads 8 texts beside its batch, and the two mean losses are added",
        intermediate={"masked_batch": 8},
        rate=0.5,
        needs_intermediate=True,
    ),
    Variant(
        TRANSLATED,
        "intermediate training data translated into other languages",
        "Phang et al. 2020; here each group of examples is read in one language, the source being one of four, so that "
        "there are as many steps as without",
        needs_intermediate=True,
        noise=TRANSLATION_NOISE,
    ),
    *(
        Variant(
            f"{TRANSLATED}{100 * noise:.0f}",
            f"intermediate training data translated with {100 * noise:.0f} % of the words wrong",
            f"ours: {TRANSLATED} by a better and a worse machine",
            needs_intermediate=True,
            noise=noise,
            artificial=True,
        )
        for noise in (0.0, 0.2)
    ),
    Variant(
        TUNED,
        "half, the same and twice the learning rate, the best kept",
        "ours: chosen on the source's development data by accuracy, then NLL, as the best step is; the rate of the "
        "intermediate phase stays",
        {"tried_rates": (0.5, 1.0, 2.0)},
    ),
)

_BY_TOKEN = {one.token: one for one in (_PLAIN, *VARIANTS)}


def variant(token: str) -> Variant:
    """Return the variant of an id's token, for "" the plain training; raises BadInput when there is none."""
    if token not in _BY_TOKEN:
        known = ", ".join(one.token for one in VARIANTS)
        raise BadInput(f"Got variant={token!r}, which is not in the catalog; use one of {known}, or {PLAIN} for none.")
    return _BY_TOKEN[token]


def selected(word: str) -> str:
    """Return the id's token for a word of `--variants`, "" for "plain"; raises BadInput when there is none."""
    return _PLAIN.token if word == PLAIN else variant(word).token


def of_intermediate(token: str) -> str:
    """Return the part of a variant's token that tells intermediate encoders apart: "" where it leaves them alone."""
    return token if variant(token).needs_intermediate else ""
