"""Reading a run on its way: it ends in the bytes of one that nobody looked at, and the readings are the model's."""

import copy

import numpy as np
import pytest
import torch

from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from bench.training.snapshot import Snapshots
from bench.training.trajectory import Trajectory, planned_steps
from tests.tiny_models import WORDS, make_tiny_model, nli_split

PHASE = Phase(
    role="target", task="xnli", epochs=3.0, batch_size=8, learning_rate=3e-3, max_length=24, dropout=0.2,
    evaluate_every=3, weight_decay=0.3,
)  # fmt: skip
TRAIN, SELECT = nli_split(40), nli_split(15, "select", first=200)
STEPS = 15
PLANNED = planned_steps(STEPS, 4)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    words = (*WORDS, *(f"unused{number}" for number in range(40)))
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"), words)
    return load_encoder(directory)[0], load_tokenizer(directory)


def elsewhere(tokenizer):
    """Pairs of words that no training text holds: their embeddings are left out of the training."""
    split = nli_split(12, "test", first=300)
    examples = [
        type(one)(one.item_id, one.group_id, f"unused{place} {one.text}", "unused39 unused38", one.label)
        for place, one in enumerate(split.examples)
    ]
    return type(split)("test", "sw", split.labels, tuple(examples), split.provenance)


class Reader:
    """Keeps what the model says at each step that is read, and how many examples it had seen."""

    def __init__(self, tokenizer, planned=PLANNED):
        self.tokenizer, self.split = tokenizer, elsewhere(tokenizer)
        self.planned = planned
        self.logits, self.examples, self.fatal = {}, {}, None

    def of(self, encoder, head):
        def read(step, examples):
            if step == self.fatal:
                raise Killed
            (found,), _ = predict(encoder, head, self.tokenizer, [self.split], 24)
            self.logits[step], self.examples[step] = found.logits, examples

        return Trajectory(self.planned, self.logits.__contains__, read)


def run(parts, reader=None, snapshots=None, stop=None, phase=PHASE, select=SELECT, train=TRAIN):
    """Train, killed in step `stop`; return the weights, the report and what the end says of the reader's split."""
    encoder, tokenizer = copy.deepcopy(parts[0]), parts[1]
    head = new_head(16, 3, 0, "target")

    def report(shown):
        if shown.step == stop:
            raise Killed

    trajectory = None if reader is None else reader.of(encoder, head)
    found = finetune(
        encoder, head, tokenizer, train, select, phase, 0, report=report, snapshots=snapshots, trajectory=trajectory
    )
    (final,), _ = predict(encoder, head, tokenizer, [elsewhere(tokenizer)], 24)
    return [weight for module in (encoder, head) for weight in module.parameters()], found, final.logits


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "changes", [{}, {"freeze_embeddings": True}, {"frozen_layers": 1}, {"patience": 1, "learning_rate": 1e-12}], ids=str
)
def test_readings_change_neither_weights_nor_report(parts, changes):
    phase = Phase(**{name: getattr(PHASE, name) for name in PHASE.__dataclass_fields__} | changes)
    plain, report, _ = run(parts, phase=phase)
    reader = Reader(parts[1])
    weights, read, _ = run(parts, reader, phase=phase)

    assert same(plain, weights)
    assert (report.steps, report.history, report.examples) == (read.steps, read.history, read.examples)
    assert max(reader.logits) == read.steps


def test_a_reading_is_what_the_model_says_at_that_step_in_words_that_take_no_part(parts):
    reader = Reader(parts[1])
    _, _, final = run(parts, reader, select=None)

    assert tuple(reader.logits) == PLANNED == (2, 4, 8, 15)
    assert reader.examples == {2: 16, 4: 32, 8: 64, 15: 120}
    assert np.array_equal(reader.logits[15], final)
    assert not np.allclose(reader.logits[8], final, atol=1e-4)


def test_what_was_read_at_the_step_whose_weights_are_kept_is_what_the_end_says(parts):
    reader = Reader(parts[1], (3, 6, 15))
    phase = Phase(**{name: getattr(PHASE, name) for name in PHASE.__dataclass_fields__} | {"patience": 1})
    _, report, final = run(parts, reader, phase=phase)

    assert report.best_step in reader.logits
    assert np.array_equal(reader.logits[report.best_step], final)


def test_a_run_that_ends_early_is_read_at_its_end(parts):
    phase = Phase(
        **{name: getattr(PHASE, name) for name in PHASE.__dataclass_fields__}
        | {"patience": 1, "learning_rate": 1e-12, "epochs": 30.0}
    )
    reader = Reader(parts[1], planned_steps(150, 2))
    _, report, _ = run(parts, reader, phase=phase)

    assert report.steps < 75
    assert list(reader.logits) == [report.steps]


@pytest.mark.parametrize("stop", [1, 3, 5, 9, 15])
def test_a_killed_run_reads_each_step_once_and_ends_in_the_same_bytes(parts, tmp_path, stop):
    whole = Reader(parts[1])
    weights, _, _ = run(parts, whole)
    reader, snapshots = Reader(parts[1]), Snapshots(tmp_path, 0.0, {})
    with pytest.raises(Killed):
        run(parts, reader, snapshots, stop)
    before = dict(reader.logits)
    again, report, _ = run(parts, reader, snapshots)

    assert same(weights, again)
    assert report.resumed_at == ((stop - 1,) if stop > 1 else ())
    assert list(before) == [step for step in PLANNED if step < stop]
    assert all(np.array_equal(whole.logits[step], reader.logits[step]) for step in PLANNED)
    assert whole.examples == reader.examples


def test_a_run_that_was_killed_while_it_was_read_goes_on_from_the_step_before(parts, tmp_path):
    reader, snapshots = Reader(parts[1]), Snapshots(tmp_path, 0.0, {})
    reader.fatal = 8
    with pytest.raises(Killed):
        run(parts, reader, snapshots)
    reader.fatal = None
    weights, report, _ = run(parts, reader, snapshots)

    assert report.resumed_at == (7,)
    assert tuple(reader.logits) == PLANNED
    assert same(run(parts)[0], weights)


def test_a_run_that_was_killed_before_anybody_asked_for_readings_starts_anew(parts, tmp_path):
    snapshots = Snapshots(tmp_path, 0.0, {})
    with pytest.raises(Killed):
        run(parts, None, snapshots, 6)
    reader = Reader(parts[1])
    weights, report, _ = run(parts, reader, snapshots)

    assert report.resumed_at == ()
    assert tuple(reader.logits) == PLANNED
    assert same(run(parts)[0], weights)
