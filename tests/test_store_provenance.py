"""What a manifest says of the machine, and when bytes are expected to be equal."""

import sys
from types import SimpleNamespace

import pytest

from bench.canonical import canonical_json
from bench.store.provenance import code_hash, collect, same_provenance


def fake_torch(threads):
    return SimpleNamespace(
        get_num_threads=lambda: threads, cuda=SimpleNamespace(get_device_name=lambda device: f"Test GPU at {device}")
    )


def test_collect_is_plain_and_complete():
    provenance = collect()

    canonical_json(provenance)
    assert provenance["device"] == "cpu"
    assert provenance["libraries"].keys() == {"torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow"}
    assert provenance["libraries"]["numpy"].count(".") == 2
    assert provenance["code"] == code_hash()
    assert len(code_hash()) == 64


def test_torch_is_asked_only_when_it_is_there(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert (collect("cuda")["device"], collect()["threads"]) == (None, None)
    assert "torch" not in sys.modules

    monkeypatch.setitem(sys.modules, "torch", fake_torch(3))
    assert (collect("cuda:1")["device"], collect()["threads"]) == ("Test GPU at cuda:1", 3)


def test_isa_follows_its_limits(monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    free = collect()["isa"]
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")

    assert collect()["isa"] != free
    assert collect()["isa"].rpartition("-")[0] == free.rpartition("-")[0]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"device": "Test GPU"}, False),
        ({"threads": 9}, False),
        ({"isa": "x86_64-avx512-0"}, False),
        ({"libraries": {"torch": "1.0"}}, False),
        ({"threads": None}, True),
        ({"code": "0", "platform": "elsewhere", "processor": "other", "train_s": 1.0}, True),
    ],
)
def test_same_provenance_compares_what_bytes_depend_on(monkeypatch, change, same):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(2))
    here = collect()

    assert same_provenance(here, {**here, **change}) is same
    assert same_provenance({**here, **change}, here) is same
