"""Token rows that were kept are those that would be made, and are made once."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import tokens
from bench.errors import Corrupt
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.marks import marks_of
from bench.modeling.predict import predict
from bench.modeling.token_file import read_tokens, write_tokens
from bench.modeling.tokenization import from_rows, load_tokenizer
from bench.modeling.workload import anew, workload
from bench.store import Store
from bench.tokens import kept_tokens
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from tests.tiny_models import WORDS, make_tiny_model, nli_split, tiny_tokenizer
from tests.tiny_splits import choice_split, question_split, tag_split

COLUMNS = ("ids", "types", "offsets", "truncated")
RAGGED = ("places", "windows")


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def same_fields(one, other):
    """Whether two workloads hold the same beside their token rows."""
    names = [field.name for field in fields(other) if field.name != "encoded"]
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names if name not in RAGGED
    ) and all(getattr(one, name) == getattr(other, name) for name in names if name in RAGGED)


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 2**31 - 1), max_size=5), st.booleans()), min_size=1, max_size=6))
def test_a_file_gives_back_what_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    ids, cut = [list(part) for part in zip(*rows, strict=True)]
    encoded = from_rows(ids, [[len(row) % 2] * len(row) for row in ids], cut)
    write_tokens(path, encoded)
    found = read_tokens(path)

    assert same(found, encoded)
    assert [getattr(found, name).dtype for name in COLUMNS] == [getattr(encoded, name).dtype for name in COLUMNS]


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=4), min_size=1, max_size=5))
def test_a_file_gives_back_marks(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("tokens") / "tokens.arrow"
    rows = [(number, 7 * number) for number in range(len(pairs))]
    plain = from_rows([[1]] * len(pairs), [[0]] * len(pairs), [False] * len(pairs))
    write_tokens(path, replace(plain, marks=marks_of(pairs, rows)))
    found = read_tokens(path).marks

    assert [found.of_row(row) for row in range(len(pairs))] == pairs
    assert found.rows.tolist() == [list(row) for row in rows]
    write_tokens(path, plain)
    assert read_tokens(path).marks is None


@pytest.mark.parametrize("content", [b"", b"ARROW1 but no more", b"\0" * 200])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(Corrupt, match="holds no token rows"):
        read_tokens(tmp_path / "x")
    with pytest.raises(Corrupt, match="delete it, and it is made again"):
        read_tokens(tmp_path / "none")


@pytest.mark.parametrize("make", [nli_split, choice_split, tag_split, question_split])
def test_a_split_is_tokenized_once(tmp_path, monkeypatch, make):
    monkeypatch.setattr(tokens, "_WORTH_KEEPING", 10)
    store, tokenizer, split = Store(tmp_path), tiny_tokenizer(), make(12)
    expected = workload(tokenizer, split, 24)
    first = workload(tokenizer, split, 24, kept_tokens(store))
    with monkeypatch.context() as patch:
        patch.setattr("bench.modeling.tokenization._encodings", lambda *_, **__: pytest.fail("tokenized again"))
        patch.setattr("bench.modeling.workload.encode_questions", lambda *_: pytest.fail("tokenized again"))
        again = workload(tokenizer, split, 24, kept_tokens(store))

    assert same(first.encoded, expected.encoded)
    assert same(again.encoded, expected.encoded)
    assert same_fields(again, expected)


def test_tokenizer_length_and_data_have_rows_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "_WORTH_KEEPING", 1)
    store = Store(tmp_path)
    for tokenizer, split, length in [
        (tiny_tokenizer(), nli_split(4), 24),
        (tiny_tokenizer(), nli_split(4), 25),
        (tiny_tokenizer(), nli_split(5), 24),
        (tiny_tokenizer((*WORDS, "more")), nli_split(4), 24),
        (tiny_tokenizer(), nli_split(4), 24),
    ]:
        workload(tokenizer, split, length, kept_tokens(store))

    assert len(list(store.entries("tokens"))) == 4


def test_small_splits_are_not_kept(tmp_path):
    store = Store(tmp_path)
    workload(tiny_tokenizer(), nli_split(30), 24, kept_tokens(store))

    assert not list(store.entries("tokens"))


def test_rows_from_a_file_train_and_predict(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "_WORTH_KEEPING", 1)
    directory = make_tiny_model(tmp_path / "model")
    tokenizer = load_tokenizer(directory)
    phase = Phase(role="target", task="xnli", epochs=1.0, batch_size=8, max_length=24)

    def logits(kept):
        encoder, head = load_encoder(directory)[0], new_head(16, 3, 0, "target")
        finetune(encoder, head, tokenizer, nli_split(20), None, phase, 0, kept=kept)
        return predict(encoder, head, tokenizer, [nli_split(9)], 24, kept=kept)[0][0].logits

    assert np.array_equal(logits(anew), logits(kept_tokens(Store(tmp_path / "store"))))
