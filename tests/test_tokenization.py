"""Text to ragged token rows: templates, truncation, and a tokenizer left as it was."""

import numpy as np
import pytest

from bench.data.example import Example
from bench.errors import BadInput
from bench.modeling.tokenization import concatenate, encode, load_tokenizer, pad
from tests.tiny_models import make_tiny_model, tiny_tokenizer


def pair(text, text_pair=""):
    return Example("i", "g", text, text_pair, 0)


def rows(encoded):
    return [encoded.ids[a:b].tolist() for a, b in zip(encoded.offsets, encoded.offsets[1:], strict=False)]


def test_pairs_follow_the_template_of_the_model():
    xlmr = encode(tiny_tokenizer(), [pair("all cats", "no dogs")], 32)
    bert = encode(tiny_tokenizer(architecture="bert"), [pair("all cats", "no dogs")], 32)

    assert rows(xlmr) == [[0, 4, 7, 2, 2, 6, 8, 2]]
    assert xlmr.types.tolist() == [0] * 8
    assert rows(bert) == [[0, 4, 7, 2, 6, 8, 2]]
    assert bert.types.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_without_second_texts_the_rows_are_single():
    assert rows(encode(tiny_tokenizer(), [pair("all"), pair("all cats")], 32)) == [[0, 4, 2], [0, 4, 7, 2]]


def test_the_longer_segment_is_cut_first_and_counted():
    encoded = encode(tiny_tokenizer(), [pair("all cats run sing", "no dogs"), pair("all", "no")], 8)

    assert rows(encoded) == [[0, 4, 7, 2, 2, 6, 8, 2], [0, 4, 2, 2, 6, 2]]
    assert encoded.truncated.tolist() == [True, False]
    assert encoded.lengths.tolist() == [8, 6]


def test_encoding_leaves_no_limit_behind_in_the_tokenizer(tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(str(tmp_path / "before"))
    encode(tokenizer, [pair("all cats", "no dogs")], 6)
    tokenizer.save_pretrained(str(tmp_path / "after"))

    assert (tmp_path / "before/tokenizer.json").read_bytes() == (tmp_path / "after/tokenizer.json").read_bytes()


def test_padding_goes_to_the_longest_chosen_row_only():
    encoded = encode(tiny_tokenizer(), [pair("all"), pair("all cats run"), pair("no cats")], 32)
    batch = pad(encoded, np.array([2, 0]), padding_id=1)

    assert batch.ids.tolist() == [[0, 6, 7, 2], [0, 4, 2, 1]]
    assert batch.mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_concatenated_rows_keep_their_order():
    one, two = (encode(tiny_tokenizer(), [pair(text), pair("cats")], 32) for text in ("all", "no birds"))

    assert rows(one) + rows(two) == rows(concatenate([one, two]))


def test_a_directory_without_tokenizer_is_named(tmp_path):
    directory = make_tiny_model(tmp_path)
    load_tokenizer(directory)
    (directory / "tokenizer.json").unlink()

    with pytest.raises(BadInput, match=r"holds no (readable|fast) tokenizer.*; add its tokenizer\.json\."):
        load_tokenizer(directory)


def test_no_examples_are_refused():
    with pytest.raises(BadInput, match=r"Got no examples, but tokenization needs at least 1"):
        encode(tiny_tokenizer(), [], 8)
