"""The store and the results files where the disk is full, permission is missing, the clock or a directory is moved."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from bench.canonical import digest
from bench.store import Failures, Store, manifest
from bench.store import failures as failures_module
from tests.in_process import found_by

KEY, OTHER = digest("one"), digest("other")
DAY = 24 * 3600
FUTURE = 4_000_000_000

# All is imported first: what is hostile later must not keep Python from its modules.
PRELUDE = """
import contextlib, json, logging, os, resource, shutil, signal, sys
from pathlib import Path
import numpy as np
from safetensors.numpy import save_file
from bench.canonical import digest
from bench.report.ledger import LedgerEntry, update_ledger
from bench.rows import read_rows, update_rows
from bench.store import Failures, Store
from tests.row_factory import STUDY, make_row

base, KEY, OTHER = Path(sys.argv[1]), digest("one"), digest("other")
root, results, ledger = base / "store", base / "out" / "results.jsonl", base / "out" / "ledger.json"
warnings = []
logging.getLogger().addHandler(type("Handler", (logging.Handler,), {"emit": lambda self, record: warnings.append(
    record.getMessage())})())

def small(directory):
    (directory / "weights.bin").write_bytes(b"good")
    return {}

def large(directory):
    (directory / "weights.bin").write_bytes(b"good" * 50_000)
    return {}

def tensors(directory):
    save_file({"weights": np.zeros(50_000)}, str(directory / "weights.safetensors"))
    return {}

def entries(count):
    return [LedgerEntry(f"xlmr_base-none-xnli-sw-s{seed}", "failed", "loss is nan", STUDY) for seed in range(count)]

def rows(count):
    return [make_row(seed=seed) for seed in range(count)]

def attempt(call):
    try:
        call()
        return "done"
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def files(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())

found = {}
"""


def run(code, base, *, wrapper=()):
    """Run `code` after PRELUDE in a process of its own and return what it leaves in `found`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return found_by(f"{PRELUDE}\n{code}", base, environment=environment, wrapper=wrapper)


WRITING = """
makers = {"large": large, "tensors": tensors, "manifest": small}
identities = {"manifest": {"name": "x" * 100_000}}
def make(name):
    return Store(root).ensure("checkpoint", digest(name), identities.get(name, {}), makers[name])
def everything():
    return {
        **{name: attempt(lambda: make(name)) for name in makers},
        "rows": attempt(lambda: update_rows(results, rows(60))),
        "ledger": attempt(lambda: update_ledger(ledger, entries(900))),
    }
failures = Failures(root, "session")

update_rows(results, rows(1))
update_ledger(ledger, entries(1))
before = results.read_bytes(), ledger.read_bytes()
fill()
found["full"] = everything()
found["failure"] = failures.remember(KEY, "a case", "loss is nan" * 5_000).message[:11]
found["found again"] = failures.find(KEY).condition_id
found["other process"] = Failures(root, "session").find(KEY) is None
found["warnings"] = warnings[:]
found["unchanged"] = (results.read_bytes(), ledger.read_bytes()) == before
found["out"] = files(results.parent)
found["store"] = [name for name in files(root) if not name.startswith("locks/")]
empty()
found["roomy"] = everything()
found["made"] = [Store(root).verify(entry) for entry in Store(root).entries()]
found["rows"] = len(read_rows(results))
"""

LIMIT = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def fill():
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
def empty():
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""

BALLAST = """
ballast = base / "ballast"
def fill():
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    os.truncate(ballast, max(0, ballast.stat().st_size - 32_768))
def empty():
    ballast.unlink()
"""


def tmpfs(base):
    """The command that runs another one with `base` as a disk of 2 MB that goes with it; skips where it may not."""
    mount = f'mount -t tmpfs -o size=2m none "{base}" && exec "$@"'
    wrapper = ("unshare", "-m", "sh", "-c", mount, "sh")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting is not permitted here")
    return wrapper


@pytest.mark.parametrize(
    ("disk", "reason"), [("limit", "File too large"), ("tmpfs", "No space left on device")], ids=["limit", "tmpfs"]
)
def test_a_full_disk_loses_nothing_and_with_room_the_same_calls_succeed(tmp_path, disk, reason):
    wrapper = tmpfs(tmp_path) if disk == "tmpfs" else ()
    found = run((LIMIT if disk == "limit" else BALLAST) + WRITING, tmp_path, wrapper=wrapper)

    for name in ("large", "tensors", "manifest"):
        said = found["full"][name]
        assert said.startswith(
            f"StoreFailed: Cannot read or write checkpoint {digest(name)[:12]} in {tmp_path}/store ("
        )
        assert reason in said
        assert "nothing published is lost: make room with `crosscal store gc`" in said
    for name, file in (("rows", "results.jsonl"), ("ledger", "ledger.json")):
        assert found["full"][name] == (
            f"BadInput: Cannot write {tmp_path}/out/{file} ({reason}); make room, or name a directory you may write to."
        )
    assert found["unchanged"]
    assert found["out"] == [".ledger.json.lock", ".results.jsonl.lock", "ledger.json", "results.jsonl"]
    assert found["store"] == []
    assert (found["failure"], found["found again"], found["other process"]) == ("loss is nan", "a case", True)
    (warning,) = found["warnings"]
    assert warning == (
        f"Cannot write {tmp_path}/store/sessions/session/{KEY}.json ({reason}), so other processes will try {KEY[:12]} "
        "again; make room or allow writing there."
    )
    assert set(found["roomy"].values()) == {"done"}
    assert found["made"] == [[], [], []]
    assert found["rows"] == 60


@pytest.fixture
def common():
    """A directory that users other than the one of the tests reach."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o777)
    yield base
    shutil.rmtree(base)


# Permission bits mean nothing to root.
AS_NOBODY = """
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
def allow(mode, *paths):
    for path in paths:
        path.chmod(mode)
def frozen(directory):
    return [directory, *(path for path in directory.rglob("*") if path.is_dir())]
store = Store(root)
entry, _ = store.ensure("checkpoint", KEY, {}, small)
failures = Failures(root, "session")
failures.remember(KEY, "a case", "loss is nan")
update_rows(results, rows(1))
update_ledger(ledger, entries(1))
"""

READ_ONLY = """
before = results.read_bytes(), ledger.read_bytes()
allow(0o555, *frozen(root), results.parent)
found["store"] = attempt(lambda: Store(root))
found["cached"] = store.ensure("checkpoint", KEY, {}, large)[1]
found["new"] = attempt(lambda: store.ensure("checkpoint", OTHER, {}, small))
found["remove"] = attempt(lambda: store.remove(entry))
found["failure"] = failures.remember(OTHER, "a case", "loss is nan").message
found["find"] = failures.find(KEY).message, failures.find(OTHER).message
found["rows"] = attempt(lambda: update_rows(results, rows(2)))
found["ledger"] = attempt(lambda: update_ledger(ledger, entries(2)))
found["unchanged"] = (results.read_bytes(), ledger.read_bytes()) == before
allow(0o755, *frozen(root), results.parent)
found["after"] = attempt(lambda: (store.ensure("checkpoint", OTHER, {}, small), update_rows(results, rows(2))))
"""


def test_a_store_that_is_read_only_serves_what_it_has_and_says_what_it_cannot(common):
    found = run(AS_NOBODY + READ_ONLY, common)

    assert found["store"] == (
        f"BadInput: Got store='{common}/store', which cannot be written (Permission denied); "
        "name another directory with --store or CROSSCAL_HOME."
    )
    assert found["cached"] is False
    for name, key in (("new", OTHER), ("remove", KEY)):
        assert found[name].startswith(f"StoreFailed: Cannot read or write checkpoint {key[:12]} in {common}/store (")
        assert "Permission denied: '" in found[name]
        assert "allow reading and writing there, or name another directory with --store or CROSSCAL_HOME" in found[name]
    assert (found["failure"], found["find"]) == ("loss is nan", ["loss is nan", "loss is nan"])
    for name, file in (("rows", "results.jsonl"), ("ledger", "ledger.json")):
        assert found[name].startswith(f"BadInput: Cannot write {common}/out/{file} (Permission denied); make room, or ")
    assert found["unchanged"]
    assert found["after"] == "done"


UNREADABLE = """
places = {"file": entry.path / "weights.bin", "manifest": entry.path / "manifest.json", "all": entry.path}
for name, path in places.items():
    allow(0, path)
    found[name] = [attempt(call) for call in (
        lambda: store.find("checkpoint", KEY, hashed=True),
        lambda: store.ensure("checkpoint", KEY, {}, large),
        lambda: store.verify(entry),
        lambda: list(store.entries()) if name != "file" else store.verify(entry),
    )]
    allow(0o755, path)
found["sound"] = store.verify(entry)
failure = root / "sessions" / "session" / f"{KEY}.json"
allow(0, failure)
found["failure"] = failures.find(KEY) is None
allow(0, results)
found["rows"] = attempt(lambda: update_rows(results, rows(2)))
allow(0o644, results)
found["kept"] = len(read_rows(results))
"""


def test_what_may_not_be_read_is_named_and_neither_moved_nor_made_again(common):
    found = run(AS_NOBODY + UNREADABLE, common)

    for name in ("file", "manifest", "all"):
        for said in found[name]:
            assert said.startswith(f"StoreFailed: Cannot read or write checkpoint {KEY[:12]} in {common}/store (")
            assert "Permission denied: '" in said
    assert found["sound"] == []
    assert found["failure"]
    assert found["rows"].startswith(f"BadInput: Cannot read {common}/out/results.jsonl (Permission denied); ")
    assert found["kept"] == 1


DAMAGED = """
(entry.path / "weights.bin").write_bytes(b"damaged")
allow(0o555, *frozen(root))
found["find"] = attempt(lambda: store.find("checkpoint", KEY))
allow(0o755, *frozen(root))
found["again"] = store.ensure("checkpoint", KEY, {}, small)[1]
"""


def test_a_damaged_artefact_that_cannot_be_moved_aside_is_not_used(common):
    found = run(AS_NOBODY + DAMAGED, common)

    assert found["find"].startswith(f"StoreFailed: Cannot read or write checkpoint {KEY[:12]} in {common}/store (")
    assert found["again"]


VANISHING = """
def vanish_then(write):
    def make(directory):
        shutil.rmtree(root)
        return write(directory)
    return make
def write_then_vanish(directory):
    small(directory)
    shutil.rmtree(root)
    return {}
def read_elsewhere(directory):
    (base / "no data").read_bytes()

store = Store(root)
found["before"] = attempt(lambda: store.ensure("checkpoint", KEY, {}, vanish_then(small)))
Store(root)
found["after"] = attempt(lambda: store.ensure("checkpoint", KEY, {}, write_then_vanish))
found["missing"] = [store.find("checkpoint", KEY), list(store.entries())]
found["again"] = store.ensure("checkpoint", KEY, {}, small)[1]
shutil.rmtree(root)
found["found after"] = store.ensure("checkpoint", KEY, {}, small)[1]
found["elsewhere"] = attempt(lambda: store.ensure("checkpoint", OTHER, {}, read_elsewhere))
failures = Failures(root, "session")
failures.remember(KEY, "a case", "loss is nan")
shutil.rmtree(root)
found["failures"] = [failures.find(KEY), failures.remember(KEY, "another", "again").condition_id]
update_rows(results, rows(1))
shutil.rmtree(results.parent)
update_rows(results, rows(2))
found["rows"] = len(read_rows(results))
"""


def test_a_directory_that_vanishes_is_told_or_made_anew(tmp_path):
    found = run(VANISHING, tmp_path)

    for name in ("before", "after"):
        assert found[name].startswith(f"StoreFailed: Cannot read or write checkpoint {KEY[:12]} in {tmp_path}/store (")
        assert "No such file or directory: '" in found[name]
    assert found["missing"] == [None, []]
    assert (found["again"], found["found after"]) == (True, True)
    # What a maker does not find elsewhere is not the store's fault.
    assert found["elsewhere"].startswith("FileNotFoundError: ")
    assert found["failures"] == [None, "another"]
    assert found["rows"] == 2


def write_in_the_future(directory):
    (directory / "weights.bin").write_bytes(b"good")
    os.utime(directory / "weights.bin", (FUTURE, FUTURE))
    return {}


def test_an_artefact_of_the_future_is_found_and_checked_like_any_other(tmp_path, monkeypatch):
    class Ahead(manifest.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(FUTURE, tz)

    monkeypatch.setattr(manifest, "datetime", Ahead)
    store = Store(tmp_path / "store")
    made, _ = store.ensure("checkpoint", KEY, {}, write_in_the_future)
    monkeypatch.undo()
    for path in (made.path, *made.path.parents[:2]):
        os.utime(path, (FUTURE, FUTURE))

    assert made.manifest.created.startswith("2096-")
    assert store.find("checkpoint", KEY, hashed=True) == made
    assert list(store.entries()) == [made]
    assert store.verify(made) == []
    (made.path / "weights.bin").write_bytes(b"evil")
    os.utime(made.path / "weights.bin", (FUTURE, FUTURE))
    assert "weights.bin has sha256 " in store.verify(made)[0]
    assert store.ensure("checkpoint", KEY, {}, write_in_the_future)[1]


def test_a_session_of_the_future_is_kept_for_a_day_and_not_for_ever(tmp_path, monkeypatch):
    ahead = Failures(tmp_path, "ahead")
    ahead.remember(KEY, "a case", "loss is nan")
    directory = tmp_path / "sessions" / "ahead"
    os.utime(directory, (FUTURE, FUTURE))
    now = directory.stat().st_ctime

    Failures(tmp_path, "next")
    assert json.loads((directory / f"{KEY}.json").read_bytes())["message"] == "loss is nan"
    monkeypatch.setattr(failures_module.time, "time", lambda: now + DAY - 60)
    Failures(tmp_path, "same_day")
    assert directory.exists()
    monkeypatch.setattr(failures_module.time, "time", lambda: now + DAY + 60)
    Failures(tmp_path, "day_after")
    assert not directory.exists()


def test_a_clock_set_back_loses_no_failure_of_the_session(tmp_path, monkeypatch):
    asking = Failures(tmp_path, "asking")
    asking.remember(KEY, "a case", "loss is nan")
    written = (tmp_path / "sessions" / "asking").stat().st_mtime
    monkeypatch.setattr(failures_module.time, "time", lambda: written - 365 * DAY)
    Failures(tmp_path, "next")

    assert asking.find(KEY).message == "loss is nan"
