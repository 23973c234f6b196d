import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import invariants
from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration import recalibrate
from fixtures.invariants import run_invariants
from tests.prediction_factory import make_outcomes, make_predictions
from tests.strategies import outcomes, predictions


@given(predictions(), st.randoms(use_true_random=False))
def test_classes_may_be_renamed(made, random):
    classes = made.logits.shape[1]
    values = invariants.measure(Outcomes.from_predictions(made))
    invariants.check_class_names(made, values, np.array(random.sample(range(classes), classes)))


@given(outcomes(), st.data())
def test_replicates_weight_whole_groups(found, data):
    groups = len(np.unique(found.group_ids))
    counts = data.draw(st.lists(st.integers(0, 4), min_size=groups, max_size=groups).filter(any))
    invariants.check_clusters(found, np.array(counts, dtype=np.float64))


@settings(max_examples=50)
@given(predictions(), predictions(split="validation"))
def test_temperature_changes_confidence_alone(made, calibrate):
    if made.logits.shape[1] == calibrate.logits.shape[1]:
        fitted = recalibrate(Outcomes.from_predictions(calibrate))
        invariants.check_recalibration(Outcomes.from_predictions(made), fitted)


def test_a_parallel_language_has_the_items_of_its_source():
    found = make_outcomes(12)
    invariants.check_parallel(found.take(np.arange(11, -1, -1)), found)
    with pytest.raises(AssertionError, match="language must have 12 items, but has 9"):
        invariants.check_parallel(make_outcomes(9), found)
    moved = dataclasses.replace(found, group_ids=np.roll(found.group_ids, 1))
    with pytest.raises(AssertionError, match="the source's items in the source's groups"):
        invariants.check_parallel(moved, found)


def test_a_sound_row_passes_them_all():
    run_invariants(
        make_predictions(90, 1, posterior=True),
        {"en": make_predictions(60, 2, split="validation")},
        make_predictions(90, 3),
        ("ts_en", "dir_target", "iso_pool", "ts_few9"),
    )


def test_rows_of_one_item_and_of_one_group_pass():
    run_invariants(make_predictions(1))
    run_invariants(make_predictions(3))
