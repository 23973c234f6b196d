"""Every data set of the hub is read by its task's loader, from files as the hub keeps them."""

import pytest

from bench.data.dataset_spec import DATASETS
from tests.data_files import HUB, LAKE, PARK, write_all_of_the_hub
from tests.hub_stand_in import Repo, StandIn, serving
from tests.test_hub import run

SPLITS = (
    ("xnli", "test", "sw"), ("mnli", "train", "en"), ("mnli", "validation", "en"), ("snli", "train", "en"),
    ("anli", "train", "en"), ("qqp", "train", "en"), ("pawsx", "test", "de"), ("hellaswag", "train", "en"),
    ("cosmosqa", "train", "en"), ("csqa", "train", "en"), ("udpos", "test", "tr"), ("panx", "test", "sw"),
    ("squad_v1", "validation", "en"), ("squad_v2", "train", "en"), ("xquad", "test", "ru"), ("xquad", "train", "en"),
    ("mlqa", "test", "vi"), ("tydiqa", "test", "sw"), ("tatoeba", "test", "sw"),
)  # fmt: skip
READ = f"""
import json
from bench.canonical import plain
from bench.data.real import load_real, require_real
from bench.data.sources import Access

found = {{}}
for task, split, language in {SPLITS}:
    require_real(task, split, language, Access(hub_allowed=True))
    loaded = load_real(task, split, language, Access(hub_allowed=True))
    found[f"{{task}} {{split}}"] = [
        loaded.kind, len(loaded.labels), loaded.provenance.origin, [plain(item) for item in loaded.examples]
    ]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What `READ` finds on a hub that serves every data set at the revision of its specification."""
    root = tmp_path_factory.mktemp("hub")
    write_all_of_the_hub(root)
    revisions = {DATASETS[name].repo: DATASETS[name].revision for name, *_ in HUB}
    repos = [
        Repo("datasets", repo, root / repo, revision) if revision else Repo("datasets", repo, root / repo)
        for repo, revision in revisions.items()
    ]
    with serving(StandIn(repos)) as stand_in:
        return run(READ, root / "home", HF_ENDPOINT=stand_in.url)


def test_every_data_set_of_the_hub_is_served_and_read():
    of_the_hub = {name for name, spec in DATASETS.items() if not spec.provide}
    assert {name for name, *_ in HUB} == of_the_hub == {task for task, *_ in SPLITS}


def test_every_split_says_that_it_comes_from_a_stand_in(found):
    assert {origin for _, _, origin, _ in found.values()} == {"stand-in"}
    assert len(found) == len(SPLITS)


@pytest.mark.parametrize(
    ("split", "kind", "labels"),
    [
        ("anli train", "sentence_pair", 3),
        ("qqp train", "sentence_pair", 2),
        ("pawsx test", "sentence_pair", 2),
        ("hellaswag train", "multiple_choice", 4),
        ("cosmosqa train", "multiple_choice", 4),
        ("csqa train", "multiple_choice", 5),
        ("udpos test", "tagging", 17),
        ("panx test", "tagging", 7),
        ("squad_v2 train", "span", 0),
        ("tatoeba test", "retrieval", 0),
    ],
)
def test_kind_and_number_of_labels(found, split, kind, labels):
    assert found[split][:2] == [kind, labels]


def test_pairs(found):
    assert found["mnli validation"][3][0] | {"posterior": None} == {
        "item_id": "validation-0", "group_id": "validation-0", "text": "a hat", "text_pair": "a red hat", "label": 1,
        "posterior": None,
    }  # fmt: skip
    assert [item["label"] for item in found["qqp train"][3]] == [1, 0]
    assert [item["item_id"] for item in found["pawsx test"][3]] == ["test-7", "test-9"]


def test_anli_is_snli_mnli_and_three_rounds_in_this_order(found):
    assert [(item["item_id"], item["group_id"], item["label"]) for item in found["anli train"][3]] == [
        ("snli-train-0", "snli-train-0", 0),
        ("mnli-train-0", "mnli-train-0", 0),
        ("mnli-train-1", "mnli-train-0", 2),
        ("anli-train_r1-0", "anli-train_r1-0", 1),
        ("anli-train_r2-0", "anli-train_r2-0", 1),
        ("anli-train_r3-0", "anli-train_r3-0", 2),
        ("anli-train_r3-1", "anli-train_r3-0", 0),
    ]


@pytest.mark.parametrize(
    ("split", "text", "right"),
    [
        ("hellaswag train", "He sits and", "d"),
        ("cosmosqa train", "It rained. Why?", "b"),
        ("csqa train", "Where is it?", "there"),
    ],
)
def test_choices(found, split, text, right):
    (item,) = found[split][3]
    assert (item["text"], item["choices"][item["label"]]) == (text, right)


def test_words_and_tags(found):
    (turkish,), (swahili,) = found["udpos test"][3], found["panx test"][3]
    assert (turkish["item_id"], turkish["words"][2], turkish["tags"]) == ("tr-test-0", "ev", [10, 5, 7, 12])
    assert (swahili["words"], swahili["tags"]) == (["Asha", "Juma", "alikwenda", "Lamu"], [1, 2, 0, 5])


def test_questions(found):
    (squad,), (russian,) = found["squad_v1 validation"][3], found["xquad test"][3]
    assert (squad["item_id"], squad["context"]) == ("validation-q3", LAKE)
    assert (russian["item_id"], russian["answers"]) == ("test-q2", [{"text": "1901", "start": 14}])
    assert [item["answers"] for item in found["squad_v2 train"][3]] == [[], [{"text": "north", "start": 12}]]
    assert [(item["item_id"], item["context"]) for item in found["xquad train"][3]] == [("train-q1", PARK)]
    assert [(item["item_id"], item["group_id"]) for item in found["mlqa test"][3]] == [("test-m2", "test-1")]
    assert [item["item_id"] for item in found["tydiqa test"][3]] == ["sw-test-1"]


def test_translations(found):
    (item,) = found["tatoeba test"][3]
    assert (item["text"], item["pivot"], item["item_id"]) == ("Habari?", "What news?", "sw-test-0")
