"""Where the store is when nobody says, and what happens when it cannot be there."""

import sys
from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.store import Store, default_root


def test_unwritable_root_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        BadInput, match=r"file/store', which cannot be written \(Not a directory\).*--store or CROSSCAL"
    ):
        Store(tmp_path / "file" / "store")


def test_default_root_prefers_the_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSCAL_HOME", "~/here")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert default_root() == tmp_path / "here"


@pytest.mark.parametrize(
    ("system", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/caches", "/caches/crosscal"),
        ("linux", "XDG_CACHE_HOME", "relative", "/home/me/.cache/crosscal"),
        ("linux", "XDG_CACHE_HOME", "", "/home/me/.cache/crosscal"),
        ("darwin", "XDG_CACHE_HOME", "/caches", "/home/me/Library/Caches/crosscal"),
        ("win32", "LOCALAPPDATA", "/local", "/local/crosscal"),
        ("win32", "LOCALAPPDATA", "", "/home/me/AppData/Local/crosscal"),
    ],
)
def test_default_root_is_the_users_cache(monkeypatch, system, variable, value, expected):
    monkeypatch.delenv("CROSSCAL_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "platform", system)

    assert default_root() == Path(expected)


def test_no_home_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("CROSSCAL_HOME", "~nobody_by_this_name/store")
    with pytest.raises(BadInput, match=r"No place for the store .* name a directory with --store or CROSSCAL_HOME"):
        default_root()
