"""When memory does not suffice: smaller passes, the same result, and a note of it."""

import copy
import ctypes
import os
import sys

import numpy as np
import pytest
import torch

from bench.errors import TrainingFailed
from bench.modeling import forward, memory
from bench.modeling import predict as predicting
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.training import finetune as loop
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from tests.in_process import found_by
from tests.tiny_models import make_tiny_model, nli_split

CPU = torch.device("cpu")
REFUSAL = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_encoder(directory)[0], new_head(16, 3, seed=0, role="target"), load_tokenizer(directory)


def with_room_for(rows, error=torch.OutOfMemoryError):
    """Return a pass that fails on more than `rows` rows, after it has drawn from the random stream."""

    def limited(encoder, encoded, chosen, *more):
        torch.rand(1)
        if len(chosen) > rows:
            raise error(REFUSAL)
        return forward.hidden_states(encoder, encoded, chosen, *more)

    return limited


def tuned(parts, **changes):
    encoder, head, tokenizer = copy.deepcopy(parts[0]), copy.deepcopy(parts[1]), parts[2]
    settings = {"role": "target", "task": "xnli", "epochs": 2.0, "batch_size": 8, "learning_rate": 1e-3}
    phase = Phase(**settings, max_length=24, **changes)
    report = finetune(encoder, head, tokenizer, nli_split(20), None, phase, seed=0)
    return torch.cat([weight.detach().flatten() for weight in (*encoder.parameters(), *head.parameters())]), report


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_training_goes_on_in_smaller_passes(parts, monkeypatch, error):
    expected, whole = tuned(parts, micro_batch=2)
    monkeypatch.setattr(loop, "hidden_states", with_room_for(3, error))
    found, report = tuned(parts)
    monkeypatch.setattr(loop, "hidden_states", with_room_for(2))
    again, _ = tuned(parts, micro_batch=2)

    assert (whole.micro_batch, report.micro_batch) == (None, 2)
    assert (report.examples, report.tokens) == (whole.examples, whole.tokens)
    assert torch.equal(found, again), "what failed drew from the random stream"
    assert not torch.equal(found, expected), "the pass under test draws one number more"


def test_no_room_for_one_example_is_said(parts, monkeypatch):
    monkeypatch.setattr(loop, "hidden_states", with_room_for(0))

    with pytest.raises(
        TrainingFailed, match=r"Got no memory on cpu for a single example of 1\d tokens at step 1 of the "
    ):
        tuned(parts)


def test_another_error_is_no_lack_of_memory(parts, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(loop, "hidden_states", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        tuned(parts)
    assert memory.is_out_of_memory(RuntimeError(REFUSAL))
    assert not memory.is_out_of_memory(MemoryError())


def test_prediction_reads_in_halves(parts, monkeypatch):
    (expected,), plain = predict(*parts, [nli_split(23)], 24)
    monkeypatch.setattr(predicting, "hidden_states", with_room_for(3))
    (found,), cost = predict(*parts, [nli_split(23)], 24)

    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)
    assert (plain.halved, cost.halved > 0, cost.tokens) == (0, True, plain.tokens)
    assert cost.padded_tokens <= plain.padded_tokens


def test_prediction_of_one_row_that_does_not_fit_fails(parts, monkeypatch):
    monkeypatch.setattr(predicting, "hidden_states", with_room_for(0))
    with pytest.raises(torch.OutOfMemoryError):
        predict(*parts, [nli_split(3)], 24)


def test_the_peak_of_a_process_is_at_least_what_it_holds():
    memory.reset_peak(CPU)
    before = memory.peak_bytes(CPU)
    held = torch.ones(16 * 2**20)

    assert memory.peak_bytes(CPU) >= before > 10 * 2**20
    assert held.numel()


# Blocks of malloc's heap, of which every eighth stays: what lies between cannot be given back from the end.
HOLES = """
import json, resource, torch
from bench.modeling import memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

blocks = [bytearray(b"x" * 60_000) for _ in range(4_000)]
kept = blocks[::8]
full = resident()
del blocks
freed = resident()
memory.release(torch.device("cpu"))
found = {"full": full, "freed": freed, "trimmed": resident()}
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="malloc is not glibc's here")
def test_the_system_gets_back_what_malloc_keeps():
    found = found_by(HOLES, environment=os.environ)

    assert found["freed"] > found["full"] - 100e6, "malloc gave the holes back by itself: this test shows nothing"
    assert found["trimmed"] < found["freed"] - 150e6


def test_nothing_is_given_back_where_malloc_cannot(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    memory.release(CPU)


def test_every_training_ends_with_memory_given_back(suite, tiny, monkeypatch):
    calls = []
    monkeypatch.setattr("bench.modeling.memory.release", calls.append)
    suite(*tiny, "-k", "none")
    assert calls == [CPU]
    suite(*tiny, "-k", "none")
    assert calls == [CPU]
