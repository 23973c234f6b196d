"""Reports are written again for what changed in rows, code or themselves, and for nothing else."""

import json

import pytest

from bench.report import fresh
from bench.report.fresh import STAMP, are_fresh, made_from, write_stamp


@pytest.fixture
def output(tmp_path):
    """A directory whose pages are noted as made from its rows and ledger."""
    for name in ("rows", "ledger", "page.md", "figure.svg"):
        (tmp_path / name).write_text(name)
    write_stamp(tmp_path, of(tmp_path), [tmp_path / "page.md", tmp_path / "figure.svg"])
    return tmp_path


def of(directory):
    sources = [directory / name for name in ("rows", "ledger")]
    return made_from(sources) if all(path.exists() for path in sources) else "gone"


def test_what_is_as_it_was_left_is_fresh(output):
    assert are_fresh(output, of(output))


@pytest.mark.parametrize("name", ["rows", "ledger", "page.md", "figure.svg"])
def test_a_change_and_a_loss_are_found(output, name):
    (output / name).write_text("changed")
    assert not are_fresh(output, of(output))
    (output / name).unlink()
    assert not are_fresh(output, of(output))
    (output / name).write_text(name)
    assert are_fresh(output, of(output))


@pytest.mark.parametrize("what", ["_code", "_versions"])
def test_other_code_writes_again(output, monkeypatch, what):
    monkeypatch.setattr(fresh, what, lambda: "another")
    assert not are_fresh(output, of(output))


def test_the_code_is_all_that_the_package_holds_but_weights(monkeypatch, tmp_path):
    package = tmp_path / "bench"
    (package / "report").mkdir(parents=True)
    monkeypatch.setattr(fresh, "__file__", str(package / "report" / "fresh.py"))
    code = fresh._code.__wrapped__
    before = code()
    (package / "weights.safetensors").touch()
    assert code() == before
    for name in ("page.css", "table.csv", "module.py"):
        (package / name).touch()
        assert code() != before
        before = code()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"files": 3, "made_from": ""}', b"\xff"])
def test_a_stamp_that_is_none_is_not_believed(output, content):
    (output / STAMP).write_bytes(content)
    assert not are_fresh(output, of(output))


def test_without_a_stamp_nothing_is_fresh(output):
    (output / STAMP).unlink()
    assert not are_fresh(output, of(output))


def test_a_report_of_no_digest_is_not_believed(output):
    noted = json.loads((output / STAMP).read_text())
    noted["files"]["page.md"] = None
    (output / STAMP).write_text(json.dumps(noted))
    assert not are_fresh(output, of(output))
