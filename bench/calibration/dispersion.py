"""How far confidence in the same item differs between languages, and how much of it is languages as a whole.

C3 (Lu et al. 2024) observes that confidence distributions vary between languages, so that one threshold means another
thing in each. That a language is answered with less confidence is right where it is answered less well: dispersion is
described, not judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.calibration.arrays import FloatArray, as_floats, at
from bench.calibration.matching import matched
from bench.calibration.metric import UNSTREAMED, MetricInfo
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Variances over languages, divided by languages - 1 so that sets of 3 and of 15 languages can be compared.

    between: of the languages' means; rest: what is left, items that one language is surer of than its mean says;
    mean_deviation: the mean over items of the standard deviation over languages, never above `value`.
    """

    between: float
    rest: float
    mean_deviation: float

    @property
    def variance(self) -> float:
        """The mean over items of the variance over languages: `between` + `rest`, exactly."""
        return self.between + self.rest

    @property
    def value(self) -> float:
        """The dispersion: the root of `variance`, in units of probability.

        Not `mean_deviation`, which no parts add up to.
        """
        return math.sqrt(self.variance)


def dispersion(values: Any, weights: Any = None) -> Dispersion:
    """Return the dispersion of `values` (languages, n) between languages; `weights` (n,) are frequencies of items.

    A two-way analysis of variance with one value a cell. Raises BadInput for fewer than 2 languages.
    """
    table = as_floats(values)
    languages = len(table)
    if languages < 2:
        raise BadInput(f"Got {languages} language(s), but a dispersion between languages needs at least 2.")
    weight = None if weights is None else as_floats(weights)
    centred = table - table.mean(axis=0)
    shifts = np.average(centred, axis=1, weights=weight)
    squares = (centred - shifts[:, None]) ** 2
    deviations = np.sqrt((centred**2).sum(axis=0) / (languages - 1))
    return Dispersion(
        between=float(shifts @ shifts) / (languages - 1),
        rest=float(np.average(squares.sum(axis=0), weights=weight)) / (languages - 1),
        mean_deviation=float(np.average(deviations, weights=weight)),
    )


def confidence_dispersion(languages: Mapping[str, Outcomes], weights: FloatArray | None = None) -> Dispersion:
    """Return the dispersion of the confidence in the predicted answer, which may be another in each language.

    Items are matched by id; `weights` (n,) are frequencies in the order of the first language. Raises BadInput for
    fewer than 2 languages, and unless all hold the same items with the same labels.
    """
    return dispersion([outcomes.confidence for outcomes in _parallel(languages)], weights)


def gold_dispersion(languages: Mapping[str, Outcomes], weights: FloatArray | None = None) -> Dispersion:
    """Return the dispersion of the probability given to the label, the same class in each; see `confidence_dispersion`.

    Confidence agrees where two languages are equally sure of two answers; this does not.
    """
    return dispersion([at(outcomes.probabilities, outcomes.labels) for outcomes in _parallel(languages)], weights)


def _parallel(languages: Mapping[str, Outcomes]) -> list[Outcomes]:
    each = list(languages.values())
    return [matched(each[0], outcomes) for outcomes in each]


DISPERSION = MetricInfo(
    name="dispersion",
    title="Dispersion of confidence between languages",
    symbol="disp",
    better="",
    low=0.0,
    # Two languages, one at 0 and one at 1.
    high=math.sqrt(0.5),
    holds=UNSTREAMED,
)
