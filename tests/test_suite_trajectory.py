"""`--trajectory`: what a fine-tuning run said on its way, beside rows that are else what they were."""

import pytest

from bench.rows import POINT_METRICS, reproducible_part
from bench.store import Store, default_root
from bench.training.trajectory import planned_steps

ONE = ("-k", "none")


def by_key(rows):
    return {row.key: row for row in rows}


def without(row):
    return {name: value for name, value in reproducible_part(row).items() if name != "trajectory"}


def test_rows_say_what_the_training_said_on_its_way_and_are_else_the_same(suite, tiny, pytester, monkeypatch):
    plain = by_key(suite(*tiny, *ONE).rows)
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
    rows = by_key(suite(*tiny, *ONE, "--trajectory", "3").rows)

    assert {key: without(row) for key, row in rows.items()} == {key: without(row) for key, row in plain.items()}
    assert {row.recalibration for row in rows.values() if row.trajectory} == {"none"}
    for points in (row.trajectory for row in rows.values() if row.recalibration == "none"):
        steps = [point["step"] for point in points]
        assert len(steps) > 1
        assert steps == list(planned_steps(steps[-1], 3))
        assert all(set(point) == {"step", "examples", "predictions", *POINT_METRICS} for point in points)
    assert all("trajectory" not in row.data for row in plain.values())


@pytest.mark.parametrize("dropped", [False, True], ids=["kept checkpoint", "dropped checkpoint"])
def test_points_that_are_asked_for_after_the_training_are_read_on_its_way_once_more(suite, tiny, monkeypatch, dropped):
    from bench import work

    plain = by_key(suite(*tiny, *ONE).rows)
    store = Store(default_root())
    for entry in store.entries("checkpoint") if dropped else ():
        store.remove(entry)
    trained = []
    finetune = work._finetune
    monkeypatch.setattr(work, "_finetune", lambda *args: trained.append(args[2]) or finetune(*args))
    plan = suite(*tiny, *ONE, "--trajectory", "2", "--plan").result
    rows = by_key(suite(*tiny, *ONE, "--trajectory", "2").rows)

    plan.stdout.fnmatch_lines(["Plan on cpu, by static estimates: 1 trainings would run*"])
    assert trained == ["target"]
    assert {key: without(row) for key, row in rows.items()} == {key: without(row) for key, row in plain.items()}
    assert all(len(row.trajectory) == 2 for row in rows.values() if row.recalibration == "none")

    monkeypatch.setattr(work, "produce", None)
    again = suite(*tiny, *ONE, "--trajectory", "2")
    assert set(again.statuses) == {"cached"}
    assert {key: row.data.get("trajectory") for key, row in by_key(again.rows).items()} == {
        key: row.data.get("trajectory") for key, row in rows.items()
    }


def test_a_kept_checkpoint_is_left_as_it_was_when_its_way_is_gone_again(suite, tiny, pytester):
    suite(*tiny, *ONE, "--keep-checkpoints")
    (before,) = Store(default_root()).entries("checkpoint")
    rows = suite(*tiny, *ONE, "--keep-checkpoints", "--trajectory", "1").rows
    (after,) = Store(default_root()).entries("checkpoint")

    assert before.manifest == after.manifest
    assert not before.path.parents[2].joinpath("unfinished", "checkpoint", before.key).exists()
    assert {len(row.trajectory) for row in rows} == {0, 1}


def test_a_run_that_was_stopped_while_it_was_read_keeps_its_points_and_goes_on(suite, tiny, pytester, monkeypatch):
    from bench import work

    options = (*tiny, *ONE, "--trajectory", "2", "--snapshot-every", "0")
    whole = by_key(suite(*options).rows)
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
    (last,) = {row.trajectory[-1]["step"] for row in whole.values() if row.trajectory}
    predict = work._predict

    def stopped(*arguments):
        if arguments[-1].get("step") == last:
            raise RuntimeError("stopped")
        predict(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(work, "_predict", stopped)
        suite(*options)
    store = Store(default_root())
    first = [entry.manifest for entry in store.entries("predictions")]
    again = by_key(suite(*options).rows)

    # The mirror's texts are the same in both languages, and so are their predictions.
    assert len(first) == 1
    assert first == [store.find("predictions", manifest.key).manifest for manifest in first]
    assert {key: reproducible_part(row) for key, row in again.items()} == {
        key: reproducible_part(row) for key, row in whole.items()
    }
    (resumed,) = {
        tuple(entry.manifest.provenance["train"]["resumed_at"])
        for entry in store.entries("predictions")
        if entry.manifest.provenance["train"]
    }
    assert resumed == (last - 1,)


def test_a_negative_number_of_points_ends_the_run(suite):
    result = suite("--trajectory", "-1", subprocess=True).result

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*Got trajectory=-1, but a fine-tuning run is read at 0 or more steps; 0 turns*"])
