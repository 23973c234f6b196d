import pytest

from bench.data.choices import read_choices
from bench.data.dataset_spec import DATASETS
from bench.data.sources import Access
from bench.errors import DataError
from tests.data_files import write_mirror


def load(mirror, name):
    return read_choices(DATASETS[name], "train", "en", Access((mirror,)))


def write_hellaswag(mirror, labels, contexts=None, endings=None):
    contexts = contexts or [f"text {index}" for index in range(len(labels))]
    endings = endings or [["a", "b", "c", "d"]] * len(labels)
    write_mirror(mirror, "hellaswag", "en", "train", {"ctx": contexts, "endings": endings, "label": labels})


def write_csqa(mirror, keys, names=("A", "B", "C", "D", "E")):
    choices = [{"label": list(names), "text": ["v", "w", "x", "y", "z"]}] * len(keys)
    columns = {"id": keys, "question": [f"q {index}" for index in range(len(keys))], "choices": choices}
    write_mirror(mirror, "csqa", "en", "train", {**columns, "answerKey": keys})


def test_hellaswag_labels_are_strings_and_an_empty_one_is_no_gold_label(tmp_path):
    write_hellaswag(tmp_path, ["2", "", "0"])
    split = load(tmp_path, "hellaswag")
    assert [(item.item_id, item.label) for item in split.examples] == [("train-0", 2), ("train-2", 0)]
    assert split.provenance.note.endswith("3 rows of the 39905 published; 1 rows without a gold label left out")
    assert (split.kind, split.labels) == ("multiple_choice", ("0", "1", "2", "3"))


def test_groups_are_the_contexts_by_first_appearance(tmp_path):
    write_hellaswag(tmp_path, ["0"] * 4, ["b", "a", "b", "c"])
    assert [item.group_id for item in load(tmp_path, "hellaswag").examples] == [
        "train-0",
        "train-1",
        "train-0",
        "train-2",
    ]


def test_the_text_of_cosmos_qa_is_context_and_question_and_its_group_the_context(tmp_path):
    answers = {f"answer{number}": [f"{number} a", f"{number} b"] for number in range(4)}
    columns = {
        "id": ["x", "y"],
        "context": ["It rained."] * 2,
        "question": ["Why?", "When?"],
        **answers,
        "label": [3, 0],
    }
    write_mirror(tmp_path, "cosmosqa", "en", "train", columns)
    first, second = load(tmp_path, "cosmosqa").examples
    assert (first.text, first.choices, first.label) == ("It rained. Why?", ("0 a", "1 a", "2 a", "3 a"), 3)
    assert (second.text, second.group_id, second.label) == ("It rained. When?", first.group_id, 0)


def test_the_answer_of_commonsense_qa_is_found_by_its_key(tmp_path):
    write_csqa(tmp_path, ["C", "", "A"], names=("B", "C", "A", "D", "E"))
    split = load(tmp_path, "csqa")
    assert [(item.item_id, item.choices[item.label]) for item in split.examples] == [("train-0", "w"), ("train-2", "x")]


@pytest.mark.parametrize("label", ["4", "A", "-1"])
def test_a_label_that_is_no_choice_is_named(tmp_path, label):
    write_hellaswag(tmp_path, ["0", label])
    with pytest.raises(DataError, match=rf"row 1 has '{label}' in column 'label', expected one of 0, 1, 2, 3; fetch"):
        load(tmp_path, "hellaswag")


def test_another_number_of_choices_is_named(tmp_path):
    write_hellaswag(tmp_path, ["0", "1"], endings=[["a", "b", "c", "d"], ["a", "b", "c"]])
    with pytest.raises(DataError, match="row 1 has 3 choices, expected 4; fetch"):
        load(tmp_path, "hellaswag")


def test_a_file_without_gold_labels_is_an_error(tmp_path):
    write_csqa(tmp_path, ["", ""])
    with pytest.raises(DataError, match="has no usable row"):
        load(tmp_path, "csqa")
