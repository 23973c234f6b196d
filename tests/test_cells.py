"""Numbers as cells: what rounds to 0 keeps its side of it, and what is 0 has none."""

import pytest

from bench.report.cells import interval_cell, nats, parameters, signed_nats, signed_points, signed_square_points
from bench.rows import Estimate


def test_an_end_that_rounds_to_0_says_on_which_side_it_lies():
    assert interval_cell(Estimate(-0.00076, -0.00128, -0.00024), signed_nats) == "-0.001 (-0.001 to -0.000)"
    assert interval_cell(Estimate(0.001, 0.00032, 0.00216), signed_points) == "+0.1 (+0.0 to +0.2)"
    assert signed_square_points(-0.0000004) == "-0.0"


def test_what_sums_of_floats_leave_of_0_has_no_sign():
    assert signed_points(0.1 + 0.2 - 0.3) == signed_points(0.3 - 0.2 - 0.1) == signed_points(-0.0) == "+0.0"
    assert nats(-1e-17) == "0.000"


@pytest.mark.parametrize(
    ("count", "text"),
    [(13_120, "13.1 k"), (112_896, "113 k"), (85_054_464, "85.1 M"), (9_670_000_000, "9.67 G")],
)
def test_parameters_have_three_digits(count, text):
    assert parameters(count) == text
