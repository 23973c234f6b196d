"""torchmetrics 1.9: calibration errors in norm 1, 2 and maximum, of arrays and of batches."""

import numpy as np
import pytest
import torch

from bench.calibration.binned import expected_calibration_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.streaming import Accumulator, calibration_error
from tests.oracles.cases import BINARY, MULTICLASS
from tests.prediction_factory import make_outcomes

torchmetrics = pytest.importorskip("torchmetrics")
functional = pytest.importorskip("torchmetrics.functional.classification")
pytestmark = pytest.mark.oracle
NORMS = {"l1": "ece15", "l2": "rmsce15", "max": "mce15"}


def multiclass(probabilities, labels, **options):
    probabilities = torch.as_tensor(probabilities)
    return float(
        functional.multiclass_calibration_error(
            probabilities, torch.as_tensor(labels), probabilities.shape[1], **{"n_bins": 15} | options
        )
    )


def binary(scores, hits, **options):
    scores = torch.as_tensor(scores).contiguous()
    return float(functional.binary_calibration_error(scores, torch.as_tensor(hits), **options))


@pytest.mark.parametrize(("norm", "name"), NORMS.items())
@pytest.mark.parametrize("found", MULTICLASS)
def test_every_norm_agrees_for_more_than_two_classes(found, norm, name):
    # Theirs computes in float32.
    theirs = multiclass(found.probabilities, found.labels, norm=norm)
    assert METRICS[name].value(found) == pytest.approx(theirs, abs=2e-6)


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("found", MULTICLASS)
def test_any_number_of_bins_agrees(found, bins):
    theirs = multiclass(found.probabilities, found.labels, n_bins=bins)
    assert expected_calibration_error(found.confidence, found.correct, bins) == pytest.approx(theirs, abs=2e-6)


@pytest.mark.parametrize(("norm", "name"), NORMS.items())
@pytest.mark.parametrize("found", BINARY)
def test_every_norm_of_confidence_and_correctness_agrees_for_two_classes(found, norm, name):
    theirs = binary(found.confidence, found.correct.astype(int), norm=norm)
    assert METRICS[name].value(found) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("found", MULTICLASS)
def test_batches_agree_with_theirs_and_with_the_whole(found):
    theirs, ours = torchmetrics.CalibrationError("multiclass", num_classes=found.classes), Accumulator(found.classes)
    for rows in np.array_split(np.arange(len(found)), 4):
        theirs.update(torch.tensor(found.probabilities[rows]), torch.tensor(found.labels[rows]))
        ours.update(found.probabilities[rows], found.labels[rows])
    assert ours.finalize()["ece15"] == pytest.approx(float(theirs.compute()), abs=2e-6)
    assert ours.finalize()["ece15"] == pytest.approx(METRICS["ece15"].value(found), rel=1e-12)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_agrees_for_more_than_two_classes(kind):
    found = make_outcomes(3000, temperature=2)
    rounded, labels = torch.tensor(found.probabilities).to(kind), torch.tensor(found.labels)
    first, second = rounded.float().topk(2).values.T
    # Rounding makes ties, of which theirs takes the first class and ours each in equal parts.
    rounded, labels = rounded[first > second], labels[first > second]
    theirs = multiclass(rounded, labels)
    assert METRICS["ece15"].value(Outcomes.from_probabilities(rounded, labels)) == pytest.approx(theirs, abs=2e-6)
    assert calibration_error(rounded, labels) == pytest.approx(theirs, abs=2e-6)


def test_a_tie_is_given_to_the_first_class_and_ours_to_each_in_equal_parts():
    rows = np.array([[0.5, 0.5, 0.0]] * 4)
    # The order in which classes are listed must not matter: half of every tie is right.
    assert multiclass(rows, np.array([0, 0, 0, 1])) == pytest.approx(0.25)
    assert multiclass(rows, np.array([1, 1, 1, 0])) == pytest.approx(0.25)
    assert multiclass(rows, np.array([0, 0, 0, 0])) == pytest.approx(0.5)
    for labels in ([0, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]):
        assert METRICS["ece15"].value(Outcomes.from_probabilities(rows, labels)) == pytest.approx(0)


@pytest.mark.parametrize("found", BINARY)
def test_the_error_of_two_classes_is_that_of_the_second_and_ours_is_that_of_the_answer(found):
    theirs = binary(found.probabilities[:, 1], found.labels)
    assert expected_calibration_error(found.probabilities[:, 1], found.labels) == pytest.approx(theirs, rel=1e-9)
    assert abs(METRICS["ece15"].value(found) - theirs) > 1e-3


def test_certainty_has_a_bin_beyond_the_last_and_ours_is_in_the_last():
    # torchmetrics #3510. (.05 + 1) / 2 with the extra bin; |.975 - .5| as netcal, MAPIE and Guo et al. 2017 have it.
    confidence, correct = np.array([0.95, 1.0]), np.array([1, 0])
    assert binary(confidence, correct, n_bins=10) == pytest.approx(0.525)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.475)


def test_bins_are_closed_on_the_left_and_ours_on_the_right():
    confidence, correct = np.repeat([0.1, 0.05], 5), np.repeat([1, 0], 5)
    assert binary(confidence, correct, n_bins=10) == pytest.approx((0.9 + 0.05) / 2)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.425)


def test_no_confidence_is_counted_by_both():
    confidence, correct = np.array([0.0, 0.5]), np.array([1, 1])
    assert binary(confidence, correct, n_bins=10) == pytest.approx(0.75)
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.75)


def test_half_precision_loses_the_error_of_two_classes_and_ours_is_counted_in_double():
    found = make_outcomes(100_000, temperature=1.7)
    halves, correct = torch.tensor(found.confidence).half(), found.correct.astype(int)
    # 100,000 items are more than float16 can count: infinitely many, of which every bin has no share.
    assert binary(halves, correct) == 0.0
    assert expected_calibration_error(halves, correct) == pytest.approx(METRICS["ece15"].value(found), abs=1e-4)
    assert METRICS["ece15"].value(found) > 0.1


def test_half_precision_makes_the_error_of_one_bin_not_a_number_and_ours_is_exact():
    halves, correct = torch.full((100_000,), 0.75, dtype=torch.float16), np.arange(100_000) % 2
    assert np.isnan(binary(halves, correct))
    assert expected_calibration_error(halves, correct) == 0.25


def test_one_score_above_one_makes_all_of_them_logits_and_ours_refuses_it():
    generator = np.random.default_rng(0)
    scores = generator.random(500)
    hits = (generator.random(500) < scores).astype(int)
    before = binary(scores, hits)
    after = binary(np.append(scores, 1.5), np.append(hits, 1))
    assert before == pytest.approx(expected_calibration_error(scores, hits), rel=1e-9)
    as_logits = 1 / (1 + np.exp(-np.append(scores, 1.5)))
    assert after == pytest.approx(expected_calibration_error(as_logits, np.append(hits, 1)), rel=1e-6)
    assert after > before + 0.05


def test_a_probability_a_rounding_above_one_makes_all_of_them_logits_and_ours_allows_for_rounding():
    found = make_outcomes(500, 1, temperature=2)
    rows = found.probabilities.copy()
    rows[0] = [1 + 1e-7, 0, 0]
    softmax = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    flattened = METRICS["ece15"].value(Outcomes.from_probabilities(softmax, found.labels))
    assert multiclass(rows, found.labels) == pytest.approx(flattened, abs=2e-6)
    ours = METRICS["ece15"].value(Outcomes.from_probabilities(rows, found.labels))
    # One item of 500 changed.
    assert ours == pytest.approx(METRICS["ece15"].value(found), abs=1 / 500 + 1e-6)
    assert abs(ours - flattened) > 0.01


def test_the_state_of_a_stream_holds_every_confidence_and_ours_only_sums():
    found = make_outcomes(400)
    theirs, ours = torchmetrics.CalibrationError("multiclass", num_classes=3), Accumulator(3)
    sizes = []
    for rows in np.array_split(np.arange(400), 4):
        theirs.update(torch.tensor(found.probabilities[rows]), torch.tensor(found.labels[rows]))
        ours.update(found.probabilities[rows], found.labels[rows])
        sizes.append(sum(sums.count.size for sums in ours._sums.values()))
    assert sum(len(batch) for batch in theirs.confidences) == 400
    assert len(set(sizes)) == 1
