"""What a report must know of a language."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import BadInput

GROUPS = ("source", "rich", "between", "poor", "other", "control")
# Members of the mean over target languages.
TARGET_GROUPS = ("rich", "between", "poor", "other")


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """A language as it stands in a report.

    `token` is the one of condition ids ("tr", "w0_agg"), `group` its place in the analysis: the source of transfer,
    morphologically rich, between or poor, other (real and outside the analysis of XNLI's languages, so in no group's
    mean but in the mean over all), or a control that is in no average. `world` is "real" or an artificial world.
    `scarce` says that it had little pretraining data. Raises BadInput for any other group.
    """

    token: str
    name: str
    group: str
    world: str = "real"
    scarce: bool = False

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise BadInput(f"Got group={self.group!r} for language {self.token!r}; use one of {', '.join(GROUPS)}.")
