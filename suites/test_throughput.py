"""Throughput of fine-tuning and prediction, a case a model: `pytest suites/test_throughput.py` (`--require gpu`).

Nothing here asserts a time. What a case measured is in `extra_info` of pytest-benchmark's JSON, and
`python -m tests.throughput_table FILE` makes the tables of docs/speed.md of it. Weights that are not here are random,
of the true shape, and each case says so.
"""

import os

import pytest
import torch

from bench.canonical import digest
from bench.catalog.models import MODELS
from bench.modeling.flops import prediction_flops, training_flops
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.reference import peak_rate
from bench.modeling.tokenization import encode
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from suites.true_shape import LABELS, nli_rows, true_shape

BATCH, LENGTH, ROUNDS = 32, 128, 3
STEPS, ROWS = {"cpu": 4, "cuda": 20}, {"cpu": 1024, "cuda": 8192}
# Rows of like length are found among as many as in a real epoch.
POOL = 50 * BATCH
# A round of a case that would take longer on this device is skipped, at a rate that most exceed.
LONGEST_ROUND, ASSUMED_RATE = 120.0, {"cpu": 6e10, "cuda": 5e13}
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@pytest.fixture(scope="module")
def device(request):
    """The device of the run; `--require gpu` fails where there is none."""
    asked = request.config.getoption("--device")
    name = ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked
    if "gpu" in request.config.getoption("--require") and torch.device(name).type != "cuda":
        pytest.fail("--require gpu: torch sees no GPU here", pytrace=False)
    return name


@pytest.fixture(scope="module")
def peaks(device):
    """The rate of large matrix products on this device, by precision."""
    return {name: peak_rate(device, dtype) for name, dtype in PRECISIONS.items()}


@pytest.fixture(params=[spec.token for spec in MODELS])
def model(request):
    """A model of the catalog, with its own weights or random ones of its shape."""
    spec = next(spec for spec in MODELS if spec.token == request.param)
    found = true_shape(spec)
    if found is None:
        pytest.skip(f"the configuration of {spec.token} is not known here, and its files are in no mirror")
    return found


def allow(flops, device, doing):
    """Skip what takes too long here."""
    seconds = flops / ASSUMED_RATE[torch.device(device).type]
    if seconds > LONGEST_ROUND:
        pytest.skip(f"{doing} takes some {seconds:.0f} s a round on {device}, more than {LONGEST_ROUND:.0f}")


def said(model, split, device, precision, peaks, flops, examples, report, seconds, positions):
    """Return what stands in `extra_info` of a case."""
    return {
        "model": model.token,
        "weights": model.weights,
        "device": torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else device,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "precision": precision,
        "attention": report.attention,
        "examples_per_s": examples / seconds,
        "tokens_per_s": report.tokens / seconds,
        "real_token_share": report.tokens / positions,
        "flops": flops,
        "peak_flops_per_s": peaks[precision],
        "utilisation": flops / seconds / peaks[precision],
        "peak_bytes": report.peak_bytes,
        "data": split.fingerprint,
        "shape": digest([model.shape.layers, model.shape.hidden, model.shape.feed_forward]),
        "cores": os.cpu_count(),
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_train_step(benchmark, model, device, peaks, precision):
    """Steps of 32 pairs, with everything a step does: forward, backward, clipping, AdamW."""
    steps = STEPS[torch.device(device).type]
    split = nli_rows(model, POOL)
    lengths = encode(model.tokenizer, split.examples, LENGTH).lengths
    a_token = training_flops(model.shape, lengths) / lengths.sum()
    allow(a_token * lengths.mean() * BATCH * steps, device, f"training {model.token}")
    phase = Phase(
        role="target", task="xnli", max_steps=steps, batch_size=BATCH, learning_rate=1e-5, max_length=LENGTH,
        autocast=precision == "bfloat16",
    )  # fmt: skip
    reports = []

    def prepared():
        head = new_head(model.shape.hidden, len(LABELS), 0, "target")
        return (model.encoder(), head, model.tokenizer, split, None, phase, 0, device), {}

    def train(*arguments):
        reports.append(finetune(*arguments))

    benchmark.pedantic(train, setup=prepared, rounds=ROUNDS, warmup_rounds=1)
    report = sorted(reports[1:], key=lambda each: each.train_seconds)[ROUNDS // 2]
    flops = a_token * report.tokens
    taken = report.examples, report, report.train_seconds, report.padded_tokens
    benchmark.extra_info.update(said(model, split, device, precision, peaks, flops, *taken))
    benchmark.extra_info["vocabulary"] = report.vocabulary
    benchmark.extra_info["seconds"] = [each.train_seconds for each in reports[1:]]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_prediction(benchmark, model, device, peaks, precision):
    """A stream of pairs, sorted by length."""
    split = nli_rows(model, ROWS[torch.device(device).type], "test")
    lengths = encode(model.tokenizer, split.examples, LENGTH).lengths
    flops = prediction_flops(model.shape, lengths)
    allow(flops, device, f"predicting with {model.token}")
    encoder, head = model.encoder(), new_head(model.shape.hidden, len(LABELS), 0, "target")
    reports = []

    def read():
        _, report = predict(
            encoder, head, model.tokenizer, [split], LENGTH, device, autocast=precision == "bfloat16"
        )  # fmt: skip
        reports.append(report)

    benchmark.pedantic(read, rounds=ROUNDS, warmup_rounds=1)
    report = sorted(reports[1:], key=lambda each: each.seconds)[ROUNDS // 2]
    taken = report.examples, report, report.seconds, report.padded_tokens
    benchmark.extra_info.update(said(model, split, device, precision, peaks, flops, *taken))
    benchmark.extra_info["seconds"] = [each.seconds for each in reports[1:]]
