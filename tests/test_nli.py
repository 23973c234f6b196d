import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.data import nli
from bench.data.dataset_spec import DatasetSpec, dataset_spec
from bench.data.groups import halve_by_group, limit_by_groups
from bench.data.mirror import find_file, mirrors_from_environment
from bench.data.nli import load_nli
from bench.data.sources import Access
from bench.errors import BadInput, DataError, Unavailable
from tests.nli_files import triples, write_manifest, write_nli

REPO = Path(__file__).parents[1]
XNLI_SW = "datasets/facebook/xnli/sw/test.parquet"
SNLI = "datasets/stanfordnlp/snli/plain_text/train.parquet"
MNLI = "datasets/nyu-mll/glue/mnli/train.parquet"
XNLI_TRAIN = "datasets/facebook/xnli/en/train.parquet"


def load(mirror, name="xnli", split="test", language="sw"):
    return load_nli(name, split, language, Access((mirror,)))


def refusal(mirror, **arguments):
    with pytest.raises(DataError) as error:
        load(mirror, **arguments)
    return str(error.value)


def test_xnli_items_and_groups_come_from_the_row_number(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(3))
    split = load(tmp_path)
    assert [item.item_id for item in split.examples] == [f"test-{index}" for index in range(9)]
    assert [item.group_id for item in split.examples] == [f"test-{index // 3}" for index in range(9)]
    assert (split.name, split.language, split.labels) == ("test", "sw", ("entailment", "neutral", "contradiction"))
    item = split.examples[5]
    assert (item.text, item.text_pair, item.label) == ("box 1 is red", "claim 2 on box 1", 2)


def test_two_groups_with_one_translated_premise_stay_two_groups(tmp_path):
    write_nli(tmp_path / XNLI_SW, [("same", f"claim {index}", index % 3) for index in range(6)])
    assert len({item.group_id for item in load(tmp_path).examples}) == 2


@pytest.mark.parametrize(("name", "path"), [("xnli", XNLI_TRAIN), ("mnli", MNLI), ("snli", SNLI)])
def test_training_groups_are_the_distinct_premises_by_first_appearance(tmp_path, name, path):
    rows = [("b", "x", 0), ("a", "y", 1), ("b", "z", 2), ("c", "x", 1)]
    write_nli(tmp_path / path, rows, idx=[7, 8, 9, 10])
    split = load(tmp_path, name=name, split="train", language="en")
    assert [item.group_id for item in split.examples] == ["train-0", "train-1", "train-0", "train-2"]


def test_rows_without_gold_label_or_text_are_left_out_of_training_and_counted(tmp_path):
    write_nli(tmp_path / SNLI, [("a", "x", 0), ("a", "y", -1), ("b", " ", 2), ("c", "z", 1)])
    split = load(tmp_path, name="snli", split="train", language="en")
    assert [(item.item_id, item.group_id) for item in split.examples] == [
        ("train-0", "train-0"),
        ("train-3", "train-2"),
    ]
    expected = "1 rows without a gold label left out; 1 rows with an empty text left out"
    assert split.provenance.note.endswith(expected)


def test_fewer_rows_than_published_are_a_subset_even_without_a_manifest(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(2))
    provenance = load(tmp_path).provenance
    assert provenance.subset
    assert provenance.note == "not listed in the mirror's manifest; 6 rows of the 5010 published"


def test_a_complete_file_is_no_subset(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(1670))
    write_manifest(tmp_path)
    provenance = load(tmp_path).provenance
    assert (provenance.origin, provenance.subset, provenance.note) == ("mirror", False, "")
    assert [path for path, _ in provenance.files] == [XNLI_SW]


def test_the_manifest_can_call_a_file_of_full_length_a_subset(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(1670))
    write_manifest(tmp_path, note="SUBSET: something else stands in")
    assert load(tmp_path).provenance.subset


def test_a_missing_column_is_named(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(2), hypothesis=None, claim=["x"] * 6)
    assert re.fullmatch(
        r"facebook/xnli: .*sw/test.parquet has no column 'hypothesis', expected premise, hypothesis, label, found "
        r"premise, label, claim; fetch the file again or rename the column\.",
        refusal(tmp_path),
    )


@pytest.mark.parametrize(
    ("column", "values", "found", "expected"),
    [
        ("label", ["0", "1", "2"], "string", "integer"),
        ("label", [0.0, 1.0, 2.0], "double", "integer"),
        ("premise", [1, 1, 1], "int64", "string"),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path, column, values, found, expected):
    write_nli(tmp_path / XNLI_SW, triples(1), **{column: values})
    text = refusal(tmp_path)
    assert f"column '{column}' of " in text
    assert text.endswith(f"test.parquet has type {found}, expected {expected}; fetch the file again.")


@pytest.mark.parametrize("value", [3, -1, 7])
def test_a_label_outside_the_set_is_named_with_its_row(tmp_path, value):
    write_nli(tmp_path / XNLI_SW, triples(2), label=[0, 1, 2, 0, value, 2])
    assert refusal(tmp_path).endswith(
        f"test.parquet): row 4 has {value} in column 'label', expected 0 (entailment), 1 (neutral), 2 (contradiction); "
        "fetch the file again."
    )


def test_a_missing_value_is_named(tmp_path):
    write_nli(tmp_path / XNLI_SW, triples(1), label=[0, None, 2])
    assert "column 'label' of " in refusal(tmp_path)
    assert "has 1 missing values, expected none" in refusal(tmp_path)


@pytest.mark.parametrize("column", ["premise", "hypothesis"])
def test_an_empty_text_in_an_evaluation_split_is_an_error(tmp_path, column):
    write_nli(tmp_path / XNLI_SW, triples(1), **{column: ["  ", "  ", "  "]})
    assert "row 0 has an empty premise or hypothesis, expected text" in refusal(tmp_path)


def test_rows_out_of_the_published_order_are_an_error(tmp_path):
    rows = triples(3)
    write_nli(tmp_path / XNLI_SW, [*rows[1:], rows[0]])
    assert "row 2 has another premise than row 0, expected one premise for each three rows" in refusal(tmp_path)


def test_label_names_in_another_order_are_an_error(tmp_path):
    path = write_nli(tmp_path / XNLI_SW, triples(1))
    stated = {"info": {"features": {"label": {"names": ["contradiction", "entailment", "neutral"]}}}}
    table = pq.read_table(path).replace_schema_metadata({"huggingface": json.dumps(stated)})
    pq.write_table(table, path)
    assert "states the labels contradiction, entailment, neutral, expected entailment, neutral" in refusal(tmp_path)


def test_labels_are_mapped_by_name_where_a_file_has_its_own_order(tmp_path, monkeypatch):
    plain = dataset_spec("xnli")
    fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    other = DatasetSpec(**{**fields, "labels": ("contradiction", "entailment", "neutral")})
    monkeypatch.setattr(nli, "dataset_spec", lambda name: other)
    write_nli(tmp_path / XNLI_SW, triples(1))
    assert [item.label for item in load(tmp_path).examples] == [2, 0, 1]


def test_large_strings_and_small_integers_are_read(tmp_path):
    path = write_nli(tmp_path / XNLI_SW, triples(1))
    table = pq.read_table(path)
    pq.write_table(
        table.cast(pa.schema([("premise", pa.large_string()), *list(table.schema)[1:2], ("label", "int8")])), path
    )
    assert len(load(tmp_path).examples) == 3


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet", b"{}"])
def test_a_file_that_is_no_parquet_is_named(tmp_path, content):
    path = tmp_path / XNLI_SW
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert re.search(
        r"facebook/xnli: .*sw/test.parquet is no readable parquet file \(.*\); fetch it", refusal(tmp_path)
    )


def test_a_file_without_a_usable_row_is_an_error(tmp_path):
    write_nli(tmp_path / SNLI, [("a", "x", -1)])
    assert "has no usable row" in refusal(tmp_path, name="snli", split="train", language="en")


@pytest.mark.parametrize(
    ("name", "split", "language", "text"),
    [
        ("xnly", "test", "sw", r"Got data set 'xnly', but the data sets read here are: xnli mnli snli\."),
        ("xnli", "dev", "sw", r"Got split='dev', but facebook/xnli has: train validation test\."),
        ("xnli", "test", "../en", r"Got language='\.\./en', but facebook/xnli has: ar bg de el en "),
        ("snli", "train", "sw", r"Got language='sw', but stanfordnlp/snli has: en\."),
    ],
)
def test_unknown_tokens_are_named_with_what_there_is(tmp_path, name, split, language, text):
    with pytest.raises(BadInput, match=text):
        load(tmp_path, name=name, split=split, language=language)


def test_data_no_mirror_has_is_unavailable_without_the_hub(tmp_path):
    with pytest.raises(Unavailable, match=r"needs hub: datasets/facebook/xnli/sw/test.parquet is not in "):
        load(tmp_path)


def test_reading_data_imports_neither_torch_nor_a_hub_library():
    names = "torch transformers datasets huggingface_hub pyarrow"
    code = f"import sys, bench.data.nli; print([name for name in {names.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def mirrors():
    found = mirrors_from_environment()
    if find_file(found, XNLI_SW) is None:
        pytest.skip(f"needs data: no mirror in CROSSCAL_MIRROR has {XNLI_SW}")
    return found


@pytest.mark.mirror
@pytest.mark.parametrize(("split", "rows"), [("validation", 2490), ("test", 5010)])
def test_real_xnli_is_complete_balanced_and_parallel_in_all_languages(mirrors, split, rows):
    english = load_nli("xnli", split, "en", Access(mirrors))
    assert np.bincount([item.label for item in english.examples]).tolist() == [rows // 3] * 3
    for language in dataset_spec("xnli").languages:
        other = load_nli("xnli", split, language, Access(mirrors))
        assert not other.provenance.subset
        assert [(item.item_id, item.group_id, item.label) for item in other.examples] == [
            (item.item_id, item.group_id, item.label) for item in english.examples
        ]


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["xnli", "mnli", "snli"])
def test_real_training_data_reads_and_says_it_is_a_subset(mirrors, name):
    split = load_nli(name, "train", "en", Access(mirrors))
    assert len(split.examples) > 9000
    assert split.provenance.subset
    assert split.provenance.note.startswith("SUBSET")


@pytest.mark.mirror
def test_real_english_dev_halves_share_no_premise(mirrors):
    select, calibrate = halve_by_group(load_nli("xnli", "validation", "en", Access(mirrors)))
    assert len(select.examples) == len(calibrate.examples) == 1245
    assert not {item.text for item in select.examples} & {item.text for item in calibrate.examples}


@pytest.mark.mirror
def test_a_limit_keeps_the_same_real_items_in_two_languages(mirrors):
    kept = [limit_by_groups(load_nli("xnli", "test", code, Access(mirrors)), 501, "0") for code in ("en", "tr")]
    assert [item.item_id for item in kept[0].examples] == [item.item_id for item in kept[1].examples]
    assert len(kept[0].examples) == 501
