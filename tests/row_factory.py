"""Synthetic rows for tests of everything that reads rows."""

from __future__ import annotations

from typing import Any

from bench.catalog.language_info import LanguageInfo
from bench.rows import Row

STUDY = "ab" * 32
GROUPS = {"en": "source", "sw": "rich", "tr": "rich", "de": "between", "th": "poor", "zh": "poor"}
NAMES = {"en": "English", "sw": "Swahili", "tr": "Turkish", "de": "German", "th": "Thai", "zh": "Chinese"}
LANGUAGES = {token: LanguageInfo(token, NAMES[token], group) for token, group in GROUPS.items()}


def estimate(value: float | None, half: float = 0.01, **extra: Any) -> dict[str, Any]:
    bounds = (None, None) if value is None else (round(value - half, 6), round(value + half, 6))
    return {"value": value, "low": bounds[0], "high": bounds[1], "version": 1, "floor": None, "p": None, **extra}


def make_data(
    model: str = "xlmr_base",
    intermediate: str = "none",
    language: str = "sw",
    seed: int = 0,
    accuracy: float = 0.6,
    confidence: float = 0.8,
    nll: float = 1.0,
    recalibration: str = "none",
    source: tuple[float, float] | None = (0.9, 0.92),
    **changes: Any,
) -> dict[str, Any]:
    """A row's object; `source` is the accuracy and confidence of the source language, None for the source itself."""
    gap = round(confidence - accuracy, 6)
    transfer = None if source is None else {"gap": estimate(round(gap - (source[1] - source[0]), 6))}
    return {
        "schema": 1,
        "id": f"{model}-{intermediate}-xnli-{language}-s{seed}",
        "recalibration": recalibration,
        "study": STUDY,
        "condition": {"model": model, "intermediate": intermediate, "target": "xnli"}
        | {"language": language, "seed": seed, "variant": ""},
        "protocol": "phang2020",
        "world": "real",
        "split": "test",
        "n": 5010,
        "groups": 1670,
        "metrics": {
            "accuracy": estimate(accuracy),
            "confidence": estimate(confidence),
            "gap": estimate(gap),
            "ece15": estimate(abs(gap) + 0.002, floor=0.0103, p=0.001),
            "l2sq15": estimate(round(gap * gap, 6), p=0.001),
            "nll": estimate(nll),
            "brier": estimate(0.5),
        },
        "transfer": transfer,
        "calibrator": None,
        "flags": [],
        "digests": {"recipe": "r", "data": "d", "predictions": "p", "weights": "w"},
        "throughput": {},
        "throughput_note": "",
        "timings": {},
    } | changes


def make_row(**changes: Any) -> Row:
    return Row(make_data(**changes))


def make_rows(languages: tuple[str, ...] = tuple(GROUPS), **changes: Any) -> list[Row]:
    """Rows of one line and seed in several languages, raw and after temperature scaling; accuracy falls by language."""
    rows = []
    for place, language in enumerate(languages):
        own = {"accuracy": round(0.9 - 0.05 * place, 6), "confidence": round(0.92 - 0.01 * place, 6)} | changes
        own |= {"source": None} if language == "en" else {}
        rows.append(make_row(language=language, **own))
        own["confidence"] -= 0.02
        rows.append(make_row(language=language, recalibration="ts_en", **own))
    return rows
