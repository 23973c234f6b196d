import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq

from bench.calibration.smooth import SMECE, smooth_ece
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

PLACES = (np.arange(200) + 0.5) / 200


def direct(confidence, correct, bandwidth, mesh=8000):
    """smECE at `bandwidth` from the definition: mirror images summed one by one, on a mesh of midpoints."""
    points = (np.arange(mesh) + 0.5) / mesh
    total = np.zeros(mesh)
    reach = int(np.ceil(4 * bandwidth)) + 1
    for place, residual in zip(confidence, confidence - correct, strict=True):
        for image in (sign * place + 2 * shift for shift in range(-reach, reach + 1) for sign in (1, -1)):
            if -9 * bandwidth < image < 1 + 9 * bandwidth:
                total += residual * np.exp(-0.5 * ((points - image) / bandwidth) ** 2)
    return np.abs(total).mean() / (bandwidth * np.sqrt(2 * np.pi)) / len(confidence)


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [
        ([0.8], [1], 0.2),
        ([0.8], [0], 0.8),
        ([0.0], [0], 0.0),
        ([1.0], [1], 0.0),
        ([1.0, 1.0, 1.0], [0, 0, 0], 1.0),
        ([0.9, 0.7, 0.6], [1, 1, 1], 0.8 / 3),
        ([0.5, 0.5], [1, 0], 0.0),
        ([0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0], 0.0),
    ],
)
def test_without_a_change_of_sign_it_is_the_gap(confidence, correct, expected):
    # A kernel moves residuals about; their sum stays.
    assert smooth_ece(confidence, correct) == pytest.approx(expected, abs=1e-8)


def test_nothing_to_smooth_is_exactly_0():
    assert smooth_ece([0.0, 1.0, 1.0], [0, 1, 1]) == 0


def test_opposite_errors_at_both_ends_by_the_series():
    # K(t, 1) - K(t, 0) = -4 sum over odd k of exp(-(pi k s)^2 / 2) cos(pi k t), negative below 1/2.
    def series(bandwidth):
        odd = np.arange(1, 400, 2)
        signs = np.where(odd % 4 == 1, 1, -1)
        return 4 / np.pi * (signs / odd * np.exp(-0.5 * (np.pi * odd * bandwidth) ** 2)).sum()

    expected = brentq(lambda bandwidth: series(bandwidth) - bandwidth, 0.01, 1)
    assert smooth_ece([0.0, 1.0], [1, 0]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (1, {}),
        (2, {"scale": 0.5}),
        (30, {"temperature": 3}),
        (300, {"temperature": 2}),
        (300, {"scale": 6}),
        (100, {"classes": 2}),
        (100, {"classes": 200}),
    ],
)
def test_it_is_the_fixed_point_of_the_definition(n, options):
    found = make_outcomes(n, 1, **options)
    value = SMECE.value(found)
    assert direct(found.confidence, found.correct, value) == pytest.approx(value, abs=1e-6)


def test_the_error_of_the_grid_is_within_its_bound():
    found = make_outcomes(3000, 5)
    value = SMECE.value(found)
    exact = direct(found.confidence, found.correct, value, mesh=4000)
    bound = 0.3 * np.abs(found.confidence - found.correct).mean() / (2**14 * value) ** 2
    assert value < 0.03
    assert bound < 2e-6
    assert abs(exact - value) < bound + 1e-7


# What relplot 1.0.3 returns for these.
@pytest.mark.parametrize(
    ("confidence", "correct", "theirs"),
    [
        (PLACES, np.arange(200) * 37 % 200 < np.arange(200), 0.023208044417463738),
        (PLACES, np.arange(200) > 100, 0.1517013906229277),
        (0.5 + PLACES / 2, np.arange(200) % 2 == 0, 0.25024766269405146),
    ],
)
def test_relplot_agrees_within_its_step(confidence, correct, theirs):
    assert smooth_ece(confidence, correct) == pytest.approx(theirs, abs=1e-3)


def test_relplot_cuts_the_kernel_at_a_distance_of_a_half():
    def cut(bandwidth):
        """The reflected kernel without its tails, divided by its density as relplot does."""
        distance = np.abs(PLACES[:, None] - np.concatenate([-PLACES, PLACES, 2 - PLACES]))
        kernel = np.where(distance <= 0.5, np.exp(-0.5 * (distance / bandwidth) ** 2), 0)
        return np.abs(kernel @ np.tile(PLACES - correct, 3)).sum() / kernel.sum()

    correct = np.arange(200) % 3 == 0
    # relplot 1.0.3 returns .2352, and the definition .2293.
    assert brentq(lambda bandwidth: cut(bandwidth) - bandwidth, 0.1, 0.4) == pytest.approx(0.2352, abs=1e-3)
    assert brentq(lambda bandwidth: direct(PLACES, correct, bandwidth) - bandwidth, 0.1, 0.4) == pytest.approx(
        smooth_ece(PLACES, correct), abs=1e-6
    )
    assert smooth_ece(PLACES, correct) == pytest.approx(0.2293, abs=1e-4)


def test_half_precision_is_close():
    found = make_outcomes(300, scale=3)
    halves = found.confidence.astype(np.float16)
    assert smooth_ece(halves, found.correct.astype(np.float32)) == pytest.approx(SMECE.value(found), abs=1e-3)


@given(outcomes())
def test_it_lies_between_the_gap_and_the_mean_residual(found):
    residuals = found.confidence - found.correct
    assert abs(residuals.mean()) - 1e-8 <= SMECE.value(found) <= np.abs(residuals).mean() + 1e-8
