import dataclasses

import numpy as np
import pytest

from bench.calibration.means import item_brier, item_nll
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import from_logits, make_predictions


def refused(**changes):
    with pytest.raises(BadInput) as caught:
        Outcomes.from_predictions(dataclasses.replace(make_predictions(4), **changes))
    return str(caught.value)


def test_confidence_and_correctness_of_plain_answers():
    found = Outcomes.from_predictions(from_logits(np.log([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25]]), [0, 2]))
    np.testing.assert_allclose(found.confidence, [0.7, 0.5], atol=1e-7)
    assert found.correct.tolist() == [1, 0]
    np.testing.assert_allclose(item_nll(found), -np.log([0.7, 0.25]), atol=1e-6)
    np.testing.assert_allclose(item_brier(found), [0.09 + 0.04 + 0.01, 0.0625 + 0.25 + 0.5625], atol=1e-6)


def test_tied_answers_are_right_in_one_of_m_cases():
    found = Outcomes.from_predictions(from_logits([[1, 1, 0], [1, 1, 0], [2, 2, 2]], [0, 2, 1]))
    np.testing.assert_allclose(found.correct, [0.5, 0, 1 / 3])


def test_huge_logits_stay_finite():
    found = Outcomes.from_predictions(from_logits([[3e38, -3e38], [800, 0]], [1, 1]))
    assert found.confidence.tolist() == [1, 1]
    assert np.isfinite(item_nll(found)).all()


def test_classes_come_from_the_logits_not_from_the_labels():
    assert Outcomes.from_predictions(from_logits(np.zeros((3, 200)), [0, 0, 1])).probabilities.shape == (3, 200)


def test_the_posterior_gives_the_chance_of_being_right():
    found = Outcomes.from_predictions(from_logits([[5, 0, 0], [1, 1, 0]], [0, 0], [[0.9, 0.1, 0], [0.6, 0.2, 0.2]]))
    np.testing.assert_allclose(found.posterior_correct, [0.9, 0.4])


def test_the_chance_of_being_right_needs_a_posterior():
    with pytest.raises(BadInput) as caught:
        _ = Outcomes.from_predictions(from_logits([[1, 0]], [0])).posterior_correct
    assert str(caught.value) == "Got no posterior, but the true error needs one; only artificial worlds state it."


def test_rows_with_the_same_logits_in_another_order_have_the_same_confidence():
    row = [0.1, 0.7, -0.3, 2.2, 1.9]
    found = Outcomes.from_predictions(from_logits([row, row[::-1], row[2:] + row[:2]], [0, 0, 0]))
    assert len(set(found.confidence.tolist())) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite(value):
    logits = np.zeros((4, 3), dtype=np.float32)
    logits[2, 1] = value
    assert refused(logits=logits) == (
        f"Got logits [0.0, {value}, 0.0] for item 'test-2', but logits are finite; "
        "train again with a lower learning rate or in float32."
    )


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_outside_the_classes(label):
    assert refused(labels=np.array([0, label, 2, 1])) == (
        f"Got label {label} for item 'test-1', but for 3 classes labels are 0 to 2; "
        "drop unlabelled items or fix the task's label names."
    )


def test_labels_that_are_no_integers():
    assert (
        refused(labels=np.zeros(4)) == "Got labels of type float64, but labels are class indices; cast them to int64."
    )


def test_no_predictions():
    message = refused(logits=np.zeros((0, 3), np.float32), labels=np.zeros(0, np.int64))
    assert message == "Got 0 predictions, but a score needs at least 1; raise the evaluation limit."


@pytest.mark.parametrize("shape", [(4, 1), (4,)])
def test_logits_without_classes(shape):
    assert refused(logits=np.zeros(shape, np.float32)) == (
        f"Got logits of shape {shape}, but a prediction needs (items, classes) with at least 2 classes."
    )


@pytest.mark.parametrize("name", ["labels", "item_ids", "group_ids"])
def test_columns_of_another_length(name):
    message = refused(**{name: getattr(make_predictions(4), name)[:3]})
    assert message == f"Got 3 {name} for 4 rows of logits; predict this split again."


def test_an_item_predicted_twice():
    assert refused(item_ids=np.array(["a", "b", "a", "c"])) == (
        "Got item_id 'a' 2 times, but an item is predicted once; score one language and split at a time."
    )


def test_a_posterior_of_another_shape():
    message = refused(posterior=np.full((4, 2), 0.5))
    assert message == "Got a posterior of shape (4, 2) for logits of shape (4, 3); make them equal."


@pytest.mark.parametrize("row", [[0.5, 0.6, 0.2], [1.2, -0.2, 0.0], [np.nan, 0.5, 0.5]])
def test_a_posterior_that_is_no_distribution(row):
    posterior = np.array([[1.0, 0, 0], row, [0, 1.0, 0], [0, 0, 1.0]])
    assert refused(posterior=posterior) == (
        f"Got posterior {row} for item 'test-1', but a distribution is non-negative and sums to 1; "
        "make the split again."
    )


def test_outcomes_of_probabilities_keep_zeros_and_ones():
    found = Outcomes.from_probabilities([[1.0, 0.0], [0.25, 0.75]], [0, 0])
    assert found.confidence.tolist() == [1, 0.75]
    assert found.correct.tolist() == [1, 0]
    assert item_nll(found).tolist() == [0, -np.log(0.25)]
    assert found.item_ids.tolist() == found.group_ids.tolist() == ["0", "1"]


def test_ids_may_be_given():
    found = Outcomes.from_logits(
        [[1, 0], [0, 1], [2, 0]], [0, 1, 1], item_ids=["a", "b", "c"], group_ids=["g", "g", "h"]
    )
    assert found.item_ids.tolist() == ["a", "b", "c"]
    assert [part.tolist() for part in found.groups] == [["g", "h"], [0, 0, 1]]
    assert Outcomes.from_logits([[1, 0]], [0], item_ids=["a"]).group_ids.tolist() == ["a"]


def test_logits_and_their_probabilities_give_the_same_outcomes():
    made = make_predictions(40)
    first = Outcomes.from_predictions(made)
    second = Outcomes.from_probabilities(first.probabilities, made.labels)
    np.testing.assert_allclose(second.log_probabilities, first.log_probabilities, atol=1e-12)
    assert np.array_equal(second.top, first.top)


@pytest.mark.parametrize("name", ["float64", "float32", "float16", "bfloat16"])
def test_torch_tensors_are_taken_whatever_their_type(name):
    torch = pytest.importorskip("torch")
    rows = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.875, 0.0]]).to(getattr(torch, name)).requires_grad_()
    found = Outcomes.from_probabilities(rows, torch.tensor([0, 0]))
    assert found.confidence.tolist() == [0.5, 0.875]
    assert found.probabilities.dtype == np.float64
    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0]]).to(getattr(torch, name))
    assert Outcomes.from_logits(logits, torch.tensor([0, 0])).correct.tolist() == [1, 0]


@pytest.mark.parametrize("row", [[0.5, 0.6, 0.2], [1.2, -0.2, 0.0], [np.nan, 0.5, 0.5], [np.inf, 0.0, 0.0]])
def test_rows_that_are_no_distribution(row):
    with pytest.raises(BadInput) as caught:
        Outcomes.from_probabilities([[1.0, 0, 0], row], [0, 0])
    assert str(caught.value) == (
        f"Got probabilities {row} for item '1', but a distribution is non-negative and sums to 1; "
        "divide each row by its sum."
    )


def test_a_sum_may_be_off_by_what_its_type_cannot_hold():
    rows = np.array([[0.1, 0.2, 0.7]] * 3)
    for dtype in (np.float32, np.float16):
        assert len(Outcomes.from_probabilities(rows.astype(dtype), [0, 1, 2])) == 3
    with pytest.raises(BadInput, match="sums to 1"):
        Outcomes.from_probabilities(rows.astype(np.float16).astype(np.float64), [0, 1, 2])


def test_probabilities_without_rows_or_of_one_class():
    for shape, message in (((0, 3), "Got 0 predictions"), ((2, 1), "Got probabilities of shape (2, 1)")):
        with pytest.raises(BadInput) as caught:
            Outcomes.from_probabilities(np.zeros(shape), np.zeros(shape[0], int))
        assert str(caught.value).startswith(message)


def test_other_answers_come_with_other_probabilities():
    found = Outcomes.from_logits([[2.0, 0.0], [0.0, 1.0]], [0, 0])
    swapped = found.log_probabilities[:, ::-1]
    assert found.with_log_probabilities(swapped).correct.tolist() == [1, 0]
    assert found.with_new_answers(swapped).correct.tolist() == [0, 1]


@pytest.mark.parametrize("labels", [[[0], [1]], [[1, 0], [0, 1]]])
def test_labels_of_another_shape(labels):
    for make in (Outcomes.from_probabilities, Outcomes.from_logits):
        with pytest.raises(BadInput, match=r"^Got labels of shape \(2, .\), but they must be of shape \(2,\)\.$"):
            make([[0.5, 0.5], [0.25, 0.75]], np.array(labels))


def test_no_confidence_is_above_1():
    found = Outcomes.from_probabilities(np.array([[1.001, 0], [0.5, 0.5]], np.float16), [0, 0])
    assert found.confidence.tolist() == [1, 0.5]
    assert item_nll(found)[0] == 0
