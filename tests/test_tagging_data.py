import pytest

from bench.data.ccg import read_ccg
from bench.data.dataset_spec import DATASETS
from bench.data.sources import Access
from bench.data.tagging import read_tagging
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import tagged, write_mirror


def load(mirror, name="udpos", split="test", language="tr"):
    return read_tagging(DATASETS[name], split, language, Access((mirror,)))


def load_ccg(mirror, split, language="en"):
    return read_ccg(DATASETS["ccg"], split, language, Access((mirror,)))


def write_udpos(mirror, tokens, tags):
    write_mirror(mirror, "udpos", "tr", "test", {"tokens": tokens, "pos_tags": tags})


def write_ccg(mirror, train, validation):
    for published, rows in (("train", train), ("validation", validation)):
        write_mirror(mirror, "ccg", "en", published, tagged("ccg", rows))


def test_words_are_the_tokens_and_a_sentence_is_a_group_of_its_language(tmp_path):
    write_udpos(tmp_path, [["Ev", "."], ["Git"]], [[7, 12], [15]])
    first, second = load(tmp_path).examples
    assert (first.item_id, first.group_id, first.words, first.tags) == ("tr-test-0", "tr-test-0", ("Ev", "."), (7, 12))
    assert second.item_id == "tr-test-1"


@pytest.mark.parametrize("blank", ["", " ", "\u200a", "\n"])
def test_a_blank_word_stays_a_word(tmp_path, blank):
    write_udpos(tmp_path, [["Ev", blank, "."]], [[7, 16, 12]])
    assert load(tmp_path).examples[0].words == ("Ev", "_", ".")


def test_sentences_without_a_word_are_left_out_and_counted(tmp_path):
    write_udpos(tmp_path, [["Ev"], [], ["Git"]], [[7], [], [15]])
    split = load(tmp_path)
    assert [item.item_id for item in split.examples] == ["tr-test-0", "tr-test-2"]
    assert split.provenance.note.endswith("1 rows without a word left out")


def test_a_sentence_with_another_number_of_tags_is_named(tmp_path):
    write_udpos(tmp_path, [["Ev"], ["Git", "."]], [[7], [15]])
    with pytest.raises(DataError, match="row 1 has 1 values in column 'pos_tags', expected 2, one for each token"):
        load(tmp_path)


def test_a_tag_of_another_set_is_named(tmp_path):
    write_udpos(tmp_path, [["Ev"]], [[17]])
    with pytest.raises(DataError, match=r"row 0 has 17 in column 'pos_tags', expected 0 \(ADJ\)"):
        load(tmp_path)


def test_a_mirror_whose_manifest_says_nothing_of_a_part_is_no_subset(tmp_path):
    write_udpos(tmp_path, [["Ev"]], [[7]])
    assert not load(tmp_path).provenance.subset


def test_the_labels_of_ccg_are_the_sorted_supertags_of_train(tmp_path):
    write_ccg(tmp_path, [("Go home", ["S", "N"]), ("He went", ["NP", "S\\NP"])], [("He", ["NP"])])
    train, validation = load_ccg(tmp_path, "train"), load_ccg(tmp_path, "validation")
    assert train.labels == validation.labels == ("N", "NP", "S", "S\\NP")
    assert [item.tags for item in (*train.examples, *validation.examples)] == [(2, 0), (1, 3), (1,)]
    assert (train.provenance.origin, train.kind) == ("local", "tagging")


def test_a_validation_sentence_with_a_supertag_that_train_lacks_is_left_out_and_counted(tmp_path):
    write_ccg(tmp_path, [("Go", ["S"])], [("Go", ["S"]), ("Go on", ["S", "PR"])])
    split = load_ccg(tmp_path, "validation")
    assert [item.item_id for item in split.examples] == ["en-validation-0"]
    assert split.provenance.note.endswith("1 rows with a supertag that train lacks left out")


def test_ccg_that_is_not_provided_says_how_to_provide_it(tmp_path):
    expected = r"needs data: datasets/ccgbank/ccg/train.parquet is in no mirror .*docs/data.md"
    with pytest.raises(Unavailable, match=expected):
        read_ccg(DATASETS["ccg"], "train", "en", Access((tmp_path,), hub_allowed=True))


@pytest.mark.parametrize(("split", "language"), [("test", "en"), ("train", "sw")])
def test_ccg_has_two_splits_in_english(tmp_path, split, language):
    write_ccg(tmp_path, [("Go", ["S"])], [("Go", ["S"])])
    with pytest.raises(BadInput, match="but ccgbank has: "):
        load_ccg(tmp_path, split, language)
