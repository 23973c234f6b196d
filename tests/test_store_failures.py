"""The failure memory of a session."""

import os

import pytest

from bench.canonical import digest
from bench.errors import BadInput
from bench.store import Failure, Failures

KEY = digest("failed")


def test_workers_share_what_failed(tmp_path):
    Failures(tmp_path, "s1").remember(KEY, "me5-snli-xnli-en-s0", "loss is nan")

    assert Failures(tmp_path, "s1").find(KEY) == Failure(KEY, "me5-snli-xnli-en-s0", "loss is nan")
    assert Failures(tmp_path, "s1").find(digest("other")) is None
    assert Failures(tmp_path, "s2").find(KEY) is None


def test_the_first_failure_stays(tmp_path):
    failures = Failures(tmp_path, "s1")
    first = failures.remember(KEY, "first", "loss is nan")

    assert failures.remember(KEY, "second", "out of memory") == first
    assert failures.find(KEY) == first


def test_any_message_survives(tmp_path):
    message = 'file "\udcff" \x00 \n ümlaut \\'
    Failures(tmp_path, "s1").remember(KEY, "first", message)

    assert Failures(tmp_path, "s1").find(KEY).message == message


def test_old_sessions_are_forgotten(tmp_path):
    """A session of which nobody asked for a day goes; one that still asks, however old, stays."""
    old, asking = Failures(tmp_path, "old"), Failures(tmp_path, "asking")
    for failures in (old, asking):
        failures.remember(KEY, "first", "loss is nan")
    for name in ("old", "asking"):
        os.utime(tmp_path / "sessions" / name, (0, 0))
    asking.find(KEY)
    Failures(tmp_path, "new")

    assert [path.name for path in (tmp_path / "sessions").iterdir()] == ["asking"]
    assert old.find(KEY) is None
    assert old.remember(KEY, "again", "still nan").condition_id == "again"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"null", b'{"key":"k"}', b'{"condition_id":"a","key":"k","message":1}', b"[" * 9_999],
)
def test_a_file_that_holds_no_failure_is_none_and_is_replaced(tmp_path, caplog, content):
    failures = Failures(tmp_path, "s1")
    failures.remember(KEY, "first", "loss is nan")
    path = tmp_path / "sessions" / "s1" / f"{KEY}.json"
    path.write_bytes(content)

    assert failures.find(KEY) is None
    assert f"{path} holds no failure (" in caplog.text
    assert failures.remember(KEY, "second", "still nan") == failures.find(KEY) == Failure(KEY, "second", "still nan")


@pytest.mark.parametrize("session", ["", "..", ".hidden", "a/b", "a\n"])
def test_bad_session_id_is_refused(tmp_path, session):
    with pytest.raises(BadInput, match=r"but it consists of letters, digits, '_', '-' and '\.' only"):
        Failures(tmp_path, session)


def test_bad_key_is_refused(tmp_path):
    with pytest.raises(BadInput, match="but a key is 64 digits"):
        Failures(tmp_path, "s1").find("../outside")
