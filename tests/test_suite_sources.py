"""A model of one's own runs from a directory, from a mirror, and from a stand-in for the hub."""

import pytest

from bench.data.dataset_spec import dataset_spec
from tests.conftest import TINY
from tests.hub_stand_in import Repo, StandIn, serving

AXES = ("--models", "xlmr_mini", "--languages", "en,sw", "--seeds", "0", "--protocol", "frugal", "-k", "none")


@pytest.fixture
def stand_in(tiny_mirror):
    """A server that answers like the hub for everything the small mirror has."""
    repos = [Repo("models", TINY, tiny_mirror / "models" / TINY)]
    for name in ("xnli", "mnli", "snli"):
        spec = dataset_spec(name)
        repos.append(Repo("datasets", spec.repo, tiny_mirror / "datasets" / spec.repo, spec.revision))
    with serving(StandIn(repos)) as server:
        yield server


def test_from_a_directory(suite, tiny_mirror):
    finished = suite("--model", f"xlmr_mini={tiny_mirror / 'models' / TINY}", *AXES)

    assert finished.statuses == {"run": 2}
    assert all("local_model" in row.flags for row in finished.rows)


def test_from_a_mirror(suite):
    finished = suite("--model", f"xlmr_mini=hub:{TINY}", *AXES)

    assert finished.statuses == {"run": 2}
    assert not any({"local_model", "stand_in"} & set(row.flags) for row in finished.rows)


def test_from_a_stand_in_for_the_hub_counted_apart(suite, stand_in, monkeypatch):
    """HF_ENDPOINT is read when the hub's library is imported, so the run is a process of its own."""
    monkeypatch.delenv("CROSSCAL_MIRROR")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
    finished = suite("--model", f"xlmr_mini=hub:{TINY}", *AXES, subprocess=True)

    assert finished.statuses == {"stand-in": 2}
    assert all({"stand_in", "unpinned"} <= set(row.flags) for row in finished.rows)
    finished.result.stdout.fnmatch_lines(["*run 0, cached 0, stand-in 2, skipped 0*"])


def test_a_hub_without_the_model_is_an_error_not_a_skip(suite, stand_in, monkeypatch):
    monkeypatch.delenv("CROSSCAL_MIRROR")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
    finished = suite("--model", "xlmr_mini=hub:acme/other", *AXES, subprocess=True)

    assert set(finished.statuses) == {"failed"}
    assert "answered 404 for model acme/other" in finished.ledger.entries[0].reason


def test_a_catalog_model_whose_config_is_another_ones_is_an_error(suite, tiny_mirror, pytester, monkeypatch):
    import shutil

    mirror = shutil.copytree(tiny_mirror, pytester.path / "mirror")
    shutil.copytree(mirror / "models" / TINY, mirror / "models/google-bert/bert-base-multilingual-cased")
    monkeypatch.setenv("CROSSCAL_MIRROR", str(mirror))
    finished = suite("--models", "mbert", "--languages", "en", "--seeds", "0", "--budget", "1000", "-k", "none")

    assert finished.statuses == {"failed": 1}
    reason = finished.ledger.entries[0].reason
    assert "says hidden_size=16, but the catalog row says 768" in reason
    assert "--model <token>=DIR" in reason
