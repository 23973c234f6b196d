"""Snapshots: a run that was stopped anywhere ends as if it had not been."""

import copy
from itertools import islice

import pytest
import torch

from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.tokenization import load_tokenizer
from bench.training import finetune as loop
from bench.training.finetune import Part, finetune
from bench.training.protocol import Phase
from bench.training.snapshot import Snapshots
from tests.tiny_models import make_tiny_model, nli_split

PHASE = Phase(
    role="target", task="xnli", epochs=3.0, batch_size=8, learning_rate=3e-3, max_length=24, dropout=0.2,
    evaluate_every=3, patience=9,
)  # fmt: skip
TRAIN, SELECT = nli_split(40), nli_split(15, "select", first=200)
STEPS = 15


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_encoder(directory)[0], load_tokenizer(directory)


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "unfinished", 0.0, {"threads": 1})


def run(parts, snapshots=None, stop=None, others=0, phase=PHASE):
    """Train, killed after step `stop`; return the weights and the report."""
    encoder, tokenizer = copy.deepcopy(parts[0]), parts[1]
    head = new_head(16, 3, 0, "target")
    more = [Part(nli_split(24, first=500), new_head(16, 3, 0, f"target {place}")) for place in range(1, others + 1)]

    def report(shown):
        if stop is not None and shown.step == stop:
            raise Killed

    found = finetune(encoder, head, tokenizer, TRAIN, SELECT, phase, 0, report=report, others=more, snapshots=snapshots)
    return [weight for module in (encoder, head) for weight in module.parameters()], found


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def lasting(report):
    """Return what does not depend on the clock."""
    return [getattr(report, name) for name in ("steps", "best_step", "examples", "tokens", "padded_tokens", "history")]


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize("stop", [1, 3, 4, 14])
def test_a_run_goes_on_to_equal_bytes_wherever_it_was_stopped(parts, snapshots, stop, others):
    whole, plain = run(parts, others=others)
    with pytest.raises(Killed):
        run(parts, snapshots, stop, others)
    weights, report = run(parts, snapshots, others=others)

    assert same(whole, weights)
    assert lasting(report) == lasting(plain)
    # The report of a step comes before its snapshot.
    assert report.resumed_at == ((stop - 1,) if stop > 1 else ())


def test_a_run_may_be_stopped_again_and_again(parts, snapshots):
    whole, plain = run(parts)
    for stop in (4, 5, 9):
        with pytest.raises(Killed):
            run(parts, snapshots, stop)
    weights, report = run(parts, snapshots)

    assert same(whole, weights)
    assert report.resumed_at == (3, 4, 8)
    assert plain.resumed_at == ()


def test_a_run_that_was_killed_before_it_was_stored_trains_no_step_twice(parts, snapshots, monkeypatch):
    run(parts, snapshots)
    monkeypatch.setattr(loop._Run, "_train_on", None)
    weights, report = run(parts, snapshots)

    assert report.resumed_at == (STEPS,)
    assert same(run_whole(parts, monkeypatch), weights)


def run_whole(parts, monkeypatch):
    monkeypatch.undo()
    return run(parts)[0]


def test_snapshots_change_nothing(parts, snapshots):
    assert same(run(parts)[0], run(parts, snapshots)[0])


def test_only_the_newest_is_kept(parts, snapshots):
    run(parts, snapshots)

    assert [path.name[:13] for path in snapshots.directory.iterdir()] == [f"step-{STEPS:08d}"]


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE = {
    "truncated": lambda content: content[:-1],
    "empty": lambda content: b"",
    "weight": lambda content: flipped(content, len(content) - 9),
    "header": lambda content: flipped(content, 3),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_snapshot_moves_aside_and_the_run_starts_anew(parts, snapshots, damage, caplog):
    with pytest.raises(Killed):
        run(parts, snapshots, 6)
    (path,) = snapshots.directory.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    weights, report = run(parts, snapshots)

    assert report.resumed_at == ()
    assert same(run(parts)[0], weights)
    assert path.with_suffix(".damaged").exists()
    assert "is damaged and now has the suffix .damaged" in caplog.text


def test_a_snapshot_of_another_origin_is_not_mixed_in(parts, snapshots, caplog):
    with pytest.raises(Killed):
        run(parts, snapshots, 6)
    elsewhere = Snapshots(snapshots.directory, 0.0, {"threads": 2})

    assert run(parts, elsewhere)[1].resumed_at == ()
    assert "is of another device, thread count or library; the training starts anew" in caplog.text


def test_a_full_disk_ends_no_training(parts, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    weights, _ = run(parts, Snapshots(tmp_path / "file" / "unfinished", 0.0, {}))

    assert same(run(parts)[0], weights)
    assert "no snapshot of step 1" in caplog.text


def test_snapshots_are_due_after_their_time(snapshots, monkeypatch):
    clock = iter([100.0, 109.9, 110.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    waiting = Snapshots(snapshots.directory, 10.0, {})

    assert list(islice(iter(waiting.due, None), 2)) == [False, True]
