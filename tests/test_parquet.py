import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.data.dataset_spec import DATASETS
from bench.data.parquet import label_index, read_rows
from bench.data.sources import Access, locate_dataset
from bench.errors import DataError
from tests.data_files import LAKE, features, questions, tagged, write_columns, write_mirror

UDPOS, SQUAD, PANX = DATASETS["udpos"], DATASETS["squad_v1"], DATASETS["panx"]


def located(mirror, spec, language="en", published="train"):
    return locate_dataset(spec, published, language, Access((mirror,)))


def write(mirror, name, columns, stated=None):
    return write_columns(mirror / DATASETS[name].mirror_file("en", "train"), columns, stated)


def refusal(mirror, spec, *columns):
    with pytest.raises(DataError) as error:
        read_rows(spec, located(mirror, spec), columns)
    return str(error.value)


def test_rows_are_plain_values_in_the_order_asked_for(tmp_path):
    write(tmp_path, "udpos", tagged("udpos", [("A dog", [5, 7]), ("Go", [15])]))
    rows = read_rows(UDPOS, located(tmp_path, UDPOS), ("pos_tags", "tokens"))
    assert rows == [([5, 7], ["A", "dog"]), ([15], ["Go"])]


def test_large_lists_and_strings_are_read(tmp_path):
    tokens = pa.array([["A"]], pa.large_list(pa.large_string()))
    write(tmp_path, "udpos", {"tokens": tokens, "pos_tags": pa.array([[5]], pa.list_(pa.int8()))})
    assert read_rows(UDPOS, located(tmp_path, UDPOS), ("tokens", "pos_tags")) == [(["A"], [5])]


@pytest.mark.parametrize(
    ("column", "values", "found", "expected"),
    [
        ("pos_tags", [["DET", "NOUN"]], "list<element: string>", "list<integer>"),
        ("tokens", ["A dog"], "string", "list<string>"),
        ("tokens", [[1, 2]], "list<element: int64>", "list<string>"),
    ],
)
def test_a_list_of_another_type_is_named(tmp_path, column, values, found, expected):
    write(tmp_path, "udpos", {**tagged("udpos", [("A dog", [5, 7])]), column: values})
    text = refusal(tmp_path, UDPOS, "tokens")
    assert text.startswith(f"google/xtreme: column '{column}' of ")
    assert text.endswith(f"has type {found}, expected {expected}; fetch the file again.")


@pytest.mark.parametrize(
    "answers", [[{"text": ["x"]}], [{"text": ["x"], "answer_start": ["0"]}], ["x"], [[{"text": "x"}]]]
)
def test_a_struct_without_its_fields_is_named(tmp_path, answers):
    write(tmp_path, "squad_v1", {**questions([("q", LAKE, "Where?", [])]), "answers": answers})
    text = refusal(tmp_path, SQUAD, "id")
    assert "column 'answers' of " in text
    assert text.endswith("expected struct<text: list<string>, answer_start: list<integer>>; fetch the file again.")


def test_a_renamed_column_is_named_with_the_schema_expected(tmp_path):
    columns = dict(tagged("udpos", [("A dog", [5, 7])]))
    columns["upos"] = columns.pop("pos_tags")
    write(tmp_path, "udpos", columns)
    assert refusal(tmp_path, UDPOS, "tokens").endswith(
        "has no column 'pos_tags', expected tokens, pos_tags, found tokens, upos; fetch the file again or rename the "
        "column."
    )


@pytest.mark.parametrize(
    ("tokens", "missing"), [([None, ["b"]], 1), ([["a", None], ["b"]], 1), ([[None, "a"], [None]], 2)]
)
def test_missing_values_are_counted_inside_lists_too(tmp_path, tokens, missing):
    write(tmp_path, "udpos", {"tokens": tokens, "pos_tags": [[1], [1]]})
    assert f"has {missing} missing values, expected none" in refusal(tmp_path, UDPOS, "tokens")


def test_missing_values_are_counted_inside_structs_too(tmp_path):
    write(tmp_path, "squad_v1", {**questions([("q", LAKE, "Where?", [(None, 3)])])})
    assert "column 'answers' of " in refusal(tmp_path, SQUAD, "answers")


def test_missing_values_of_columns_that_are_not_read_do_not_matter(tmp_path):
    write(tmp_path, "udpos", {"tokens": [["a"]], "pos_tags": pa.array([None], pa.list_(pa.int64()))})
    assert read_rows(UDPOS, located(tmp_path, UDPOS), ("tokens",)) == [(["a"],)]


@pytest.mark.parametrize("name", ["udpos", "panx"])
def test_label_names_inside_a_list_are_compared(tmp_path, name):
    spec = DATASETS[name]
    columns = tagged(name, [("A dog", [0, 0])])
    write(tmp_path, name, columns, features(name))
    assert len(read_rows(spec, located(tmp_path, spec), ("tokens",))) == 1
    write(tmp_path, name, columns, features(name, labels=spec.labels[::-1]))
    assert f"states the labels {spec.labels[-1]}, " in refusal(tmp_path, spec, "tokens")


def test_label_names_in_the_oldest_spelling_of_a_list_are_compared(tmp_path):
    path = write(tmp_path, "panx", tagged("panx", [("A dog", [0, 0])]))
    stated = {"info": {"features": {"ner_tags": [{"names": ["B", "I", "O"], "_type": "ClassLabel"}]}}}
    pq.write_table(pq.read_table(path).replace_schema_metadata({"huggingface": json.dumps(stated)}), path)
    assert "states the labels B, I, O, expected O, B-PER" in refusal(tmp_path, PANX, "tokens")


@pytest.mark.parametrize("stated", [{}, {"ner_tags": []}, {"ner_tags": {"feature": None}}, {"ner_tags": 3}])
def test_a_file_that_states_no_label_names_is_read(tmp_path, stated):
    write(tmp_path, "panx", tagged("panx", [("A dog", [0, 0])]), stated)
    assert len(read_rows(PANX, located(tmp_path, PANX), ("tokens",))) == 1


def test_rows_of_all_files_come_in_order(tmp_path):
    first = write_mirror(tmp_path / "a", "udpos", "en", "train", tagged("udpos", [("A", [5])]))
    second = write_mirror(tmp_path / "b", "udpos", "en", "train", tagged("udpos", [("B", [5])]))
    source = located(tmp_path / "a", UDPOS)
    both = type(source)((first, second), source.origin, source.files, source.subset, source.note)
    assert read_rows(UDPOS, both, ("tokens",)) == [(["A"],), (["B"],)]


def test_a_label_is_mapped_by_its_name():
    assert label_index(1, UDPOS, ("ADP", "ADJ"), "here") == 0
    with pytest.raises(DataError, match=r"here has 17 in column 'pos_tags', expected 0 \(ADJ\), 1 \(ADP\), "):
        label_index(17, UDPOS, UDPOS.labels, "here")
