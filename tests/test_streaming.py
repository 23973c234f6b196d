import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.calibration import streaming
from bench.calibration.binned import expected_calibration_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.streaming import STREAMING, Accumulator, calibration_error
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

ROWS = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])


def refused(action):
    with pytest.raises(BadInput) as caught:
        action()
    return str(caught.value)


def test_every_metric_that_claims_to_stream_does():
    assert set(STREAMING) == {name for name, metric in METRICS.items() if "streaming" in metric.holds} - {
        "true_error",
        "true_ece15",
    }
    assert {"accuracy", "gap", "nll", "brier", "ece15", "mce15", "cwece15", "tlece15"} <= set(STREAMING)


@given(outcomes(), st.data())
def test_batches_in_any_split_give_the_metrics_of_all(found, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=4)))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)).filter(any)))
    total = Accumulator(found.classes)
    for rows in np.split(np.arange(len(found)), cuts):
        part = Accumulator(found.classes)
        part.update(found.probabilities[rows], found.labels[rows], weights[rows])
        total.merge(part)
    whole = Outcomes.from_probabilities(found.probabilities, found.labels)
    for name, value in total.finalize().items():
        expected = METRICS[name].value(whole, weights.astype(float))
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9), name


def test_large_batches_are_cut(monkeypatch):
    found = make_outcomes(200)
    monkeypatch.setattr(streaming, "CHUNK", 33)
    stream = Accumulator(3, ["ece15", "nll"])
    stream.update(found.probabilities, found.labels)
    assert stream.finalize() == pytest.approx({name: METRICS[name].value(found) for name in ("ece15", "nll")})
    assert calibration_error(found.probabilities, found.labels) == pytest.approx(METRICS["ece15"].value(found))


@given(outcomes(), st.integers(1, 40))
def test_the_error_in_one_pass_is_the_error(found, bins):
    expected = expected_calibration_error(found.confidence, found.correct, bins)
    assert calibration_error(found.probabilities, found.labels, bins) == pytest.approx(expected, abs=1e-12)


def test_torch_tensors_of_any_type():
    torch = pytest.importorskip("torch")
    found = make_outcomes(300, temperature=2)
    exact = METRICS["ece15"].value(found)
    for dtype, tolerance in (
        (torch.float64, 1e-12),
        (torch.float32, 1e-3),
        (torch.float16, 2e-2),
        (torch.bfloat16, 5e-2),
    ):
        rows = torch.tensor(found.probabilities).to(dtype).requires_grad_()
        labels = torch.tensor(found.labels)
        assert calibration_error(rows, labels) == pytest.approx(exact, abs=tolerance)
        stream = Accumulator(3, ["ece15"])
        stream.update(rows, labels)
        assert stream.finalize()["ece15"] == pytest.approx(exact, abs=tolerance)


def test_bad_rows_are_named_by_their_number(monkeypatch):
    monkeypatch.setattr(streaming, "CHUNK", 2)
    rows = np.concatenate([ROWS, [[0.5, 0.6, 0.2]]])
    message = (
        "Got probabilities [0.5, 0.6, 0.2] for item '2', but a distribution is non-negative and sums to 1; "
        "divide each row by its sum."
    )
    assert refused(lambda: calibration_error(rows, [0, 1, 2])) == message
    assert refused(lambda: Accumulator(3).update(rows, [0, 1, 2])) == message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_values_that_are_no_probabilities(bad):
    rows = ROWS.copy()
    rows[1, 0] = bad
    assert refused(lambda: calibration_error(rows, [0, 1])).startswith(
        f"Got probabilities [{bad}, 0.1, 0.8] for item '1'"
    )


def test_bad_labels_shapes_and_weights():
    assert refused(lambda: calibration_error(ROWS, [0, 3])) == (
        "Got label 3 for item '1', but for 3 classes labels are 0 to 2; "
        "drop unlabelled items or fix the task's label names."
    )
    assert refused(lambda: calibration_error(ROWS, [0])) == (
        "Got 1 labels for 2 rows of probabilities; predict this split again."
    )
    assert refused(lambda: Accumulator(4).update(ROWS, [0, 1])) == (
        "Got probabilities of shape (2, 3), but they must be of shape (items, 4)."
    )
    assert refused(lambda: calibration_error(ROWS, [0, 1], weights=[1.0, -1.0])) == (
        "Got weight -1.0 for item 1, but weights are frequencies: finite, 0 or more."
    )


def test_what_an_accumulator_refuses():
    assert refused(lambda: Accumulator(1)) == "Got classes=1, but a prediction needs at least 2 classes."
    assert refused(lambda: Accumulator(3, ["l2sq15"])).startswith("Got metric 'l2sq15', which does not stream; those")
    assert refused(lambda: Accumulator(3).finalize()) == (
        "Got 0 predictions, but a score needs at least 1; update the accumulator first."
    )
    assert refused(lambda: Accumulator(3, ["nll"]).merge(Accumulator(4, ["nll"]))) == (
        "Got an accumulator of (4, ('nll',)) to merge into one of (3, ('nll',)); make both with equal arguments."
    )


def test_no_rows_at_all():
    assert refused(lambda: calibration_error(np.zeros((0, 3)), np.zeros(0, int))) == (
        "Got 0 predictions, but a score needs at least 1; raise the evaluation limit."
    )


def test_a_stream_takes_all_it_is_given():
    """Guards against a metric that reads ids, which streams do not have."""
    stream = Accumulator(3)
    stream.update(ROWS, [0, 2])
    assert all(np.isfinite(value) for value in stream.finalize().values())
    assert dataclasses.is_dataclass(METRICS["ece15"])


def test_a_refused_batch_leaves_all_as_it_was(monkeypatch):
    monkeypatch.setattr(streaming, "CHUNK", 2)
    stream = Accumulator(3, ["accuracy"])
    stream.update(ROWS, [0, 0])
    with pytest.raises(BadInput):
        stream.update(np.concatenate([ROWS, ROWS, [[np.nan, 0, 1]]]), [0, 0, 0, 0, 0])
    assert stream.finalize() == {"accuracy": 0.5}
    stream.update(np.zeros((0, 3)), np.zeros(0, int))
    assert stream.finalize() == {"accuracy": 0.5}


def test_one_class_is_refused():
    assert refused(lambda: calibration_error([[1.0], [1.0]], [0, 0])).startswith("Got probabilities of shape (2, 1)")
