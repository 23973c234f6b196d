import pytest

from bench.data.dataset_spec import DATASETS
from bench.data.pairs import read_pairs
from bench.data.sources import Access
from bench.errors import DataError
from tests.data_files import write_mirror
from tests.nli_files import write_manifest


def paws(ids, labels, texts=None):
    first = texts or [f"one {value}" for value in ids]
    return {"id": ids, "sentence1": first, "sentence2": [f"two {value}" for value in ids], "label": labels}


def load(mirror, name="pawsx", split="test", language="en"):
    return read_pairs(DATASETS[name], split, language, Access((mirror,)))


def test_pairs_of_paws_x_are_called_by_their_id_and_are_groups_of_their_own(tmp_path):
    write_mirror(tmp_path, "pawsx", "de", "test", paws([5, 3], [1, 0]))
    split = load(tmp_path, language="de")
    assert [(item.item_id, item.group_id, item.text, item.text_pair, item.label) for item in split.examples] == [
        ("test-5", "test-5", "one 5", "two 5", 1),
        ("test-3", "test-3", "one 3", "two 3", 0),
    ]
    assert (split.labels, split.kind) == (("0", "1"), "sentence_pair")


def test_rows_that_are_not_aligned_are_paired_with_no_other_language(tmp_path):
    for language in ("en", "de"):
        write_mirror(tmp_path, "pawsx", language, "test", paws([5, 3], [1, 0]))
    write_manifest(tmp_path, note="rows are not aligned by id with others")
    names = [{item.item_id for item in load(tmp_path, language=language).examples} for language in ("en", "de")]
    assert names == [{"en-test-0", "en-test-1"}, {"de-test-0", "de-test-1"}]


def test_an_id_that_comes_twice_is_an_error(tmp_path):
    write_mirror(tmp_path, "pawsx", "en", "test", paws([5, 5, 6], [1, 0, 1]))
    with pytest.raises(DataError, match="has 2 different values in column 'id', expected 3, one for each row"):
        load(tmp_path)


def test_rows_without_gold_label_or_text_are_left_out_and_counted(tmp_path):
    columns = {"question1": ["a", "b", " "], "question2": ["x", "y", "z"], "label": [-1, 1, 0], "idx": [0, 1, 2]}
    write_mirror(tmp_path, "qqp", "en", "validation", columns)
    split = load(tmp_path, "qqp", "validation")
    assert [(item.item_id, item.label) for item in split.examples] == [("validation-1", 1)]
    assert split.provenance.note.endswith(
        "3 rows of the 40430 published; 1 rows without a gold label left out; 1 rows with an empty text left out"
    )
    assert split.provenance.subset


def test_a_test_set_without_any_gold_label_is_an_error(tmp_path):
    columns = {"question1": ["a"], "question2": ["x"], "label": [-1], "idx": [0]}
    write_mirror(tmp_path, "qqp", "en", "validation", columns)
    with pytest.raises(DataError, match="has no usable row"):
        load(tmp_path, "qqp", "validation")


def test_a_label_of_another_set_is_named_with_its_row(tmp_path):
    write_mirror(tmp_path, "pawsx", "en", "test", paws([1, 2], [0, -1]))
    with pytest.raises(DataError, match=r"row 1 has -1 in column 'label', expected 0 \(0\), 1 \(1\)"):
        load(tmp_path)
