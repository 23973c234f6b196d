"""A phase is plain data: it rejects what cannot be run, counts its steps, and says what identifies it."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.canonical import digest
from bench.errors import BadInput
from bench.training.protocol import Phase


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "final"}, "Got role='final', but a phase is 'intermediate' or 'target'."),
        ({"pooling": "last"}, "Got pooling='last', but a head pools by 'first' or 'mean'."),
        ({"epochs": None}, "Got neither epochs nor max_steps, but a phase needs an end; give one of them."),
        ({"epochs": 0}, "Got epochs=0, but it must be a finite number above 0."),
        ({"learning_rate": float("nan")}, "Got learning_rate=nan, but it must be a finite number above 0."),
        ({"batch_size": 0}, "Got batch_size=0, but it must be at least 1."),
        ({"micro_batch": 0}, "Got micro_batch=0, but it must be at least 1."),
        ({"warmup_fraction": 1.0}, "Got warmup_fraction=1.0, but it must be in [0, 1)."),
        ({"weight_decay": -0.1}, "Got weight_decay=-0.1, but it must be 0 or more."),
        ({"logit_norm_temperature": 0.0}, "Got logit_norm_temperature=0.0, but it must be a finite number above 0."),
        ({"max_length": 3}, "Got max_length=3, but it must be at least 4, a pair's special tokens."),
    ],
)
def test_a_value_out_of_range_is_named_with_its_rule(change, message):
    with pytest.raises(BadInput) as caught:
        Phase(**{"role": "target", "task": "xnli", "epochs": 1.0} | change)

    assert message == str(caught.value)


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 64), st.floats(0.1, 5), st.integers(1, 50))
def test_the_smaller_bound_ends_the_phase(examples, batch_size, epochs, max_steps):
    def steps(**bounds):
        return Phase(role="target", task="xnli", batch_size=batch_size, **bounds).total_steps(examples)

    assert min(steps(epochs=epochs), max_steps) == steps(epochs=epochs, max_steps=max_steps)
    assert max_steps == steps(max_steps=max_steps)
    assert steps(epochs=1.0) * 2 == steps(epochs=2.0)


def test_the_micro_batch_is_the_only_field_that_is_not_identity():
    phase = Phase(role="target", task="xnli", epochs=1.0)
    split = Phase(role="target", task="xnli", epochs=1.0, micro_batch=4)
    faster = Phase(role="target", task="xnli", epochs=1.0, learning_rate=1e-4)

    assert digest(phase.identity()) == digest(split.identity())
    assert digest(phase.identity()) != digest(faster.identity())


def test_planning_imports_no_torch():
    names = "bench.training.protocol, bench.training.batches, bench.modeling.directory"
    code = f"import sys, {names}; print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
