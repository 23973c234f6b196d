"""The throughput suites as a user meets them: what is measured, what is skipped and why."""

import json
import sys

import pytest

# A run inside the test process forgets the modules it was first to import, and torch takes some of them once only.
from transformers import XLMRobertaModel  # noqa: F401

from bench.catalog.models import model
from bench.data.sources import Access
from bench.errors import Unavailable
from bench.throughput import estimates
from bench.throughput.estimates import require_bfloat16, require_fit, require_time
from bench.throughput.measure import phase_of, step_lengths, train_round
from bench.throughput.size import Size, size_of
from bench.throughput.subject import load_subject
from tests.conftest import ROOT

SUITES = ROOT / "suites"


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs one throughput suite in this process, on a CPU without mirrors."""
    monkeypatch.delenv("CROSSCAL_MIRROR", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "store"))
    fixed = ("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider", "--device", "cpu")

    def start(name, *arguments):
        return pytester.runpytest_inprocess(SUITES / name, *fixed, "--output", pytester.path / "output", *arguments)

    return start


def test_a_case_says_what_it_measured(run, tmp_path):
    file = tmp_path / "run.json"
    result = run("test_throughput.py", "--models", "pocket_xs", "-k", "float32", "--benchmark-json", file)
    train, predict = (case["extra_info"] for case in json.loads(file.read_text())["benchmarks"])

    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.fnmatch_lines(["*= throughput =*", "model*tokens/s*", "pocket_xs*real*train step*float32*"])
    for found in (train, predict):
        assert len(found["rates"]) == 3
        assert min(found["rates"]) <= found["tokens_per_s"] <= max(found["rates"])
        assert found["utilisation"] > 0
        assert 0 < found["token_share"] <= 1
        assert found["peak_memory"]["bytes"] > 0
        assert set(found["digests"]) == {"weights", "data"}
    assert (train["what"], predict["what"]) == ("train step", "prediction")


def test_what_needs_a_gpu_is_skipped_and_fails_where_one_is_required(run):
    asked = ("test_throughput.py", "--models", "xlmr_large", "-rsfE")
    skipped, failed = run(*asked), run(*asked, "--require", "gpu")

    skipped.assert_outcomes(skipped=4)
    skipped.stdout.fnmatch_lines(["*needs gpu: xlmr_large has 302 M parameters outside the embeddings*"])
    failed.assert_outcomes(errors=4)
    failed.stdout.fnmatch_lines(["*--require gpu: xlmr_large has 302 M*"])


def test_peers_are_skipped_without_their_library(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    result = run("test_throughput_peers.py", "-rs")

    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*Trainer needs the dependency group `peers`*"])


def test_too_little_memory_is_said_with_an_estimate(monkeypatch):
    monkeypatch.setattr(estimates, "device_bytes", lambda device: 80 * 10**9)
    spec = model("xlmr_xxl")

    require_fit(spec, False, "cuda")
    with pytest.raises(Unavailable, match="needs budget: xlmr_xxl needs about 159 GB to train, and cuda has 80 GB"):
        require_fit(spec, True, "cuda")


def test_too_long_a_case_is_said_with_an_estimate():
    spec, phase = model("xlmr_base"), phase_of("float32", 5)

    require_time(spec, phase, size_of(spec, "cpu"), True, "cpu")
    with pytest.raises(Unavailable, match=r"needs budget: xlmr_base needs about 8.69 h on cpu, above the 0.25 h of a"):
        require_time(spec, phase, Size(5, 100_000, 1), False, "cpu")


def test_bfloat16_needs_instructions_for_it(monkeypatch):
    monkeypatch.setattr("bench.cost.cpu_features", lambda: ("avx2", "avx512f"))
    require_bfloat16("float32", "cpu")
    require_bfloat16("bfloat16", "cuda")
    with pytest.raises(Unavailable, match="needs gpu: this processor has no bfloat16 instructions"):
        require_bfloat16("bfloat16", "cpu")


@pytest.mark.parametrize("token", ["pocket_xs", "me5_small", "xlmr_xl"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_larger_model_reads_no_more(token, device):
    assert size_of(model(token), device).examples <= size_of(model("pocket_xs"), device).examples
    assert size_of(model(token), device).examples >= (256 if device == "cpu" else 2048)


def test_the_first_step_is_in_no_rate():
    subject = load_subject(model("pocket_xs"), Access(), "cpu")
    phase = phase_of("float32", 3)
    steps = step_lengths(subject, phase)
    found = train_round(subject, phase, "cpu")

    assert len(steps) == 3
    assert found.tokens == sum(int(lengths.sum()) for lengths in steps[1:])
    assert found.examples == 64
