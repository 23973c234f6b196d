"""Our fine-tuning and prediction side by side with transformers.Trainer: `pytest suites/test_throughput_peers.py`.

Contenders run in turn, round after round, in one process, on the same rows of tokens; tokenization is not timed, nor is
building a Trainer. tests/trainer_peer.py says what each side is told. `--models A,B` names the models (default
me5_small; BERT and XLM-R). Trainer needs the dependency group `peers`; without it these cases are skipped. Nothing here
asserts a time. `python -m tests.throughput_table FILE` makes docs/speed.md of `--benchmark-json FILE`.
"""

from dataclasses import replace
from functools import partial

import pytest

from bench.data.dataset_spec import dataset_spec
from bench.throughput.estimates import require_bfloat16, require_fit
from bench.throughput.measure import BATCH, phase_of, setting
from bench.throughput.subject import languages_of
from bench.throughput.texts import LONGEST

# A few minutes a case on two cores.
TRAIN_EXAMPLES, LANGUAGE_EXAMPLES, ROUNDS = 320, 30, 5
RATE = 5e-5


def pytest_generate_tests(metafunc):
    asked = metafunc.config.getoption("--models")
    tokens = [each.strip() for each in asked.split(",")] if asked else ["me5_small"]
    metafunc.parametrize("token", tokens)
    metafunc.parametrize("dtype", ["float32", "bfloat16"])


@pytest.fixture
def subject(throughput, token, dtype):
    """The model of a token, loaded anew: a training changes it."""
    pytest.importorskip("accelerate", reason="Trainer needs the dependency group `peers`")
    throughput.needs(require_bfloat16, dtype, throughput.device)
    throughput.needs(require_fit, throughput.spec(token), True, throughput.device)
    yield throughput.needs(throughput.load, token)
    throughput.release()


def test_training(benchmark, throughput, subject, dtype, tmp_path):
    """Batches of 32, the same number of steps on each side."""
    from bench.training.finetune import finetune
    from tests.trainer_peer import TokenRows, classifier, trainer, training_peers

    device, steps = throughput.device, TRAIN_EXAMPLES // BATCH
    phase = replace(phase_of(dtype, steps), learning_rate=RATE)
    train = replace(subject.train, examples=subject.train.examples[:TRAIN_EXAMPLES])
    rows = TokenRows(subject.tokenizer, train)
    peers = training_peers(dtype, device)

    def prepare(peer):
        model = classifier(subject.encoder, subject.head)
        return trainer(model, subject.tokenizer, phase, steps, tmp_path, device, peer, rows).train

    def ours():
        finetune(subject.encoder, subject.head, subject.tokenizer, train, None, phase, 0, device, kept=subject.kept)

    found = setting(subject, "training", dtype, device) | {"examples": len(rows), "tokens": int(rows.lengths.sum())}
    throughput.compare(benchmark, ours, {peer.name: partial(prepare, peer) for peer in peers}, ROUNDS)
    benchmark.extra_info.update(found | {"settings": {peer.name: peer.settings for peer in peers}})


def test_prediction(benchmark, throughput, subject, dtype, tmp_path):
    """All languages of XNLI in one call on each side."""
    from bench.modeling.predict import predict
    from tests.trainer_peer import TokenRows, by_length, classifier, prediction_peers, trainer

    device, phase = throughput.device, phase_of(dtype, 1)
    splits = languages_of(throughput.access, dataset_spec("xnli").languages, LANGUAGE_EXAMPLES)
    together = replace(splits[0], examples=tuple(each for split in splits for each in split.examples))
    rows = TokenRows(subject.tokenizer, together)
    in_order = TokenRows(subject.tokenizer, together, by_length(rows))
    peers = prediction_peers(dtype, device)

    def prepare(peer):
        model = classifier(subject.encoder, subject.head)
        reader = trainer(model, subject.tokenizer, phase, 1, tmp_path, device, peer)
        return partial(reader.predict, in_order if peer.sorts else rows)

    def ours():
        predict(
            subject.encoder, subject.head, subject.tokenizer, splits, LONGEST, device,
            autocast=phase.autocast, kept=subject.kept,
        )  # fmt: skip

    found = setting(subject, "prediction", dtype, device) | {"examples": len(rows), "tokens": int(rows.lengths.sum())}
    if together.provenance.origin != "artificial":
        found["text"] = f"XNLI, {len(splits)} languages"
    throughput.compare(benchmark, ours, {peer.name: partial(prepare, peer) for peer in peers}, ROUNDS)
    benchmark.extra_info.update(found | {"settings": {peer.name: peer.settings for peer in peers}})
