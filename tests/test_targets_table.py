"""The table of targets in docs/worlds.md: what it says of learning, and that its numbers can be made again."""

import pytest

from tests.targets_table import BEGIN, END, MODEL, PAGE, SOURCE, trained_and_read


def rows():
    """Return {target: cells} of the table."""
    part = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")][2:]
    return {target: cells for target, *cells in lines}


def test_every_trained_target_is_learnt_above_its_baseline_in_the_source():
    found = rows()

    assert set(found) == {"xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa"}
    for _, baseline, reached, *_ in found.values():
        assert float(reached.partition("(")[2].rstrip(")")) > float(baseline)


def test_a_row_can_be_made_again():
    _, baseline, reached, *_ = rows()["udpos"]
    score, its_baseline = trained_and_read(MODEL, "udpos", SOURCE, (SOURCE,))[SOURCE]

    assert 100 * its_baseline.value == pytest.approx(float(baseline), abs=0.06)
    # Processors round differently, and hundreds of steps carry that on.
    assert 100 * score.value == pytest.approx(float(reached.partition(" ")[0]), abs=4)
