"""Engine and Trainer learn the same, and what is written of it."""

from dataclasses import replace

import numpy as np
import pytest

from bench.throughput.measure import phase_of
from tests.loss_curves import SIDES, Run, Work, by_engine, by_trainer, runs_of, smoothed, table, write
from tests.tiny_models import make_tiny_model, nli_split


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A tiny model on 60 texts: 60 steps of 8."""
    pytest.importorskip("accelerate", reason="Trainer needs the dependency group `peers`")
    directory = make_tiny_model(tmp_path_factory.mktemp("model"), architecture="bert", positions=130)
    phase = replace(phase_of("float32", 60), batch_size=8, dropout=0.0, learning_rate=1e-2)
    return Work(directory, None, nli_split(60), nli_split(30, "test"), phase)


@pytest.mark.parametrize("frozen", [False, True])
def test_without_dropout_both_take_the_same_steps(work, tmp_path, frozen):
    phase = replace(work.phase, freeze_embeddings=frozen)
    ours, encoder, *_ = by_engine(work, phase, 0)
    theirs, other, *_ = by_trainer(work, phase, 0, tmp_path)

    assert len(ours) == len(theirs) == 60
    assert ours[-1] < ours[0] - 0.1
    np.testing.assert_allclose(theirs, ours, atol=1e-3)
    for (name, weight), its in zip(encoder.named_parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(its.detach(), weight.detach(), atol=5e-3, err_msg=name)


@pytest.fixture(scope="module")
def runs(work, tmp_path_factory):
    few = replace(work, phase=replace(work.phase, max_steps=4, dropout=None))
    return list(runs_of(few, 2, tmp_path_factory.mktemp("trainer")))


def test_every_side_runs_in_every_dtype_with_every_seed(runs):
    assert len({(run.side, run.dtype, run.seed) for run in runs}) == len(runs) == 2 * 2 * 2
    assert {len(run.losses) for run in runs} == {4}


def test_figure_and_table_are_written(runs, tmp_path):
    write(runs, tmp_path, "Some models.")
    page = (tmp_path / "loss.md").read_text(encoding="utf-8")

    assert page.startswith("# Loss curves\n\nSome models.\n\n| dtype")
    assert page.count("engine − Trainer") == 2
    assert (tmp_path / "loss.png").stat().st_size > 10_000
    drawn = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    assert all(word in drawn for word in (*SIDES, "float32", "bfloat16", "training loss"))


def test_sides_that_predict_alike_have_no_difference(runs):
    alike = [Run(side, "float32", run.seed, [1.0, 0.5], run.predictions) for run in runs[:2] for side in SIDES]
    line = next(line for line in table(alike).splitlines() if "engine − Trainer" in line)

    assert [cell.strip() for cell in line.strip("|").split("|")][4:] == [
        "0.0 (0.0 to 0.0)", "–", "0 (0 to 0)", "0.000 (0.000 to 0.000)",
    ]  # fmt: skip


def test_a_curve_is_the_mean_of_a_twentieth_of_the_steps():
    steps, means = smoothed([float(step) for step in range(1, 61)])
    np.testing.assert_allclose(means, steps)
    assert (steps[0], steps[-1]) == (2, 59)
    assert smoothed([3.0, 1.0])[1].tolist() == [3.0, 1.0]
