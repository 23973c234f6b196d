"""Descriptive regressions of transfer on the morphology of XNLI's target languages and on their pretraining data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.calibration.arrays import FloatArray
from bench.catalog.languages import RealLanguage, real_languages
from bench.report.settings import World
from bench.statistics.panel import mean_terms
from bench.statistics.regression import Slope, regression

PREDICTORS = ("C_WALS", "log CC-100 GiB")
# So many target languages are XNLI's.
_LANGUAGES = 14
# Their index rests on fewer features than that of the others.
FEW_FEATURES = {"ur": 9, "bg": 16}


@dataclass(frozen=True, slots=True)
class Described:
    """The regression of one model's transfer of the gap, without an intermediate task or after the genuine ones."""

    model: str
    intermediate: str
    slopes: tuple[Slope, ...]


def morphology(world: World, models: tuple[str, ...]) -> list[Described]:
    """Return the regressions of the models that have all 14 target languages; English is no point of them."""
    return [
        Described(model, name, tuple(regression(outcome, _predictors(), _families())))
        for model in models
        for name, tasks in world.arms.items()
        if (outcome := _transfers(world, model, tasks)) is not None
    ]


def _members() -> list[RealLanguage]:
    table = real_languages()
    analysed = [row for row in table.values() if row.group in ("rich", "between", "poor")]
    return sorted(analysed, key=lambda row: row.token)


def _transfers(world: World, model: str, tasks: tuple[str, ...]) -> FloatArray | None:
    terms = [mean_terms(tasks, (row.token,)) for row in _members()]
    # Languages are compared, so at the seeds that all have.
    panel = world.panel.at(world.panel.seeds(model, [term for each in terms for term in each]))
    found = [panel.contrast(model, each, "gap") for each in terms]
    values = [each.mean.value for each in found if each is not None]
    return np.array(values) if len(values) == _LANGUAGES else None


def _predictors() -> list[tuple[str, FloatArray]]:
    members = _members()
    return [
        (PREDICTORS[0], np.array([row.c_wals for row in members], dtype=np.float64)),
        (PREDICTORS[1], np.array([math.log(row.cc100_gib or math.nan) for row in members])),
    ]


def _families() -> npt.NDArray[np.str_]:
    return np.array([row.family for row in _members()], dtype=np.str_)
