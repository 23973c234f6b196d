"""Training-time variants: what each changes in the target phase, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.errors import BadInput
from bench.training.protocol import Phase

# The word for the training without a variant where one is asked for by name; in an id its token is empty.
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Variant:
    """A departure of the target phase from its protocol: `changes` are the settings of the Phase it replaces;
    `arbitrary_scale`: the loss does not see the length of the logits, so their confidence means nothing before a
    temperature sets it.

    An intermediate phase is never changed: its encoder is shared by all variants, so that they differ in the loss of
    the target phase alone, and its head, on which these losses act first, is thrown away.
    """

    token: str
    title: str
    source: str
    changes: Mapping[str, Any]
    arbitrary_scale: bool = False

    def apply(self, phase: Phase) -> Phase:
        """Return the target phase `phase` as this variant trains it."""
        return replace(phase, **self.changes)


_PLAIN = Variant("", "plain training", "the protocol as it stands", {})

VARIANTS: tuple[Variant, ...] = (
    Variant(
        "ls10",
        "label smoothing 0.1",
        "Szegedy et al. 2016: 0.1 / K on every class, as torch and Ahuja et al. 2022 have it "
        "(microsoft/MMLMCalibration @ 14a8d29e); 0.1 / (K - 1) on the wrong ones, as in Desai and Durrett 2020, "
        "would be 0.15 here for K = 3",
        {"label_smoothing": 0.1},
    ),
    # How far apart two scores can be is sqrt(K / (K - 1)) / tau: 31 nats for K = 3 and 26 for CIFAR-10's 10 classes,
    # so tau bounds the loss in neither, and there is no reason in K to leave the published value.
    Variant(
        "logitnorm",
        "logit normalisation, tau 0.04",
        "Wei et al. 2022, with the tau of CIFAR-10 (hongxin001/logitnorm_ood, issue 2; Jingkang50/OpenOOD, "
        "train_logitnorm.yml), as none is known to us for NLI: that of Lu et al. 2024 was not to be had",
        {"logit_norm_temperature": 0.04},
        arbitrary_scale=True,
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
