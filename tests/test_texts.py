"""Plain sentences for masked language modelling: of a user's files, or of a world's corpus."""

import pyarrow as pa
import pytest

from bench.data.sources import Access
from bench.data.texts import load_texts, texts_path
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import write_columns


@pytest.fixture
def swahili(tmp_path):
    """Return a function that writes the Swahili texts of a mirror and loads the first of them."""

    def load(columns, count=10):
        write_columns(tmp_path / texts_path("sw"), columns)
        return load_texts("sw", count, Access((tmp_path,)))

    return load


def test_texts_are_the_first_rows_of_a_users_file(swahili):
    assert swahili({"text": ["moja", "mbili", "tatu"], "source": ["x"] * 3}, count=2) == ("moja", "mbili")


def test_fewer_texts_than_asked_for_are_all_there_are(swahili):
    assert swahili({"text": ["moja"]}, count=5) == ("moja",)


def test_blank_texts_are_left_out(swahili):
    assert swahili({"text": ["moja", " ", None, "", "mbili"]}) == ("moja", "mbili")


def test_without_a_file_it_is_said_where_to_put_one(tmp_path):
    with pytest.raises(Unavailable) as caught:
        load_texts("sw", 1, Access((tmp_path,)))

    assert str(caught.value) == (
        "needs data: no mirror has datasets/texts/sw/train.parquet; put a file with a column 'text' there"
    )


@pytest.mark.parametrize("columns", [{"sentence": ["moja"]}, {"text": [1, 2]}, {"text": pa.array([["moja"]])}])
def test_a_file_without_a_column_of_texts_is_an_error(swahili, columns):
    with pytest.raises(DataError, match=r"sw/train.parquet has no readable column 'text' .*; write one text a row\."):
        swahili(columns)


def test_a_file_of_blanks_is_an_error(swahili):
    with pytest.raises(DataError, match=r"sw/train.parquet has no text in its column 'text'; write one text a row\."):
        swahili({"text": ["", " "]})


def test_a_file_that_is_no_parquet_is_an_error(tmp_path):
    path = tmp_path / texts_path("sw")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"moja")
    with pytest.raises(DataError, match="has no readable column 'text'"):
        load_texts("sw", 1, Access((tmp_path,)))


@pytest.mark.parametrize("language", ["sw", "w0_src"])
def test_no_texts_are_not_a_number_of_texts(language):
    with pytest.raises(BadInput) as caught:
        load_texts(language, 0, Access())

    assert str(caught.value) == "Got count=0, but a language needs at least 1 text."


def test_artificial_texts_are_sentences_of_the_language_and_fewer_are_the_first_of_more():
    source, other = (load_texts(language, 6, Access()) for language in ("w0_src", "w0_agg"))

    assert load_texts("w0_src", 5, Access()) == source[:5]
    assert len(set(source)) == len(set(other)) == 6
    assert not {word for text in source for word in text.split()} & {word for text in other for word in text.split()}
    assert load_texts("w1_src", 6, Access()) != source
