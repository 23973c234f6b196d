"""Rows of a ladder whose transfer of the gap is known at every size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.catalog.models import model
from bench.rows import Row
from tests.row_factory import GROUPS, estimate, make_row

XLMR = ("xlmr_base", "xlmr_large", "xlmr_xl", "xlmr_xxl")
SOURCE = (0.9, 0.92)


def ladder_rows(
    change: float,
    noise: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    models: Sequence[str] = XLMR,
    intermediates: Sequence[str] = ("snli", "more"),
    seeds: Sequence[int] = (0, 1, 2),
    half: float = 0.002,
    start: float = 0.1,
) -> list[Row]:
    """Rows in which transfer to rich languages, after a genuine intermediate, moves by `change` from base to XXL.

    Along a straight line over log size, but for the `noise` of each model. The control and poor languages stay at
    `start`. half: of the items' intervals; seeds differ by .1 point.
    """
    return [
        _row(
            token,
            intermediate,
            language,
            seed,
            start + _moved(token, change, noise[place], intermediate, language),
            half,
        )
        for place, token in enumerate(models)
        for intermediate in intermediates
        for language in GROUPS
        for seed in seeds
    ]


def _moved(token: str, change: float, noise: float, intermediate: str, language: str) -> float:
    low, high = (math.log10(model(name).body_parameters) for name in (XLMR[0], XLMR[-1]))
    share = (math.log10(model(token).body_parameters) - low) / (high - low)
    return change * share + noise if GROUPS[language] == "rich" and intermediate != "more" else 0.0


def _row(token: str, intermediate: str, language: str, seed: int, transfer: float, half: float) -> Row:
    if language == "en":
        return make_row(
            model=token, intermediate=intermediate, language="en", seed=seed, source=None, accuracy=SOURCE[0],
            confidence=SOURCE[1],
        )  # fmt: skip
    gap = round(SOURCE[1] - SOURCE[0] + transfer + 0.001 * (seed - 1), 9)
    moved = {"gap": estimate(round(gap - (SOURCE[1] - SOURCE[0]), 9), half)}
    return make_row(
        model=token, intermediate=intermediate, language=language, seed=seed, accuracy=0.6,
        confidence=round(0.6 + gap, 9), transfer=moved,
    )  # fmt: skip
