"""Predictions on disk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.errors import Corrupt
from bench.predictions import Predictions, read_predictions, write_predictions


def predictions(logits, posterior=None):
    count = len(logits)
    return Predictions(
        item_ids=np.array([f"test-{index}" for index in range(count)]),
        group_ids=np.array([f"test-{index // 3}" for index in range(count)]),
        labels=np.zeros(count, dtype=np.int64),
        logits=np.asarray(logits, dtype=np.float32),
        posterior=posterior,
        metadata={"language": "sw", "flags": ["subset"]},
    )


@settings(deadline=None)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(2, 5)), elements=st.floats(-99, 99, width=32))
)
def test_what_is_written_is_read_back_bit_by_bit(tmp_path_factory, logits):
    path = tmp_path_factory.mktemp("p") / "p.parquet"
    written = predictions(logits, posterior=np.full(logits.shape, 1 / logits.shape[1]))
    write_predictions(path, written)
    read = read_predictions(path)

    assert read.logits.tobytes() == written.logits.tobytes()
    assert read.logits.dtype == np.float32
    assert read.labels.dtype == np.int64
    assert read.posterior.tolist() == written.posterior.tolist()
    assert read.item_ids.tolist() == written.item_ids.tolist()
    assert read.group_ids.tolist() == written.group_ids.tolist()
    assert dict(read.metadata) == {"schema": 1, "language": "sw", "flags": ["subset"]}


def test_equal_predictions_are_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_predictions(tmp_path / name, predictions([[0.5, 1.0]]))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_real_data_have_no_posterior(tmp_path):
    write_predictions(tmp_path / "a", predictions([[0.5, 1.0]]))

    assert read_predictions(tmp_path / "a").posterior is None


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a parquet file at all"])
def test_a_file_that_is_none_is_said_to_be_none(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)

    with pytest.raises(Corrupt, match=r"a.parquet is no predictions file .*; delete it and predict again"):
        read_predictions(tmp_path / "a.parquet")


def test_a_cut_file_is_said_to_be_none(tmp_path):
    path = tmp_path / "a.parquet"
    write_predictions(path, predictions([[0.5, 1.0]]))
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(Corrupt):
        read_predictions(path)
