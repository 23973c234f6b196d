import os
import time

import pytest

from bench.data import hub
from bench.data.dataset_spec import dataset_spec
from tests.hub_stand_in import Repo, StandIn, serving
from tests.in_process import found_by
from tests.nli_files import triples, write_nli

OFF = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "CROSSCAL_MIRROR", "HF_TOKEN")
XNLI = dataset_spec("xnli")

READ = """
import json
from bench.data.nli import load_nli
from bench.data.sources import Access, locate_model

access = Access(hub_allowed=True)
split = load_nli("xnli", "test", "sw", access)
model = locate_model("someone/tiny", "", access)
found = {
    "items": [(item.item_id, item.group_id, item.text, item.label) for item in split.examples],
    "origin": [split.provenance.origin, model.origin],
    "files": [path for path, _ in split.provenance.files],
    "commit": model.commit,
    "model": sorted(path.name for path in model.directory.iterdir()),
}
"""
TRANSFORM = """
from transformers import AutoModel, AutoTokenizer

by_id = AutoModel.from_pretrained("someone/tiny")
local = AutoModel.from_pretrained(model.directory)
found["layers"] = [by_id.config.num_hidden_layers, local.config.num_hidden_layers]
found["tokens"] = AutoTokenizer.from_pretrained(model.directory)("a b")["input_ids"]
"""
REPORT = """
def report(attempts):
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            found[name] = "no error"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found
"""
ABSENT = f"""
import json
from bench.data.hub import fetch_model
{REPORT}
found = report({{"absent": lambda: fetch_model("someone/tiny", "")}})
"""
REFUSALS = f"""
import json
from bench.data import hub
from bench.data.hub import fetch_model
from bench.data.nli import load_nli
from bench.data.sources import Access
{REPORT}
hub.WAIT_SECONDS = 0.0
access = Access(hub_allowed=True)
found = report({{
    "missing": lambda: load_nli("mnli", "train", "en", access),
    "private": lambda: fetch_model("someone/private", ""),
    "no_revision": lambda: fetch_model("someone/pickled", "f" * 40),
    "pickled": lambda: fetch_model("someone/pickled", ""),
    "corrupted": lambda: load_nli("xnli", "test", "tr", access),
    "vanished": lambda: load_nli("xnli", "test", "ur", access),
    "no_split": lambda: load_nli("xnli", "validation", "sw", access),
    "half": lambda: load_nli("xnli", "test", "ru", access),
    "down": lambda: fetch_model("someone/down", ""),
    "bad_id": lambda: fetch_model("a/b/c", ""),
}})
"""


def run(code, home, **environment):
    """Run `code` in a process of its own, because HF_ENDPOINT is read at import; return what it leaves in `found`."""
    inherited = {name: value for name, value in os.environ.items() if name not in OFF and "proxy" not in name.lower()}
    settings = {"HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    return found_by(code, environment={**inherited, **settings, **environment})


def make_tiny_xlmr(directory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
    )
    XLMRobertaModel(config).save_pretrained(directory)
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(directory)


@pytest.fixture(scope="module")
def repos(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    xnli, tiny = root / "xnli", root / "tiny"
    rows = triples(4)
    write_nli(xnli / "sw" / "test-00000-of-00002.parquet", rows[:6])
    write_nli(xnli / "sw" / "test-00001-of-00002.parquet", rows[6:])
    for language in ("tr", "ur"):
        write_nli(xnli / language / "test.parquet", triples(2, prefix=language))
    write_nli(xnli / "ru" / "test-00000-of-00002.parquet", rows[:6])
    make_tiny_xlmr(tiny)
    (tiny / "pytorch_model.bin").write_bytes(b"a pickle nobody may fetch")
    (tiny / "onnx").mkdir()
    (tiny / "onnx" / "model.safetensors").write_bytes(b"weights of something else")
    pickled = root / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}", encoding="utf-8")
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle nobody may fetch")
    return (
        Repo("datasets", XNLI.repo, xnli, XNLI.revision),
        Repo("models", "someone/tiny", tiny),
        Repo("models", "someone/pickled", pickled),
    )


def test_data_and_weights_come_from_a_stand_in_and_then_from_the_cache(repos, tmp_path):
    with serving(StandIn(repos)) as stand_in:
        found = run(READ + TRANSFORM, tmp_path, HF_ENDPOINT=stand_in.url)
        requests = list(stand_in.requests)
    assert found.pop("layers") == [2, 2]
    assert found.pop("tokens") == [4, 5]
    assert found["items"] == [
        [f"test-{row}", f"test-{row // 3}", premise, label] for row, (premise, _, label) in enumerate(triples(4))
    ]
    assert found["origin"] == ["stand-in", "stand-in"]
    shards = [f"datasets/facebook/xnli@{XNLI.revision}/sw/test-0000{index}-of-00002.parquet" for index in (0, 1)]
    assert found["files"] == shards
    assert found["commit"] == repos[1].commit
    assert found["model"] == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert not [line for line in requests if "pickle" in line or ".bin" in line or "onnx" in line or "/tr/" in line]

    offline = run(READ, tmp_path, HF_HUB_OFFLINE="1")
    assert offline == {**found, "origin": ["hub", "hub"]}


def test_what_the_hub_answers_wrongly_is_an_error_that_names_it(repos, tmp_path):
    stand_in = StandIn(
        repos,
        statuses={"/api/models/someone/private": 401, "/ur/test.parquet": 404, "/api/models/someone/down": 503},
        corrupted=frozenset({"tr/test.parquet"}),
    )
    with serving(stand_in):
        found = run(REFUSALS, tmp_path, HF_ENDPOINT=stand_in.url)
    url = stand_in.url
    glue = f"dataset nyu-mll/glue at revision {dataset_spec('mnli').revision}"
    assert found["missing"].startswith(f"DataError: {url} answered 404 for {glue} (")
    assert found["missing"].endswith(
        "check the id and the revision in the catalog, set HF_TOKEN if access is restricted, or use a mirror."
    )
    assert found["private"].startswith(f"DataError: {url} answered 401 for model someone/private at revision main (")
    assert found["no_revision"].startswith(f"DataError: {url} answered 404 for model someone/pickled at revision ffff")
    assert found["pickled"].startswith("BadInput: Model someone/pickled has no model.safetensors in ")
    assert "ur/test.parquet" in found["vanished"]
    assert found["vanished"].startswith(f"DataError: {url} answered 404 for dataset facebook/xnli at revision ")
    assert "tr/test.parquet of facebook/xnli has sha256" in found["corrupted"]
    assert "but the hub states" in found["corrupted"]
    assert f"DataError: facebook/xnli at {XNLI.revision} has no file sw/validation.parquet or " in found["no_split"]
    assert "has 1 of 2 files ru/test-*.parquet; delete the snapshot from the cache" in found["half"]
    assert found["down"].startswith(f"DataError: {url} answered 503 for model someone/down")
    assert found["bad_id"].startswith("BadInput: Got hub id 'a/b/c', but a hub id reads owner/name or name")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_an_absent_hub_is_unavailable_and_not_an_error(tmp_path, environment, reason):
    found = run(ABSENT, tmp_path, **environment)
    assert found["absent"].startswith(f"Unavailable: needs hub: {reason}")
    assert found["absent"].endswith("; the cache lacks model someone/tiny at revision main")


@pytest.fixture
def no_switches(monkeypatch):
    for name in OFF:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_switches")
def test_the_endpoint_is_the_hub_unless_the_environment_says_otherwise(monkeypatch):
    assert (hub.endpoint(), hub.is_stand_in()) == ("https://huggingface.co", False)
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co/")
    assert (hub.endpoint(), hub.is_stand_in()) == ("https://huggingface.co", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:8000/")
    assert (hub.endpoint(), hub.is_stand_in()) == ("http://127.0.0.1:8000", True)


@pytest.mark.usefixtures("no_switches")
def test_the_hub_is_asked_once(monkeypatch):
    with serving(StandIn(())) as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        assert [hub.probe(), hub.probe(), hub.probe()] == [None, None, None]
        assert stand_in.requests == ["HEAD /"]
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert hub.probe() == "HF_HUB_OFFLINE is set"


@pytest.mark.usefixtures("no_switches")
@pytest.mark.parametrize(("status", "usable"), [(401, True), (405, True), (503, False)])
def test_a_server_error_counts_as_no_hub(monkeypatch, status, usable):
    with serving(StandIn((), statuses={"/": status})) as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        assert hub.probe() == (None if usable else f"{stand_in.url} answered {status}")


@pytest.mark.usefixtures("no_switches")
def test_a_hub_that_never_answers_costs_no_more_than_the_limit(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://silent.invalid")
    monkeypatch.setattr(hub, "_ask", lambda address, timeout: time.sleep(30))
    start = time.monotonic()
    assert hub.probe(timeout=0.2) == "http://silent.invalid did not answer within 0.2 s"
    assert time.monotonic() - start < 5
