"""Nine claims about Phang et al. (2020), each with the figure and the confidence that it was stated with here.

They come from the seed of this project and not from the paper: they are what is checked, never what is expected.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim: `figure` is its effect in points, None where it names none; `confidence` is that of who stated it."""

    token: str
    text: str
    confidence: float
    figure: float | None = None


CLAIMS: tuple[Claim, ...] = (
    Claim("squad", "SQuAD (read as `squad_v1`) gains on average over the nine targets", 0.27, 8.2),
    Claim("multi", "the multi-task intermediate gains on average over the nine targets", 0.26, 8.7),
    Claim("retrieval", "BUCC and Tatoeba gain most", 0.30),
    Claim("tydiqa_xnli", "TyDiQA gains with many intermediate tasks, XNLI with none", 0.17),
    Claim("xtreme", "the best intermediate for each target gains on the XTREME average", 0.33, 5.4),
    Claim("alternatives", "English beats continued masked language modelling and translated data", 0.32),
    Claim("start", "training starts from XLM-R Large", 0.29),
    Claim("phases", "training has three phases: pretraining, intermediate task, target task", 0.42),
    Claim("nine", "there are nine intermediate tasks", 0.28),
)
