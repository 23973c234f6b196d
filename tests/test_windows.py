"""Long contexts in overlapping windows: the row a model's tokenizer would make, and no token lost."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.example import Answer, Provenance, Question, Split
from bench.errors import BadInput
from bench.modeling import windows
from bench.modeling.windows import encode_questions
from bench.modeling.workload import workload
from tests.tiny_models import WORDS, tiny_tokenizer
from tests.tiny_splits import subword_tokenizer

ARCHITECTURES = ("xlm-roberta", "bert")
CONTEXT = " ".join(WORDS[step % 9] for step in range(12))
WORD_STARTS = [len(" ".join([*CONTEXT.split()[:place], ""])) for place in range(12)]


def asked(question, context, *answers):
    return Question("q", "g", question, context, answers)


def rows(encoded):
    return [encoded.ids[a:b].tolist() for a, b in zip(encoded.offsets, encoded.offsets[1:], strict=False)]


def targets(max_length, *answers, context=CONTEXT, stride=128, tokenizer=None):
    split = Split("train", "en", (), (asked("no dogs", context, *answers),), Provenance("local"))
    with mock.patch.object(windows, "STRIDE", stride):
        return workload(tokenizer or tiny_tokenizer(), split, max_length).answers.tolist()


def words_from(first, last):
    begin = WORD_STARTS[first]
    return Answer(" ".join(CONTEXT.split()[first : last + 1]), begin)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("make", [tiny_tokenizer, subword_tokenizer])
def test_a_short_context_reads_as_the_tokenizer_s_own_pair(architecture, make):
    tokenizer = make(architecture=architecture)
    question, context = "no dogs", "all catss sleep nobody sing"
    encoded, _ = encode_questions(tokenizer, [asked(question, context)], 32)
    own = tokenizer(question, context, return_token_type_ids=True)

    assert rows(encoded) == [own["input_ids"]]
    assert encoded.types.tolist() == own["token_type_ids"]
    assert encoded.truncated.tolist() == [False]


@pytest.mark.parametrize(("architecture", "begin"), [("xlm-roberta", 5), ("bert", 4)])
def test_a_window_knows_the_characters_of_its_tokens(architecture, begin):
    _, (window,) = encode_questions(subword_tokenizer(architecture), [asked("no dogs", "  all catss\tsleep")], 32)

    assert (window.question, window.begin) == (0, begin)
    assert window.spans == ((2, 5), (6, 10), (10, 11), (12, 17))


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 90)), min_size=1, max_size=3),
    st.integers(12, 60),
    st.integers(1, 40),
    st.sampled_from(ARCHITECTURES),
)
def test_the_windows_together_hold_every_token_once_or_where_they_overlap(sizes, max_length, stride, architecture):
    tokenizer = tiny_tokenizer(architecture=architecture)
    questions = [asked(" ".join(["cats"] * asks), " ".join(["sing"] * reads)) for asks, reads in sizes]
    with mock.patch.object(windows, "STRIDE", stride):
        encoded, found = encode_questions(tokenizer, questions, max_length)

    assert encoded.lengths.max() <= max_length
    assert [window.question for window in found] == sorted(window.question for window in found)
    for number, (asks, reads) in enumerate(sizes):
        own = [place for place, window in enumerate(found) if window.question == number]
        firsts = [found[place].spans[0][0] // 5 if reads else 0 for place in own]
        shown = [[begin // 5 for begin, _ in found[place].spans] for place in own]
        # XLM-R's template has four special tokens, BERT's three.
        room = max_length - min(asks, max_length // 2) - (4 if architecture == "xlm-roberta" else 3)
        step = min(stride, room)
        assert firsts == list(range(0, len(own) * step, step))
        assert shown == [list(range(first, min(first + room, reads))) for first in firsts]
        assert set().union(*shown) == set(range(reads))
        assert len(own) == 1 or firsts[-2] + room < reads


def test_windows_overlap_by_all_but_128_tokens():
    context = " ".join(["sing"] * 500)
    _, found = encode_questions(tiny_tokenizer(), [asked("no dogs", context)], 384)

    assert [window.spans[0][0] // 5 for window in found] == [0, 128]
    assert [len(window.spans) for window in found] == [378, 372]


@pytest.mark.parametrize(("max_length", "kept"), [(384, 64), (20, 10)])
def test_a_long_question_keeps_64_tokens_or_half_a_row_and_is_called_truncated(max_length, kept):
    long = " ".join(["cats", "dogs"] * 50)
    encoded, found = encode_questions(tiny_tokenizer(), [asked(long, "all sing"), asked("no", "all sing")], max_length)

    assert rows(encoded)[0] == [0, *[7, 8] * (kept // 2), 2, 2, 4, 12, 2]
    assert encoded.truncated.tolist() == [True, False]
    assert [window.begin for window in found] == [kept + 3, 4]


def test_a_question_that_leaves_no_token_for_its_context_is_refused():
    for max_length in (4, 8):
        with pytest.raises(BadInput, match=rf"Got max_length={max_length}, but item 'q' has \d tokens before its con"):
            encode_questions(tiny_tokenizer(), [asked("all cats sleep no dogs", CONTEXT)], max_length)


def test_a_limit_or_padding_saved_with_the_tokenizer_takes_nothing_away():
    questions = [asked("no dogs", CONTEXT), asked("some", "all sing")]
    plain, expected = encode_questions(tiny_tokenizer(), questions, 32)
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=30, pad_id=1)
    encoded, found = encode_questions(tokenizer, questions, 32)

    assert rows(encoded) == rows(plain)
    assert found == expected


def test_an_empty_context_is_one_window_that_shows_nothing():
    encoded, (window,) = encode_questions(tiny_tokenizer(), [asked("no dogs", "")], 32)

    assert rows(encoded) == [[0, 6, 8, 2, 2, 2]]
    assert window.spans == ()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (words_from(0, 0), [[5, 5], [0, 0]]),
        (words_from(5, 5), [[10, 10], [0, 0]]),
        (words_from(0, 5), [[5, 10], [0, 0]]),
        (words_from(5, 6), [[0, 0], [0, 0]]),
        (words_from(6, 6), [[0, 0], [5, 5]]),
        (words_from(11, 11), [[0, 0], [10, 10]]),
    ],
)
def test_an_answer_is_found_up_to_the_edge_of_a_window_and_is_the_first_token_elsewhere(answer, expected):
    # 12 tokens, of which 5 come before the context and 1 after it: windows of words 0 to 5 and 6 to 11.
    assert targets(12, answer) == expected


def test_an_answer_across_two_windows_is_found_in_one_that_overlaps_both():
    assert targets(12, words_from(5, 6), stride=3) == [[0, 0], [7, 8], [0, 0]]
    assert targets(12, words_from(4, 4), stride=3) == [[9, 9], [6, 6], [0, 0]]


def test_an_answer_is_the_first_one_given_and_none_is_the_first_token():
    assert targets(32, words_from(2, 3), words_from(5, 5)) == [[7, 8]]
    assert targets(32) == [[0, 0]]


def test_an_answer_within_a_word_is_the_tokens_that_hold_it():
    assert targets(32, Answer("leep", 10), context="all cats sleep run") == [[7, 7]]
    assert targets(32, Answer("ts sl", 6), context="all cats sleep run") == [[6, 7]]
    assert targets(32, Answer("s", 8), context="all catss run", tokenizer=subword_tokenizer()) == [[7, 7]]


def test_spaces_around_an_answer_do_not_hide_it():
    assert targets(32, Answer(" cats ", 3), context="all cats sleep") == [[6, 6]]


def test_equal_rows_come_of_questions_one_by_one_and_together():
    questions = [asked("no dogs", CONTEXT), asked("some", "all sing"), asked("no birds", CONTEXT)]
    together, found = encode_questions(tiny_tokenizer(), questions, 12)
    alone = [encode_questions(tiny_tokenizer(), [one], 12)[0] for one in questions]

    assert rows(together) == [row for one in alone for row in rows(one)]
    assert np.bincount([window.question for window in found]).tolist() == [len(one) for one in alone]
