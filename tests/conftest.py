"""A small mirror with invented sentences and a tiny random encoder, and a way to run the suites on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

# A run inside the test process forgets the modules it was first to import: what tests patch is imported before.
import bench.modeling.predict
import bench.training.checkpoint_io
import bench.training.finetune
import bench.work  # noqa: F401
from bench.report.ledger import Ledger, read_ledger
from bench.rows import Row, read_rows
from tests.frame_files import write_frame
from tests.nli_files import triples, write_manifest, write_nli
from tests.tiny_models import make_tiny_model

ROOT = Path(__file__).parents[1]
TINY = "acme/tiny"


@pytest.fixture(scope="session")
def tiny_mirror(tmp_path_factory):
    """A mirror with XNLI in en, sw and tr, MNLI, SNLI, the other targets in en, de and sw, and the model acme/tiny."""
    mirror = tmp_path_factory.mktemp("mirror")
    xnli = mirror / "datasets" / "facebook" / "xnli"
    for language in ("en", "sw", "tr"):
        write_nli(xnli / language / "validation.parquet", triples(12, "dev "))
        write_nli(xnli / language / "test.parquet", triples(20, "test "))
    write_nli(xnli / "en" / "train.parquet", triples(14, "train "))
    write_nli(mirror / "datasets/nyu-mll/glue/mnli/train.parquet", triples(14, "train "), idx=list(range(42)))
    write_nli(mirror / "datasets/stanfordnlp/snli/plain_text/train.parquet", triples(14, "other "))
    write_frame(mirror)
    words = ("box", "is", "red", "claim", "on", "0", "1", "2", "dev", "test", "train", "other")
    make_tiny_model(mirror / "models" / TINY, vocab_words=words, positions=260)
    write_manifest(mirror, note="SUBSET: invented")
    return mirror


@dataclass
class Finished:
    """A finished run of the suites: pytest's own result, and what it wrote."""

    result: pytest.RunResult
    output: Path

    @property
    def rows(self) -> list[Row]:
        return read_rows(self.output / "results.jsonl")

    @property
    def ledger(self) -> Ledger:
        return read_ledger(self.output / "ledger.json")

    @property
    def statuses(self) -> dict[str, int]:
        return {status: count for status, count in self.ledger.counts().items() if count}


@pytest.fixture
def suite(pytester, monkeypatch, tiny_mirror):
    """Return a function that runs the suites in this process on the small mirror, offline, in a store of its own."""
    monkeypatch.setenv("CROSSCAL_MIRROR", str(tiny_mirror))
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "store"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(pytester.path / "hub"))
    # These tests may run in a worker of pytest-xdist, whose sign would turn off the timing of the suite under test.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    output = pytester.path / "output"

    def run(*arguments: str, subprocess: bool = False) -> Finished:
        start = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
        fixed = ("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider", "--output", output)
        return Finished(start(ROOT / "suites", *fixed, *arguments), output)

    return run


@pytest.fixture
def tiny(tiny_mirror):
    """The options for one tiny model of one's own in two languages, one seed."""
    directory = tiny_mirror / "models" / TINY
    return (
        "--model", f"tiny={directory}", "--models", "tiny", "--languages", "en,sw",
        "--seeds", "0", "--protocol", "frugal",
    )  # fmt: skip
