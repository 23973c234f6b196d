"""Operations by hand, for one small encoder."""

import numpy as np
import pytest

from bench.modeling.flops import Shape, prediction_flops, training_flops
from bench.modeling.reference import peak_rate


def test_the_matrices_of_bert_base():
    # 12 layers of 4 x 768^2 + 2 x 768 x 3072 (Devlin et al. 2019, section 3).
    assert Shape(12, 768, 3072).matrices == 84_934_656


def test_a_pass_counts_matrices_once_a_token_and_attention_by_the_length_of_the_row():
    shape = Shape(layers=2, hidden=3, feed_forward=5)
    matrices = 2 * (4 * 9 + 2 * 15)

    assert training_flops(shape, np.array([4])) == 6 * matrices * 4 + 12 * 2 * 3 * 4 * 4
    assert training_flops(shape, np.array([1, 4])) == training_flops(shape, np.array([4])) + 6 * matrices + 12 * 2 * 3
    assert prediction_flops(shape, np.array([7, 2])) == pytest.approx(training_flops(shape, np.array([7, 2])) / 3)


def test_rows_of_any_integer_type_do_not_overflow():
    assert training_flops(Shape(48, 4096, 16384), np.full(10**4, 512, dtype=np.int32)) > 2e17


def test_a_peak_is_a_rate(monkeypatch):
    import torch

    monkeypatch.setattr("bench.modeling.reference._LARGE", {"cpu": 64})
    assert peak_rate("cpu", torch.float32) > 1e6
