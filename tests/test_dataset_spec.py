import re
from pathlib import Path

import pytest

from bench.catalog.tasks import INTERMEDIATES, TARGETS
from bench.data.dataset_spec import DATASETS, dataset_spec
from bench.data.example import KINDS
from bench.data.real import READERS, TASKS
from bench.errors import BadInput
from tests.data_table import ARTIFICIAL, with_table

PAGE = Path(__file__).parents[1] / "docs" / "data.md"


def test_every_task_of_the_catalog_has_real_data():
    without = {"none", "multi", "more", "mnli_disjoint"}
    catalog = {task.token for task in (*TARGETS, *INTERMEDIATES)} - without
    assert catalog == set(TASKS)


@pytest.mark.parametrize("task", TARGETS, ids=lambda task: task.token)
def test_a_target_has_the_languages_of_the_catalog(task):
    languages = set(task.languages) - ({"sw"} if task.token == "udpos" else set())
    assert set(dataset_spec(task.token).languages) == languages


@pytest.mark.parametrize(
    ("name", "languages"),
    [("udpos", 33), ("panx", 40), ("tatoeba", 36), ("tydiqa", 9), ("mlqa", 7), ("xquad", 11), ("pawsx", 7)],
)
def test_numbers_of_languages_are_those_of_xtreme(name, languages):
    assert len(set(dataset_spec(name).languages)) == languages


@pytest.mark.parametrize("spec", DATASETS.values(), ids=lambda spec: spec.name)
def test_a_specification_is_whole(spec):
    assert spec.kind in KINDS
    assert re.fullmatch(r"[0-9a-f]{40}|", spec.revision)
    assert not (spec.provide and spec.revision)
    assert {column for column, _ in spec.columns} >= ({spec.label_column} if spec.labels else set())
    assert {published for _, published in spec.ours} <= {published for published, _ in spec.splits}
    assert not spec.codes or {token for token, _ in spec.codes} == set(spec.languages)
    assert spec.license


@pytest.mark.parametrize(
    ("name", "language", "published", "mirror", "hub"),
    [
        ("udpos", "en", "train", "google/xtreme/udpos.English/train", "udpos.English/train"),
        ("udpos_sw", "sw", "test", "masakhane/masakhapos/swa/test", "swa/test"),
        ("panx", "sw", "test", "google/xtreme/PAN-X.sw/test", "PAN-X.sw/test"),
        ("tatoeba", "zh", "validation", "google/xtreme/tatoeba.cmn/validation", "tatoeba.cmn/validation"),
        ("mlqa", "ar", "test", "facebook/mlqa/mlqa.ar.ar/test", "mlqa.ar.ar/test"),
        ("tydiqa", "ar", "train", "google-research-datasets/tydiqa/secondary_task/train", "secondary_task/train"),
        ("csqa", "en", "train", "tau/commonsense_qa/default/train", "data/train"),
        ("cosmosqa", "en", "train", "allenai/cosmos_qa/default/train", "default/train/0000"),
        ("bucc", "zh", "source", "bucc2018/zh-en/source", "zh-en/source"),
    ],
)
def test_paths_in_a_mirror_and_on_the_hub(name, language, published, mirror, hub):
    spec = dataset_spec(name)
    assert spec.mirror_file(language, published) == f"datasets/{mirror}.parquet"
    assert spec.hub_stem(language, published) == hub


@pytest.mark.parametrize(
    ("name", "split", "published"),
    [("xquad", "test", "validation"), ("tydiqa", "validation", "train"), ("mnli", "validation", "validation_matched")],
)
def test_our_splits_have_names_of_their_own(name, split, published):
    assert dataset_spec(name).published_split(split) == published


@pytest.mark.parametrize(
    ("name", "split", "has"), [("tatoeba", "validation", "test"), ("qqp", "test", "train validation")]
)
def test_a_split_there_is_no_source_of_is_named_with_those_there_are(name, split, has):
    with pytest.raises(BadInput, match=rf"Got split='{split}', but .* has: {has}\."):
        dataset_spec(name).published_split(split)


def test_an_unknown_data_set_is_named():
    with pytest.raises(
        BadInput, match=r"Got data set 'sst2', but the data sets read here are: xnli mnli .*bucc_gold\."
    ):
        dataset_spec("sst2")


def test_the_table_of_tasks_is_that_of_the_specifications():
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page
    assert set(ARTIFICIAL) == set(TASKS)


def test_every_reader_has_a_specification():
    assert set(READERS) <= set(DATASETS)
