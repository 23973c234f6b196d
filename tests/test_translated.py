import pytest

from bench.data.dataset_spec import DATASETS
from bench.data.real import load_real
from bench.data.sources import Access
from bench.data.translated import load_translated, require_translated
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import inferences, questions, write_columns

MNLI = "datasets/nyu-mll/glue/mnli"


def test_a_translation_is_read_beside_the_data_it_translates_and_shares_its_ids(tmp_path):
    write_columns(tmp_path / MNLI / "train.parquet", inferences([("a", "b", 2), ("a", "c", 0)], idx=[0, 1]))
    write_columns(
        tmp_path / MNLI / "mt-sw" / "train.parquet", inferences([("ya", "yb", 2), ("ya", "yc", 0)], idx=[0, 1])
    )
    english = load_real("mnli", "train", "en", Access((tmp_path,)))
    swahili = load_translated("mnli", "sw", Access((tmp_path,)))
    assert [(item.item_id, item.group_id, item.label) for item in swahili.examples] == [
        (item.item_id, item.group_id, item.label) for item in english.examples
    ]
    assert [item.text_pair for item in swahili.examples] == ["yb", "yc"]
    assert (swahili.language, swahili.provenance.origin, swahili.provenance.subset) == ("sw", "local", False)


def test_the_rounds_of_anli_lie_beside_snli_and_mnli(tmp_path):
    places = {
        "snli": ("stanfordnlp/snli/plain_text/mt-de/train", {}),
        "mnli": ("nyu-mll/glue/mnli/mt-de/train", {"idx": [0]}),
        **{
            f"r{number}": (f"facebook/anli/plain_text/mt-de/train_r{number}", {"uid": ["u"], "reason": [""]})
            for number in (1, 2, 3)
        },
    }
    for name, (place, more) in places.items():
        write_columns(tmp_path / f"datasets/{place}.parquet", inferences([(name, "x", 1)], **more))
    require_translated("anli", "de", Access((tmp_path,)))
    split = load_translated("anli", "de", Access((tmp_path,)))
    assert [item.text for item in split.examples] == ["snli", "mnli", "r1", "r2", "r3"]
    assert split.examples[-1].item_id == "anli-train_r3-0"


def test_answers_are_those_of_the_translated_context(tmp_path):
    columns = questions([("q", "Ziwa liko kaskazini.", "Wapi?", [("kaskazini", 10)])])
    write_columns(tmp_path / "datasets/rajpurkar/squad/plain_text/mt-sw/train.parquet", columns)
    (item,) = load_translated("squad_v1", "sw", Access((tmp_path,))).examples
    assert (item.item_id, item.answers[0].text) == ("train-q", "kaskazini")


@pytest.mark.parametrize("task", ["qqp", "anli"])
def test_a_translation_that_is_not_there_says_where_it_belongs(tmp_path, task):
    for attempt in (load_translated, require_translated):
        with pytest.raises(Unavailable, match=r"needs data: datasets/.*/mt-sw/train.parquet is in no .*docs/data.md"):
            attempt(task, "sw", Access((tmp_path,), hub_allowed=True))


def test_a_translation_in_another_schema_is_an_error(tmp_path):
    write_columns(tmp_path / MNLI / "mt-sw" / "train.parquet", {"premise": ["a"], "hypothesis": ["b"], "label": [0]})
    with pytest.raises(DataError, match="has no column 'idx', expected premise, hypothesis, label, idx"):
        load_translated("mnli", "sw", Access((tmp_path,)))


@pytest.mark.parametrize(
    ("task", "language", "text"),
    [
        ("xnli", "sw", r"Got task='xnli', but the tasks with training data to translate are: mnli qqp .* anli\."),
        ("tydiqa", "sw", "Got task='tydiqa'"),
        ("nothing", "sw", "Got task='nothing'"),
        ("mnli", "en", "Got language='en', but a translation is into another language than English"),
        ("mnli", "../x", r"Got language='\.\./x', but a translation"),
    ],
)
def test_what_cannot_be_a_translation_is_refused(tmp_path, task, language, text):
    for attempt in (load_translated, require_translated):
        with pytest.raises(BadInput, match=text):
            attempt(task, language, Access((tmp_path,)))


def test_the_specification_of_the_data_itself_is_left_as_it_is(tmp_path):
    with pytest.raises(Unavailable):
        load_translated("mnli", "sw", Access((tmp_path,)))
    assert DATASETS["mnli"].languages == ("en",)
