"""How fast each model trains and predicts here: `pytest suites/test_throughput.py`, on a GPU with `--require gpu`.

pytest-benchmark times whole calls of the program's own training and prediction; rates come from steps timed one by one,
each waited for, without the first. Weights that are in no mirror are random ones of the true shape, and the tables say
so. `--models A,B` names the models, else it is the whole catalog. What is too large for this machine is skipped with
an estimate. `python -m tests.throughput_table FILE` makes docs/speed.md of `--benchmark-json FILE`. Nothing here
asserts a time.
"""

import pytest

from bench.catalog.models import MODELS
from bench.throughput.estimates import require_bfloat16, require_fit, require_time
from bench.throughput.measure import TRAIN, phase_of, predict_round, summary, train_round
from bench.throughput.size import size_of


def pytest_generate_tests(metafunc):
    asked = metafunc.config.getoption("--models")
    tokens = [each.strip() for each in asked.split(",")] if asked else [spec.token for spec in MODELS]
    metafunc.parametrize("subject", tokens, indirect=True, scope="module")
    metafunc.parametrize("dtype", ["float32", "bfloat16"])


@pytest.fixture(scope="module")
def subject(request, throughput):
    """The model of one token, in memory once for all its cases."""
    throughput.needs(require_fit, throughput.spec(request.param), False, throughput.device)
    yield throughput.needs(throughput.load, request.param)
    throughput.release()


def test_train_step(benchmark, throughput, subject, dtype):
    """Forward and backward pass, clipping and AdamW on batches of 32 texts."""
    measure(benchmark, throughput, subject, dtype, "train step")


def test_prediction(benchmark, throughput, subject, dtype):
    """A forward pass over texts sorted by length."""
    measure(benchmark, throughput, subject, dtype, "prediction")


def measure(benchmark, throughput, subject, dtype, what):
    device, trains = throughput.device, what == TRAIN
    size = size_of(subject.spec, device)
    phase = phase_of(dtype, size.steps)
    throughput.needs(require_bfloat16, dtype, device)
    throughput.needs(require_fit, subject.spec, trains, device)
    throughput.needs(require_time, subject.spec, phase, size, trains, device)
    found = []

    def one_round():
        if trains:
            found.append(train_round(subject, phase, device))
        else:
            found.append(predict_round(subject, phase, device, size.examples))

    benchmark.pedantic(one_round, rounds=size.rounds, warmup_rounds=1, iterations=1)
    throughput.record(benchmark, summary(subject, found[-size.rounds :], what, dtype, device))
