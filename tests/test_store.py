"""The store: made once, never half-visible, never lost when damaged."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bench
from bench.canonical import canonical_json, digest
from bench.errors import BadInput
from bench.store import KINDS, Store

IDENTITY = {"recipe": "tiny", "seed": 0}
KEY = digest(IDENTITY)
OTHER = digest("other")

SLEEPER = """
import sys, time
from pathlib import Path
from bench.store import Store
def make(directory):
    (directory / "weights.bin").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
Store(Path(sys.argv[1])).ensure("checkpoint", sys.argv[2], {}, make)
"""


def start(script, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(Path(bench.__file__).parents[1])}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def write_good(directory):
    (directory / "deep").mkdir()
    (directory / "weights.bin").write_bytes(b"good")
    (directory / "deep" / "config.json").write_bytes(b"{}")
    return {"device": "cpu"}


def must_not_run(directory):
    raise AssertionError("made a second time")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def entry(store):
    return store.ensure("checkpoint", KEY, IDENTITY, write_good)[0]


def test_what_is_published_is_found(store):
    """An artefact comes back with its files, identity and provenance, under root/kind/key[:2]/key."""
    made = store.publish("checkpoint", KEY, IDENTITY, {"device": "cpu"}, write_good)
    found = Store(store.root).find("checkpoint", KEY)

    assert found == made
    assert found.path == store.root / "checkpoint" / KEY[:2] / KEY
    assert set(found.manifest.files) == {"weights.bin", "deep/config.json"}
    assert found.manifest.identity == IDENTITY
    assert found.manifest.provenance == {"device": "cpu"}
    assert found.manifest.files["weights.bin"].size == 4
    assert store.verify(found) == []


def test_the_second_ensure_makes_nothing(store):
    first, made_first = store.ensure("checkpoint", KEY, IDENTITY, write_good)
    second, made_second = store.ensure("checkpoint", KEY, IDENTITY, must_not_run)

    assert (made_first, made_second) == (True, False)
    assert first == second


def test_publishing_twice_keeps_the_first(store, entry):
    assert store.publish("checkpoint", KEY, IDENTITY, {"device": "other"}, must_not_run) == entry


def test_manifest_is_canonical_json(entry):
    text = (entry.path / "manifest.json").read_text()

    assert text == canonical_json(json.loads(text)) + "\n"


def test_a_manifest_that_is_spelled_in_another_way_holds(store):
    entry, _ = store.ensure("checkpoint", KEY, {"seed": 0}, write_good)
    path = entry.path / "manifest.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields, indent=1))
    assert store.find("checkpoint", KEY) == entry
    path.write_text(json.dumps({**fields, "created": "2020"}, indent=1))
    assert store.find("checkpoint", KEY) is None


def test_kinds_do_not_mix(store, entry):
    assert store.find("weights", KEY) is None
    assert store.find("checkpoint", OTHER) is None


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "\n", KEY.upper(), "../" + KEY[3:], "/" + KEY[1:], 7])
def test_bad_key_is_refused(store, key):
    with pytest.raises(BadInput, match=r"but a key is 64 digits of 0-9 and a-f; make one with bench.canonical.digest"):
        store.ensure("row", key, {}, must_not_run)


@given(st.text("./\\~:\0\n 0afZ_", max_size=66))
@settings(max_examples=60, deadline=None)
def test_no_text_leads_outside(tmp_path_factory, text):
    """Whatever is given as a kind or key, nothing is made but a BadInput."""
    store = Store(tmp_path_factory.getbasetemp() / "outside" / "store")
    for kind, key in ((text, KEY), ("row", text)):
        with pytest.raises(BadInput):
            store.find(kind, key)
    assert [path.name for path in store.root.parent.iterdir()] == ["store"]


def test_bad_kind_is_refused(store):
    with pytest.raises(BadInput, match=r"Got kind='rows', but the store keeps only intermediate, .*, tokens\."):
        list(store.entries("rows"))


def test_identity_is_checked_before_the_work(store):
    with pytest.raises(ValueError, match="Out of range"):
        store.ensure("checkpoint", KEY, {"rate": float("nan")}, must_not_run)


def write_nothing(directory):
    return {}


def write_link(directory):
    (directory / "weights.bin").symlink_to("elsewhere")
    return {}


def write_manifest(directory):
    (directory / "manifest.json").write_text("{}")
    return {}


def write_then_fail(directory):
    write_good(directory)
    raise KeyboardInterrupt("stopped")


FAILING = [
    (write_nothing, BadInput, "Got no file for checkpoint"),
    (write_link, BadInput, "weights.bin, a link or device, but an artefact holds plain files; copy its content"),
    (write_manifest, BadInput, "Got a file named manifest.json, but that name belongs to the store"),
    (write_then_fail, KeyboardInterrupt, "stopped"),
]


@pytest.mark.parametrize(("make", "error", "message"), FAILING)
def test_failed_making_leaves_nothing(store, make, error, message):
    """Nothing is visible, nothing is left on disk, and the lock is free for the next attempt."""
    with pytest.raises(error, match=message):
        store.ensure("checkpoint", KEY, IDENTITY, make)

    assert store.find("checkpoint", KEY) is None
    assert list((store.root / "checkpoint" / KEY[:2]).iterdir()) == []
    assert store.ensure("checkpoint", KEY, IDENTITY, write_good)[1]


def test_killed_process_leaves_nothing_visible(store):
    """After SIGKILL while writing: nothing found, no stuck lock, and the leftover goes with the next attempt."""
    with start(SLEEPER, store.root, KEY) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)

    assert store.find("checkpoint", KEY) is None
    assert list(store.entries()) == []
    _, made = store.ensure("checkpoint", KEY, IDENTITY, write_good, waiting=pytest.fail)
    assert made
    assert [path.name for path in (store.root / "checkpoint" / KEY[:2]).iterdir()] == [KEY]


def test_threads_wait_and_say_so(store):
    said, waits = [], threading.Event()

    def waiting(message):
        said.append(message)
        waits.set()

    thread = threading.Thread(target=store.ensure, args=("checkpoint", KEY, IDENTITY, must_not_run, waiting))
    with store.lock("checkpoint", KEY):
        thread.start()
        assert waits.wait(30)
        store.ensure("checkpoint", KEY, IDENTITY, write_good)  # The holder may take its lock again.
    thread.join(30)

    assert not thread.is_alive()
    assert said[0].startswith(f"waiting for another process to make checkpoint {KEY[:12]} (lock ")


def test_race_without_locks_keeps_the_winner(store):
    """Where locks do not reach, the first to publish wins and the other returns the winner's entry."""

    def lose(directory):
        staged = directory.parent / KEY
        shutil.copytree(winner.path, staged, copy_function=shutil.copy2)
        return write_good(directory)

    winner = Store(store.root.parent / "winner").ensure("checkpoint", KEY, IDENTITY, write_good)[0]
    found, made = store.ensure("checkpoint", KEY, IDENTITY, lose)

    assert not made
    assert found.manifest == winner.manifest
    assert [path.name for path in found.path.parent.iterdir()] == [KEY]


def truncate(path):
    os.truncate(path / "weights.bin", 2)


def rewrite(path):
    (path / "weights.bin").write_bytes(b"evil")
    os.utime(path / "weights.bin", ns=(0, 0))


def delete(path):
    (path / "deep" / "config.json").unlink()


def make_directory(path):
    (path / "weights.bin").unlink()
    (path / "weights.bin").mkdir()


def make_link(path):
    (path / "weights.bin").rename(path / "moved.bin")
    (path / "weights.bin").symlink_to("moved.bin")


def make_file(path):
    shutil.rmtree(path)
    path.write_text("not a directory")


def drop_manifest(path):
    (path / "manifest.json").unlink()


def make_manifest_directory(path):
    drop_manifest(path)
    (path / "manifest.json").mkdir()


def edit_manifest(path):
    text = (path / "manifest.json").read_text()
    (path / "manifest.json").write_text(text.replace('"seed":0', '"seed":1'))


def forge_manifest(path):
    """A manifest with a good checksum whose fields are not a manifest's."""
    fields = {"files": {}, "shape": 1}
    (path / "manifest.json").write_text(canonical_json({**fields, "sha256": digest(fields)}))


def list_manifest(path):
    (path / "manifest.json").write_text("[]")


DAMAGE = [
    (truncate, "weights.bin has 2 bytes instead of 4"),
    (rewrite, "weights.bin has sha256 "),
    (delete, "config.json is missing"),
    (make_directory, "weights.bin is not a plain file"),
    (make_link, "weights.bin is not a plain file"),
    (make_file, "is no manifest (["),
    (drop_manifest, "is no manifest ([Errno 2]"),
    (make_manifest_directory, "is no manifest ([Errno 21]"),
    (edit_manifest, "manifest.json was changed after it was written"),
    (forge_manifest, "is no manifest ("),
    (list_manifest, "is no manifest ("),
]


@pytest.mark.parametrize(("damage", "problem"), DAMAGE)
def test_damaged_artefact_is_set_aside_and_made_again(store, entry, damage, problem, caplog):
    """The damage is warned of, kept in quarantine as it was, and the artefact is missing, then good again."""
    damage(entry.path)
    assert problem in store.verify(entry)[0]
    with caplog.at_level(logging.WARNING):
        assert store.find("checkpoint", KEY) is None

    (kept,) = (store.root / "quarantine").iterdir()
    assert problem in caplog.text
    assert f"the damaged checkpoint is now {kept} and will be made again" in caplog.text
    assert kept.is_file() == (damage is make_file)
    again, made = store.ensure("checkpoint", KEY, IDENTITY, write_good)
    assert made
    assert store.verify(again) == []


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_changed_manifest_is_believed(tmp_path_factory, data):
    """Whichever byte of the manifest changes, the artefact is missing or its manifest says what it said."""
    store = Store(tmp_path_factory.getbasetemp() / "bytes")
    entry = store.ensure("checkpoint", KEY, IDENTITY, write_good)[0]
    text = bytearray((entry.path / "manifest.json").read_bytes())
    text[data.draw(st.integers(0, len(text) - 1), "position")] = data.draw(st.integers(0, 255), "byte")
    (entry.path / "manifest.json").write_bytes(text)

    assert store.find("checkpoint", KEY) in (None, entry)


def test_manifest_of_another_artefact_is_damage(store, entry):
    entry.path.parents[1].joinpath(OTHER[:2]).mkdir()
    shutil.copytree(entry.path, entry.path.parents[1] / OTHER[:2] / OTHER)

    assert store.find("checkpoint", OTHER) is None
    assert store.find("checkpoint", KEY) == entry


def test_copied_store_is_still_good(store, entry, tmp_path):
    """A copy that kept contents but no times is hashed, accepted, and gets the times back."""
    shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copyfile)
    found = Store(tmp_path / "copy").find("checkpoint", KEY)

    assert found.manifest == entry.manifest
    recorded = entry.manifest.files["weights.bin"].mtime_ns
    assert recorded == (found.path / "weights.bin").stat().st_mtime_ns


def test_find_does_not_hash(store, entry):
    """A cached case is cheap: content is not read while size and time agree; verify reads it."""
    weights = entry.path / "weights.bin"
    weights.write_bytes(b"evil")
    os.utime(weights, ns=(0, entry.manifest.files["weights.bin"].mtime_ns))

    assert store.find("checkpoint", KEY) == entry
    assert "weights.bin has sha256 " in store.verify(entry)[0]


@pytest.mark.parametrize("link", [False, True])
def test_verify_names_unlisted_files(store, entry, link):
    extra = entry.path / "extra"
    extra.symlink_to("weights.bin") if link else extra.touch()

    assert store.verify(entry) == [f"{extra} is not listed"]


def test_find_under_anothers_lock_waits_for_nothing(store, entry):
    """A damaged artefact that somebody holds the lock of is being made again: missing, and not moved."""
    truncate(entry.path)
    with store.lock("checkpoint", KEY):
        found = []
        thread = threading.Thread(target=lambda: found.append(store.find("checkpoint", KEY)))
        thread.start()
        thread.join(30)

    assert found == [None]
    assert entry.path.exists()


def test_remove_is_final_and_idempotent(store, entry):
    store.remove(entry)
    store.remove(entry)

    assert store.find("checkpoint", KEY) is None
    assert list(entry.path.parent.iterdir()) == []


def test_entries_are_ordered_and_of_one_kind(store):
    made = [store.ensure(kind, key, IDENTITY, write_good)[0] for kind in reversed(KINDS) for key in (OTHER, KEY)]
    (store.root / "row" / "notes.txt").touch()
    shutil.copytree(made[0].path, store.root / made[0].kind / "zz" / made[0].key)  # In a place where none belongs.

    ordered = sorted(made, key=lambda entry: (KINDS.index(entry.kind), entry.key))
    assert list(store.entries()) == ordered
    assert [entry.key for entry in store.entries("row")] == sorted([KEY, OTHER])


def test_the_store_is_a_leaf():
    """Importing it brings no library that trains, and nothing of bench but errors and canonical."""
    script = "import sys, bench.store, bench.store.provenance; print(*sys.modules)"
    with start(script) as process:
        modules = process.stdout.read().split()

    assert not {"torch", "transformers", "datasets", "numpy"} & set(modules)
    ours = {name for name in modules if name.startswith("bench.") and not name.startswith("bench.store")}
    assert ours == {"bench.errors", "bench.canonical", "bench.strict_json"}
