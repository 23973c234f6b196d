"""The descriptive regression: planted slopes, errors by another route, and how rarely it cries wolf."""

import math

import numpy as np
import pytest

from bench.errors import BadInput
from bench.statistics.regression import regression

FAMILIES = np.array(["ie"] * 7 + ["afro", "niger", "tai", "turkic", "austro", "sino", "other"])


def data(seed, slope=0.0, size=14):
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=size), generator.normal(size=size)
    scaled = (first - first.mean()) / first.std()
    return slope * scaled + 0.1 * generator.normal(size=size), first, second


def test_a_planted_slope_is_found_and_stands_whoever_is_left_out() -> None:
    outcome, first, second = data(0, slope=1.0)
    one, other = regression(outcome, [("first", first), ("second", second)], FAMILIES)

    assert one.value == pytest.approx(1.0, abs=0.1)
    assert one.p < 0.01
    assert one.without_language[0] <= one.value <= one.without_language[1]
    assert min(one.without_language[0], one.without_family[0]) > 0.8
    assert abs(other.value) < 0.1
    assert one.detectable > 2 * one.error


def test_errors_are_those_of_white_where_each_language_is_its_own_family() -> None:
    outcome, first, _ = data(1)
    alone = np.array([f"f{place}" for place in range(14)])
    (one,) = regression(outcome, [("first", first)], alone)

    scaled = (first - first.mean()) / first.std()
    design = np.column_stack([scaled, np.ones(14)])
    left = outcome - design @ np.linalg.lstsq(design, outcome, rcond=None)[0]
    bread = np.linalg.inv(design.T @ design)
    white = bread @ (design.T * left**2) @ design @ bread
    # CR1 with clusters of one is HC1.
    assert one.error == pytest.approx(math.sqrt(white[0, 0] * 14 / 12))
    assert one.inflation == 1.0


def test_predictors_that_go_together_inflate_each_other() -> None:
    outcome, first, second = data(2)
    shared = np.corrcoef(first, first + 0.1 * second)[0, 1] ** 2
    one, _ = regression(outcome, [("first", first), ("near", first + 0.1 * second)], FAMILIES, draws=99)

    assert one.inflation == pytest.approx(1 / (1 - shared))


def test_without_a_slope_the_permutation_p_is_at_most_its_level() -> None:
    found = [regression(outcome, [("a", a), ("b", b)], FAMILIES, 199)[0].p for outcome, a, b in map(data, range(200))]

    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * 0.0154


@pytest.mark.parametrize(
    ("predictors", "size", "message"),
    [
        (3, 14, "Got 3 predictors, but so few languages bear one or two"),
        (1, 4, r"Got 4 languages of 1 families, but a regression on 1 predictor\(s\) needs 5 of 3"),
    ],
)
def test_too_many_predictors_or_too_few_languages_are_refused(predictors, size, message) -> None:
    outcome, first, _ = data(0, size=size)
    with pytest.raises(BadInput, match=message):
        regression(outcome, [("x", first)] * predictors, FAMILIES[:size])


def test_a_predictor_that_does_not_vary_is_refused() -> None:
    with pytest.raises(BadInput, match="Got predictor 'x' with one value alone"):
        regression(data(0)[0], [("x", np.ones(14))], FAMILIES)
