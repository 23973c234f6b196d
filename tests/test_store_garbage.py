"""Clearing the store: leftovers go, what a baseline needs and what somebody works on never."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench
from bench.canonical import canonical_json, digest
from bench.errors import BadInput, Corrupt
from bench.store import Failures, Store
from bench.store import garbage as garbage_module
from bench.store.garbage import collect, damage, size_of
from bench.store.location import stored
from bench.store.pins import pin, pins

DAY = 24 * 3600
HOLDER = """
import sys
from pathlib import Path
from bench.store import Store
with Store(Path(sys.argv[1])).lock(sys.argv[2], sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""


def publish(store, kind, identity):
    key = digest(identity)
    store.publish(kind, key, identity, {}, lambda directory: (directory / "content").write_text("12345"))
    return kind, key


def home(store, artefact):
    kind, key = artefact
    return store.root / kind / key[:2] / key


def leave(store, artefact):
    leftover = home(store, artefact).with_name(f".tmp-{artefact[1]}-01234567")
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("half")
    return leftover


def snapshot(store, artefact):
    directory = store.unfinished(*artefact)
    directory.mkdir(parents=True)
    (directory / "step-00000001.safetensors").write_text("state")
    return directory


def paths(*arguments, **options):
    return [each.path for each in collect(*arguments, **options)]


def names(store):
    return {artefact[:2] for artefact in stored(store.root)}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def chain(store):
    checkpoint = publish(store, "checkpoint", {"seed": 0})
    test = publish(store, "predictions", {"checkpoint": checkpoint[1]})
    return [checkpoint, test, publish(store, "row", {"test": test[1]})]


@pytest.fixture
def later(monkeypatch):
    """Let that many days pass for the rules, not for the files."""

    def pass_days(days):
        now = time.time() + days * DAY
        monkeypatch.setattr(garbage_module.time, "time", lambda: now)

    return pass_days


@pytest.fixture
def hold():
    """Hold an artefact's lock in another process."""
    holders = []

    def start(store, artefact):
        environment = {**os.environ, "PYTHONPATH": str(Path(bench.__file__).parents[1])}
        command = [sys.executable, "-c", HOLDER, str(store.root), *artefact]
        holders.append(
            subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert holders[-1].stdout.readline() == "held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.communicate()


def test_by_default_only_leftovers_go(store, chain, later):
    leftover, other = leave(store, chain[0]), leave(store, ("row", "f" * 64))
    published, open_ = snapshot(store, chain[0]), snapshot(store, ("checkpoint", "e" * 64))
    Failures(store.root, "old").remember("f" * 64, "a", "loss is nan")
    (store.root / "digests").mkdir()
    (store.root / "pocket" / "w0").mkdir(parents=True)
    (store.root / "quarantine" / f"row-{'d' * 64}-01234567").mkdir(parents=True)
    later(1000)

    assert paths(store) == [leftover, other, published, store.root / "sessions" / "old"]
    assert not leftover.exists()
    assert not published.exists()
    assert open_.exists()
    assert names(store) == set(chain)
    assert {"digests", "pocket", "quarantine", "locks"} <= {path.name for path in store.root.iterdir()}
    assert paths(store) == []


def test_only_what_has_the_form_of_a_leftover_is_one(store):
    for name in (".tmp-notes", f".tmp-{'f' * 64}", f".tmp-{'f' * 64}-0123456g"):
        (store.root / "row" / "ff" / name).mkdir(parents=True)
    (store.root / "other" / "ff" / f".tmp-{'f' * 64}-01234567").mkdir(parents=True)

    assert paths(store, older_than=0) == []


def test_a_session_of_today_stays(store, later):
    Failures(store.root, "today").remember("f" * 64, "a", "loss is nan")
    later(0.9)

    assert paths(store, older_than=0) == []


def test_old_artefacts_that_no_baseline_needs_go_on_request(store, chain, later):
    stranger = publish(store, "predictions", {"checkpoint": "f" * 64})
    pin(store.root, "pocket", "", [chain[2]])
    later(31)

    assert paths(store, older_than=30) == [home(store, stranger)]
    assert names(store) == set(chain)
    assert not list(store.root.glob("*/??/.tmp-*"))


def test_what_a_pinned_row_was_made_from_stays_when_the_row_is_damaged(store, chain, later):
    pin(store.root, "pocket", "", [chain[2]])
    (home(store, chain[2]) / "content").write_text("other")
    assert store.find(*chain[2], hashed=True) is None
    later(31)

    assert paths(store, older_than=30) == []
    assert names(store) == set(chain[:2])
    assert len(list((store.root / "quarantine").iterdir())) == 1


def test_young_artefacts_stay(store, chain, later):
    later(29)

    assert paths(store, older_than=30) == []
    assert names(store) == set(chain)


def test_an_artefact_made_after_the_clock_was_set_back_stays(store, chain, later):
    later(-365)

    assert paths(store, older_than=0) == []


def test_a_damaged_artefact_is_left_to_verify(store, chain, later):
    (home(store, chain[0]) / "manifest.json").write_text("{}")
    later(31)

    assert paths(store, older_than=30) == [home(store, each) for each in chain[1:]]
    assert home(store, chain[0]).exists()


def test_a_released_baseline_protects_no_longer(store, chain, later):
    pin(store.root, "a", "", [chain[2]])
    pin(store.root, "b", "", [chain[1]])
    later(31)

    assert paths(store, older_than=30, released="a") == [home(store, chain[2])]
    assert [each.name for each in pins(store.root)] == ["b"]
    assert names(store) == set(chain[:2])


def test_releasing_alone_removes_no_artefact(store, chain, later):
    pin(store.root, "a", "", [chain[2]])
    later(1000)

    assert paths(store, released="a") == []
    assert pins(store.root) == []
    assert names(store) == set(chain)


def test_a_dry_run_says_the_same_and_changes_nothing(store, chain, later):
    publish(store, "intermediate", {"seed": 1})
    pin(store.root, "a", "", [chain[2]])
    pin(store.root, "b", "", [chain[1]])
    for artefact in chain:
        leave(store, artefact)
        snapshot(store, artefact)
    Failures(store.root, "old").remember("f" * 64, "a", "loss is nan")
    (store.root / "quarantine" / "odd").mkdir(parents=True)
    later(31)

    def everything():
        return sorted(path for path in store.root.rglob("*") if "locks" not in path.parts)

    before = everything()
    announced = list(collect(store, 30, "a", dry_run=True))
    assert everything() == before
    assert len(announced) == 3 + 3 + 1 + 2 + 1
    assert list(collect(store, 30, "a")) == announced
    assert not any(each.path.exists() for each in announced)


def test_what_another_process_works_on_stays(store, chain, later, hold):
    leftovers = [leave(store, artefact) for artefact in chain]
    snapshots = [snapshot(store, artefact) for artefact in chain]
    holder = hold(store, chain[0])
    later(31)

    expected = [*leftovers[1:], *snapshots[1:], *(home(store, each) for each in chain[1:])]
    assert set(paths(store, older_than=30, dry_run=True)) == set(expected)
    assert set(paths(store, older_than=30)) == set(expected)
    assert leftovers[0].exists()
    assert snapshots[0].exists()
    assert names(store) == {chain[0]}
    holder.communicate()
    assert set(paths(store, older_than=30)) == {leftovers[0], snapshots[0], home(store, chain[0])}


def test_snapshots_stay_when_what_was_published_is_damaged(store, chain):
    kept = snapshot(store, chain[0])
    (home(store, chain[0]) / "content").write_text("longer than before")

    assert paths(store) == []
    assert kept.exists()


def test_an_interrupted_training_goes_when_it_is_old_and_no_baseline_needs_it(store, later):
    wanted, unwanted = ("checkpoint", "a" * 64), ("checkpoint", "b" * 64)
    directories = [snapshot(store, each) for each in (wanted, unwanted)]
    pin(store.root, "a", "", [wanted])
    later(31)

    assert paths(store, older_than=32) == []
    assert paths(store, older_than=30) == [directories[1]]


def test_quarantine_goes_when_it_is_old_unless_it_is_all_that_a_baseline_has(store, chain, later):
    artefact = chain[2]
    pin(store.root, "a", "", [artefact])
    (home(store, artefact) / "content").write_text("other")
    store.find(*artefact, hashed=True)
    (refuge,) = (store.root / "quarantine").iterdir()

    assert paths(store, older_than=30) == []
    later(31)
    assert paths(store, older_than=30) == []
    publish(store, "row", {"test": chain[1][1]})
    assert paths(store, older_than=30) == [refuge]
    assert names(store) == set(chain)


def test_the_age_of_quarantine_is_not_that_of_the_artefact(store, chain, later):
    (home(store, chain[2]) / "content").write_text("other")
    os.utime(home(store, chain[2]), (0, 0))
    store.find(*chain[2], hashed=True)
    (refuge,) = (store.root / "quarantine").iterdir()

    assert refuge.stat().st_mtime == 0
    assert paths(store, older_than=30) == []
    later(31)
    assert refuge in paths(store, older_than=30)


def test_a_pin_that_cannot_be_read_keeps_everything(store, chain, later):
    leftover = leave(store, chain[0])
    pin(store.root, "a", "", [])
    pin(store.root, "b", "", [chain[2]])
    (store.root / "baselines" / "b.json").write_text("{}")
    later(1000)

    for options in ({}, {"older_than": 0}, {"older_than": 0, "released": "a"}):
        with pytest.raises(Corrupt, match=r"b\.json is no pin"):
            paths(store, **options)
    assert leftover.exists()
    assert names(store) == set(chain)
    assert (store.root / "baselines" / "a.json").exists()


@pytest.mark.parametrize("days", [-1, float("nan"), float("inf")])
def test_an_impossible_age_is_refused(store, days):
    with pytest.raises(BadInput, match=f"Got older_than={days:g}, but an age is a number of days of 0 or more"):
        paths(store, older_than=days)


def test_a_link_is_removed_and_not_what_it_leads_to(store, chain, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    link = home(store, chain[0]).with_name(f".tmp-{chain[0][1]}-01234567")
    link.symlink_to(tmp_path / "precious")

    assert paths(store) == [link]
    assert not link.is_symlink()
    assert (tmp_path / "precious" / "file").exists()


def test_nobody_finds_an_artefact_half_removed(store, chain, later, monkeypatch):
    """Killed in the middle of a removal, it leaves nothing under the artefact's name."""

    def killed(path):
        raise KeyboardInterrupt

    later(31)
    monkeypatch.setattr(garbage_module.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        paths(store, older_than=30)
    monkeypatch.undo()

    assert names(store) == set(chain[1:])
    assert len(paths(store)) == 1


def test_sizes_and_reasons_are_told(store, chain, later):
    leave(store, chain[0])
    (found,) = collect(store)

    assert (found.reason, found.size) == ("left by a killed process", 4)
    later(31)
    reasons = {each.reason for each in collect(store, 30)}
    assert len(reasons) == 1
    assert next(iter(reasons)).endswith(", needed by no baseline")


def test_size_is_that_of_all_files_below(tmp_path):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "a").write_bytes(b"123")
    (tmp_path / "deep" / "deeper" / "b").write_bytes(b"4567")

    assert size_of(tmp_path / "deep") == 7
    assert size_of(tmp_path / "deep" / "a") == 3
    assert size_of(tmp_path / "nothing") == 0


def test_a_look_tells_damage_and_touches_nothing(store, chain):
    path = home(store, chain[0])
    assert damage(path, *chain[0]) == ""
    (path / "content").write_text("123")
    assert damage(path, *chain[0]) == "content has 3 bytes instead of 5"
    (path / "content").unlink()
    assert "No such file" in damage(path, *chain[0])
    (path / "content").mkdir()
    assert damage(path, *chain[0]) == "content is not a plain file"
    (path / "manifest.json").write_text(canonical_json({}))
    assert "is no manifest" in damage(path, *chain[0])
    assert path.exists()
