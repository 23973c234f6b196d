import hashlib

import pytest

from bench.data.dataset_spec import DATASETS
from bench.data.questions import read_mlqa, read_squad, read_tydiqa, read_xquad, require_mlqa, require_tydiqa
from bench.data.sources import Access
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import LAKE, PARK, questions, write_mirror

HILL = "A hill rises in the south."
NORTH, OPENED, SOUTH = [("north", 12)], [("1901", 19)], [("south", 20)]
READERS = {
    "squad_v1": read_squad,
    "squad_v2": read_squad,
    "xquad": read_xquad,
    "mlqa": read_mlqa,
    "tydiqa": read_tydiqa,
}


def write(mirror, name, published, rows, language="en"):
    write_mirror(mirror, name, language, published, questions(rows))


def load(mirror, name="squad_v1", split="train", language="en"):
    return READERS[name](DATASETS[name], split, language, Access((mirror,)))


def ids(split):
    return [item.item_id for item in split.examples]


def groups(split):
    return [item.group_id for item in split.examples]


def test_a_question_has_its_context_and_every_right_answer(tmp_path):
    write(tmp_path, "squad_v1", "train", [("q", PARK, "When?", [("1901", 19), ("in 1901", 16)])])
    (item,) = load(tmp_path).examples
    assert (item.question, item.context) == ("When?", PARK)
    assert [(answer.text, answer.start) for answer in item.answers] == [("1901", 19), ("in 1901", 16)]
    assert (load(tmp_path).labels, load(tmp_path).kind) == ((), "span")


def test_groups_are_the_contexts_by_first_appearance(tmp_path):
    rows = [("a", LAKE, "?", NORTH), ("b", PARK, "?", OPENED), ("c", LAKE, "??", NORTH), ("d", HILL, "?", SOUTH)]
    write(tmp_path, "squad_v1", "train", rows)
    assert groups(load(tmp_path)) == ["train-0", "train-1", "train-0", "train-2"]


def test_training_questions_that_cannot_be_learnt_are_left_out_and_counted(tmp_path):
    rows = [
        ("a", LAKE, "?", NORTH),
        ("b", LAKE, "?", [("north", 13)]),
        ("c", LAKE, "?", []),
        ("d", LAKE, "?", [("", 0)]),
    ]
    write(tmp_path, "squad_v1", "train", rows)
    split = load(tmp_path)
    assert ids(split) == ["train-a"]
    assert split.provenance.note.endswith(
        "4 rows of the 87599 published; 1 rows without an answer left out; "
        "2 rows with an answer that is not at its start left out"
    )


def test_evaluation_questions_stay_whatever_the_start_of_their_answers(tmp_path):
    write(tmp_path, "xquad", "validation", [("a", LAKE, "?", [("north", 13)])])
    assert ids(load(tmp_path, "xquad", "test")) == ["test-a"]


def test_only_squad_2_has_questions_without_an_answer(tmp_path):
    rows = [("a", LAKE, "?", []), ("b", LAKE, "?", NORTH)]
    write(tmp_path, "squad_v2", "train", rows)
    write(tmp_path, "xquad", "validation", rows)
    assert [len(item.answers) for item in load(tmp_path, "squad_v2").examples] == [0, 1]
    with pytest.raises(DataError, match="question test-a has no answer, expected one; fetch the file again"):
        load(tmp_path, "xquad", "test")


@pytest.mark.parametrize("name", ["squad_v1", "squad_v2"])
def test_validation_leaves_out_the_paragraphs_of_xquad_however_they_are_spaced(tmp_path, name):
    write(tmp_path, name, "validation", [("a", PARK, "?", OPENED), ("b", LAKE, "?", NORTH), ("c", PARK, "??", OPENED)])
    write(tmp_path, name, "train", [("t", PARK, "?", OPENED)])
    write(tmp_path, "xquad", "validation", [("a", f" {PARK.upper()} ", "?", [("1901", 20)])])
    split = load(tmp_path, name, "validation")
    assert (ids(split), groups(split)) == (["validation-b"], ["validation-0"])
    assert split.provenance.note.endswith("; 2 rows on XQuAD's paragraphs left out")
    assert ids(load(tmp_path, name, "train")) == ["train-t"]


def test_validation_says_when_xquad_could_not_be_compared(tmp_path):
    write(tmp_path, "squad_v1", "validation", [("a", PARK, "?", OPENED)])
    split = load(tmp_path, "squad_v1", "validation")
    assert ids(split) == ["validation-a"]
    assert split.provenance.note.endswith("may hold XQuAD's paragraphs: xquad.en is not at hand to compare with")


def test_xquad_items_and_groups_are_shared_by_languages(tmp_path):
    write(tmp_path, "xquad", "validation", [("a", LAKE, "?", NORTH), ("b", PARK, "?", OPENED)])
    write(
        tmp_path, "xquad", "validation", [("a", "Gölün adı", "?", [("adı", 6)]), ("b", "Park", "?", [("P", 0)])], "tr"
    )
    english, turkish = (load(tmp_path, "xquad", "test", language) for language in ("en", "tr"))
    assert (ids(turkish), groups(turkish)) == (ids(english), groups(english)) == (
        ["test-a", "test-b"], ["test-0", "test-1"]
    )  # fmt: skip


def mlqa(mirror, published):
    write(mirror, "mlqa", published, [("a", LAKE, "?", NORTH), ("b", PARK, "?", OPENED), ("c", LAKE, "?", NORTH)])
    write(mirror, "mlqa", published, [("b", "Park", "?", [("P", 0)]), ("c", "See", "?", [("S", 0)])], "de")


def test_mlqa_groups_are_the_english_paragraphs_in_every_language(tmp_path):
    mlqa(tmp_path, "test")
    assert groups(load(tmp_path, "mlqa", "test")) == ["test-0", "test-1", "test-0"]
    german = load(tmp_path, "mlqa", "test", "de")
    assert list(zip(ids(german), groups(german), strict=True)) == [("test-b", "test-1"), ("test-c", "test-0")]
    assert (german.provenance.flags, german.provenance.subset) == ((), False)


def test_mlqa_takes_its_development_split_where_that_alone_is_there_and_says_so(tmp_path):
    mlqa(tmp_path, "validation")
    require_mlqa(DATASETS["mlqa"], "test", "de", Access((tmp_path,)))
    split = load(tmp_path, "mlqa", "test", "de")
    assert split.name == "test"
    assert (split.provenance.flags, split.provenance.subset) == (("dev_as_test",), True)
    assert split.provenance.note.endswith("the development split stands in for the test split")
    with pytest.raises(Unavailable, match=r"needs hub: datasets/facebook/mlqa/mlqa.vi.vi/test.parquet"):
        load(tmp_path, "mlqa", "test", "vi")
    with pytest.raises(Unavailable, match=r"needs hub: datasets/facebook/mlqa/mlqa.vi.vi/test.parquet"):
        require_mlqa(DATASETS["mlqa"], "test", "vi", Access((tmp_path,)))


def test_an_mlqa_item_that_english_lacks_is_an_error(tmp_path):
    mlqa(tmp_path, "test")
    write(tmp_path, "mlqa", "test", [("z", "Ho", "?", [("H", 0)])], "vi")
    with pytest.raises(DataError, match="row 0 has id z, which the English file lacks; fetch both files again"):
        load(tmp_path, "mlqa", "test", "vi")


def tydiqa_rows(number, name="english"):
    return [(f"{name}-1", f"Text {index} is here.", "?", [("Text", 0)]) for index in range(number)]


def part_of(context):
    digits = hashlib.sha256(b"tydiqa validation\0" + context.encode()).hexdigest()[:8]
    return "validation" if int(digits, 16) % 10 == 0 else "train"


def test_tydiqa_is_split_by_paragraph_one_in_ten(tmp_path):
    rows = tydiqa_rows(400)
    write(tmp_path, "tydiqa", "train", [*rows, *rows])
    train, validation = (load(tmp_path, "tydiqa", split) for split in ("train", "validation"))
    expected = [row[1] for row in rows if part_of(row[1]) == "validation"]
    assert 20 < len(expected) < 60
    assert [item.context for item in validation.examples] == expected * 2
    assert len(train.examples) + len(validation.examples) == 800
    assert not {item.context for item in train.examples} & set(expected)


def test_a_tydiqa_paragraph_is_in_the_same_part_whatever_else_the_file_holds(tmp_path):
    write(tmp_path / "a", "tydiqa", "train", tydiqa_rows(60))
    write(tmp_path / "b", "tydiqa", "train", [*tydiqa_rows(3, "russian"), *tydiqa_rows(60)[30:]])
    first, second = ({item.context for item in load(tmp_path / name, "tydiqa").examples} for name in "ab")
    assert second == first & {row[1] for row in tydiqa_rows(60)[30:]}


def test_tydiqa_rows_are_those_whose_id_begins_with_the_language(tmp_path):
    rows = [("english-1", LAKE, "?", NORTH), ("swahili-2", PARK, "?", OPENED), ("swahili-2", LAKE, "?", NORTH)]
    write(tmp_path, "tydiqa", "validation", rows)
    split = load(tmp_path, "tydiqa", "test", "sw")
    assert (ids(split), groups(split)) == (["sw-test-1", "sw-test-2"], ["sw-test-0", "sw-test-1"])


def test_questions_whose_answers_are_withheld_are_left_out_and_counted(tmp_path):
    rows = [("english-1", LAKE, "?", NORTH), ("english-2", PARK, "?", [("", 0)])]
    write(tmp_path, "tydiqa", "validation", rows)
    split = load(tmp_path, "tydiqa", "test")
    assert ids(split) == ["en-test-0"]
    assert "1 questions without an answer left out" in split.provenance.note


def test_a_file_that_withholds_every_answer_is_unavailable_before_any_work(tmp_path):
    write(tmp_path, "tydiqa", "validation", [("english-1", LAKE, "?", [("", 0)]), ("english-2", PARK, "?", [("", 0)])])
    for attempt in (read_tydiqa, require_tydiqa):
        with pytest.raises(Unavailable, match="withholds the answers of all 2 test questions in en: each is the empty"):
            attempt(DATASETS["tydiqa"], "test", "en", Access((tmp_path,)))


def test_a_language_without_tydiqa_rows_is_unavailable_before_any_work(tmp_path):
    write(tmp_path, "tydiqa", "train", tydiqa_rows(40))
    for attempt in (read_tydiqa, require_tydiqa):
        with pytest.raises(Unavailable, match=r"needs data: .*train.parquet\) has no validation rows in ar"):
            attempt(DATASETS["tydiqa"], "validation", "ar", Access((tmp_path,)))


def test_a_split_or_language_a_data_set_lacks_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"Got split='train', but google/xquad has: test\."):
        load(tmp_path, "xquad", "train")
    with pytest.raises(BadInput, match=r"Got language='sw', but facebook/mlqa has: en ar de es hi vi zh\."):
        load(tmp_path, "mlqa", "test", "sw")
