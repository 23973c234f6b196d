"""The one converter of pickles: equal weights come out, and nothing that a pickle asks for is done."""

import argparse
import hashlib
import json
import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file

from bench.commands import mirror
from bench.convert import convert, write_safetensors
from bench.errors import BadInput, DataError
from bench.modeling.encoder import load_encoder
from bench.modeling.tokenization import load_tokenizer
from tests.tiny_models import make_tiny_model


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, sentinel):
        self.sentinel = sentinel

    def __reduce__(self):
        return os.mkdir, (str(self.sentinel),)


@pytest.fixture
def pickled(tmp_path):
    """A tiny model whose weights are in pytorch_model.bin alone, beside what must not come along."""
    directory = make_tiny_model(tmp_path / "pickled")
    torch.save(load_file(directory / "model.safetensors"), directory / "pytorch_model.bin")
    (directory / "model.safetensors").rename(tmp_path / "expected.safetensors")
    (directory / "modeling_own.py").write_text("raise SystemExit('code was run')")
    (directory / "optimizer.pt").write_bytes(b"pickle")
    return directory


@pytest.fixture
def made(tmp_path):
    (tmp_path / "made").mkdir()
    return tmp_path / "made"


def sharded(directory):
    tensors = list(torch.load(directory / "pytorch_model.bin", weights_only=True).items())
    halves = [dict(tensors[:9]), dict(tensors[9:])]
    names = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    for name, half in zip(names, halves, strict=True):
        torch.save(half, directory / name)
    places = {key: name for name, half in zip(names, halves, strict=True) for key in half}
    (directory / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (directory / "pytorch_model.bin").unlink()
    return directory


def same_weights(directory, expected):
    encoder, _ = load_encoder(directory)
    found = encoder.state_dict()
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


@pytest.mark.parametrize("prepare", [lambda directory: directory, sharded])
def test_the_new_directory_loads_with_equal_weights(pickled, tmp_path, prepare):
    target = convert(prepare(pickled), tmp_path / "mirror" / "models" / "acme" / "tiny")

    assert same_weights(target, load_file(tmp_path / "expected.safetensors"))
    assert load_tokenizer(target).get_vocab() == load_tokenizer(pickled).get_vocab()


def test_configuration_and_tokenizer_come_along_with_a_note_and_no_code(pickled, tmp_path):
    (pickled / "provenance.json").write_text('{"weights": "random, of the true shape"}')
    target = convert(pickled, tmp_path / "new")

    assert sorted(path.name for path in target.iterdir()) == [
        "config.json", "model.safetensors", "provenance.json", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert (target / "config.json").read_bytes() == (pickled / "config.json").read_bytes()

    stated = json.loads((target / "provenance.json").read_text())
    names = ["config.json", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json"]
    hashes = {name: hashlib.sha256((pickled / name).read_bytes()).hexdigest() for name in names}
    assert stated["converted"]["files"] == hashes
    assert stated["converted"]["libraries"]["torch"] == torch.__version__
    assert stated["weights"] == "random, of the true shape"


def test_tied_and_strided_weights_get_memory_of_their_own(pickled, made):
    weights = torch.load(pickled / "pytorch_model.bin", weights_only=True)
    embeddings = weights["embeddings.word_embeddings.weight"]
    weights |= {"lm_head.decoder.weight": embeddings, "turned": embeddings.T, "head": embeddings[:2]}
    torch.save(weights, pickled / "pytorch_model.bin")

    write_safetensors(pickled, made, ["pytorch_model.bin"])
    found = load_file(made / "model.safetensors")
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_pickle_that_asks_for_more_than_tensors_is_refused_and_does_nothing(pickled, tmp_path):
    weights = {"a": torch.zeros(1), "b": Malicious(tmp_path / "sentinel")}
    torch.save(weights, pickled / "pytorch_model.bin")

    with pytest.raises(DataError, match=r"pytorch_model\.bin is no pickle of tensors alone \(.*\), and nothing else"):
        convert(pickled, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.safetensors", "pickled"]

    # The test would see it if it were read.
    torch.load(pickled / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "sentinel").exists()


def test_a_pickle_of_the_older_format_is_refused_too(pickled, made, tmp_path):
    weights = {"a": torch.zeros(1), "b": Malicious(tmp_path / "sentinel")}
    torch.save(weights, pickled / "pytorch_model.bin", _use_new_zipfile_serialization=False)

    with pytest.raises(DataError, match="is no pickle of tensors alone"):
        write_safetensors(pickled, made, ["pytorch_model.bin"])
    assert not (tmp_path / "sentinel").exists()


def test_the_message_names_what_was_asked_for_and_no_way_around(pickled, made, tmp_path):
    torch.save({"b": Malicious(tmp_path / "sentinel")}, pickled / "pytorch_model.bin")
    with pytest.raises(DataError) as caught:
        write_safetensors(pickled, made, ["pytorch_model.bin"])
    assert "(it asks for posix.mkdir), and nothing else is read; get safetensors from" in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert "\n" not in str(caught.value)


def _zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"a": 1}))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(*case, id=str(number))
        for number, case in enumerate(
            [
                (lambda path: path.write_bytes(b""), r"is no pickle of tensors alone \(EOFError\)"),
                (lambda path: path.write_bytes(b"\x80\x04]"), "is no pickle of tensors alone"),
                (lambda path: path.write_bytes(path.read_bytes()[:-500]), "is no pickle of tensors alone"),
                (_zip, "is no pickle of tensors alone"),
                (lambda path: torch.save([torch.zeros(1)], path), "holds no tensors by name"),
                (lambda path: torch.save({}, path), "holds no tensors by name"),
                (
                    lambda path: torch.save({"epoch": 3}, path),
                    "holds a int under 'epoch', but weights are tensors by name",
                ),
                (lambda path: torch.save({1: torch.zeros(1)}, path), "holds a Tensor under 1, but weights"),
                (lambda path: torch.save({"a": torch.eye(2).to_sparse()}, path), "cannot be written as safetensors"),
                (
                    lambda path: torch.save({"a": torch.zeros(2, device="meta")}, path),
                    "cannot be written as safetensors",
                ),
            ]
        )
    ],
)
def test_what_is_no_dictionary_of_tensors_is_refused(pickled, made, write, message):
    write(pickled / "pytorch_model.bin")

    with pytest.raises(DataError, match=message):
        write_safetensors(pickled, made, ["pytorch_model.bin"])


def test_nothing_is_overwritten(pickled, tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(BadInput, match=r"Got target .*new, which exists, and nothing is overwritten; name a new dir"):
        convert(pickled, tmp_path / "new")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(BadInput, match="which exists"):
        convert(pickled, tmp_path / "link")
    assert list((tmp_path / "new").iterdir()) == []


def test_what_the_source_lacks_is_named(pickled, tmp_path):
    (pickled / "pytorch_model.bin").rename(tmp_path / "away")
    with pytest.raises(BadInput, match=r"holds neither pytorch_model\.bin nor .*, so there is nothing to convert\."):
        convert(pickled, tmp_path / "new")

    (tmp_path / "away").rename(pickled / "pytorch_model.bin")
    (sharded(pickled) / "pytorch_model-00002-of-00002.bin").unlink()
    with pytest.raises(BadInput, match=r"lacks pytorch_model-00002-of-00002\.bin, which .* lists; fetch"):
        convert(pickled, tmp_path / "new")

    (pickled / "config.json").unlink()
    with pytest.raises(BadInput, match=r"holds no config\.json"):
        convert(pickled, tmp_path / "new")


@pytest.mark.parametrize("name", ["../pytorch_model-00001-of-00002.bin", "/etc/passwd", "weights.bin", 5, None])
def test_an_index_that_leads_elsewhere_is_refused(pickled, tmp_path, name):
    index = sharded(pickled) / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))

    with pytest.raises(DataError, match=r"index\.json is no index of weights \(.* is no pytorch_model-00001-of-0000"):
        convert(pickled, tmp_path / "new")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', "[" * 9999])
def test_an_index_that_is_none_is_refused(pickled, tmp_path, text):
    (sharded(pickled) / "pytorch_model.bin.index.json").write_text(text)

    with pytest.raises(DataError, match=r"pytorch_model\.bin\.index\.json is no index of weights"):
        convert(pickled, tmp_path / "new")


def test_shards_that_differ_from_their_index_are_refused(pickled, made):
    index = sharded(pickled) / "pytorch_model.bin.index.json"
    stated = json.loads(index.read_text())
    removed = sorted(stated["weight_map"])[0]
    del stated["weight_map"][removed]
    index.write_text(json.dumps(stated))

    names = sorted(path.name for path in pickled.glob("pytorch_model-*.bin"))
    with pytest.raises(DataError, match=f"and the files it lists differ in '{removed}'"):
        write_safetensors(pickled, made, names)
    torch.save(torch.load(pickled / names[0], weights_only=True), pickled / names[1])
    with pytest.raises(DataError, match="which another file holds too"):
        write_safetensors(pickled, made, names)


def test_the_command_prints_the_new_directory_and_runs_no_code_beside_the_source(
    pickled, tmp_path, monkeypatch, capsys
):
    for place in (pickled, tmp_path):
        (place / "torch.py").write_text("raise SystemExit('code was run')")
    monkeypatch.chdir(pickled)
    parser = argparse.ArgumentParser()
    mirror.configure(parser)
    arguments = parser.parse_args(["convert", ".", str(tmp_path / "new")])

    assert mirror.run(arguments) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'new'}\n"
    assert (tmp_path / "new" / "model.safetensors").is_file()
