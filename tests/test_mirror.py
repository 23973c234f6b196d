import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.mirror import find_file, find_model, mirrors_from_environment
from bench.data.sources import Access, locate_model
from bench.errors import BadInput, DataError, Unavailable
from tests.nli_files import triples, write_manifest, write_nli

TEST_SW = "datasets/facebook/xnli/sw/test.parquet"


def test_environment_lists_the_directories_in_order(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.setenv("CROSSCAL_MIRROR", os.pathsep.join([str(tmp_path / "b"), "", str(tmp_path / "a")]))
    assert mirrors_from_environment() == (tmp_path / "b", tmp_path / "a")


def test_no_variable_means_no_mirror(monkeypatch):
    monkeypatch.delenv("CROSSCAL_MIRROR", raising=False)
    assert mirrors_from_environment() == ()


def test_a_mirror_that_is_no_directory_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSCAL_MIRROR", str(tmp_path / "gone"))
    with pytest.raises(BadInput, match=r"CROSSCAL_MIRROR names '.*gone', which is no directory; correct the path"):
        mirrors_from_environment()


def test_the_first_mirror_that_has_the_file_wins(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    write_nli(second / TEST_SW, triples(2))
    assert find_file([first, second], TEST_SW).path == second / TEST_SW
    write_nli(first / TEST_SW, triples(3))
    assert find_file([first, second], TEST_SW).path == first / TEST_SW
    assert find_file([first], "datasets/facebook/xnli/tr/test.parquet") is None


@pytest.mark.parametrize(("note", "subset"), [("complete", False), ("SUBSET: two groups of many", True)])
def test_the_manifest_says_whether_a_file_is_a_subset(tmp_path, note, subset):
    write_nli(tmp_path / TEST_SW, triples(2))
    write_manifest(tmp_path, note)
    found = find_file([tmp_path], TEST_SW)
    assert (found.note, found.subset, found.relative) == (note, subset, TEST_SW)


def test_a_file_the_manifest_does_not_list_says_so(tmp_path):
    write_nli(tmp_path / TEST_SW, triples(2))
    assert find_file([tmp_path], TEST_SW).note == "not listed in the mirror's manifest"


def test_a_checksum_that_differs_names_file_expected_and_found(tmp_path):
    write_nli(tmp_path / TEST_SW, triples(2))
    found = find_file([tmp_path], TEST_SW).sha256
    write_manifest(tmp_path, sha256="0" * 64)
    with pytest.raises(DataError) as error:
        find_file([tmp_path], TEST_SW)
    expected = f"{tmp_path / TEST_SW} has sha256 {found}, but {tmp_path / 'manifest.json'} states {'0' * 64}; copy the"
    assert expected in str(error.value)


def test_a_file_changed_after_its_first_check_is_checked_again(tmp_path):
    write_nli(tmp_path / TEST_SW, triples(2))
    write_manifest(tmp_path)
    find_file([tmp_path], TEST_SW)
    write_nli(tmp_path / TEST_SW, triples(3))
    with pytest.raises(DataError, match="has sha256"):
        find_file([tmp_path], TEST_SW)


@pytest.mark.parametrize("text", ["{", '{"path": 1}', '[{"path": "x"}]', '[{"path": "x", "sha256": 5}]'])
def test_a_broken_manifest_is_named(tmp_path, text):
    write_nli(tmp_path / TEST_SW, triples(2))
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest.json is no manifest .* it holds a list of objects with 'path'"):
        find_file([tmp_path], TEST_SW)


@pytest.mark.parametrize(
    "relative", ["../x", "datasets/../../x", "/etc/passwd", "a//b", "a/./b", "a\\..\\b", "c:/x", ""]
)
def test_no_path_leads_outside_a_mirror(tmp_path, relative):
    with pytest.raises(BadInput, match=re.escape(f"Got path {relative!r}, but a path in a mirror is made of plain")):
        find_file([tmp_path], relative)


@given(st.text(alphabet="a./\\", max_size=8))
def test_whatever_is_found_lies_inside_the_mirror(tmp_path_factory, relative):
    root = tmp_path_factory.getbasetemp() / "inside"
    (root / "mirror" / "a").mkdir(parents=True, exist_ok=True)
    for path in (root / "aa", root / "mirror" / "aa", root / "mirror" / "a" / "a"):
        path.write_text("x", encoding="utf-8")
    try:
        found = find_file([root / "mirror"], relative)
    except BadInput:
        return
    assert found is None or (root / "mirror") in found.path.resolve().parents


def test_a_model_is_found_where_its_config_lies(tmp_path):
    directory = tmp_path / "models" / "someone" / "encoder"
    directory.mkdir(parents=True)
    assert find_model([tmp_path], "someone/encoder") is None
    (directory / "config.json").write_text("{}", encoding="utf-8")
    assert find_model([tmp_path], "someone/encoder") == directory
    with pytest.raises(BadInput, match="plain names"):
        find_model([tmp_path], "../encoder")


def test_the_files_of_a_model_are_held_to_the_manifest(tmp_path):
    directory = tmp_path / "models" / "encoder"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text("{}", encoding="utf-8")
    entries = [{"path": "models/encoder/model.safetensors", "sha256": "0" * 64}]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(DataError, match=r"model.safetensors is missing, but .*manifest.json lists it; copy the mirror"):
        find_model([tmp_path], "encoder")
    (directory / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(DataError, match=r"model.safetensors has sha256"):
        find_model([tmp_path], "encoder")


def test_a_model_without_safetensors_is_refused(tmp_path):
    directory = tmp_path / "models" / "encoder"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text("{}", encoding="utf-8")
    (directory / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(BadInput, match=r"Model encoder has no model.safetensors in .*, and pickled weights are never"):
        locate_model("encoder", "", Access((tmp_path,)))
    (directory / "model.safetensors").write_bytes(b"weights")
    found = locate_model("encoder", "", Access((tmp_path,)))
    assert (found.directory, found.origin) == (directory, "mirror")


def test_what_no_mirror_has_needs_the_hub(tmp_path):
    with pytest.raises(Unavailable, match=r"needs hub: models/encoder is not in .*, and the hub is not to be used"):
        locate_model("encoder", "", Access((tmp_path,), hub_allowed=False))
    with pytest.raises(Unavailable, match=r"models/encoder is not in CROSSCAL_MIRROR \(unset\)"):
        locate_model("encoder", "", Access())
