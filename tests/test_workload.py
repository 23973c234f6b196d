"""Token rows of every kind: what the head reads of them, against the encoder called one text at a time."""

import dataclasses

import numpy as np
import pytest
import torch

from bench.data.example import (
    Answer,
    ChoiceExample,
    CorpusSentence,
    Provenance,
    Question,
    Split,
    TaggedSentence,
    Translation,
)
from bench.errors import BadInput
from bench.modeling.encoder import load_encoder
from bench.modeling.predict import predict
from bench.modeling.tokenization import encode_words
from bench.modeling.workload import workload
from tests.tiny_models import WORDS, make_tiny_model
from tests.tiny_splits import MAKERS, TAGS, choice_split, head_of, question_split, subword_tokenizer

KINDS = tuple(MAKERS)


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def tiny(request, tmp_path_factory):
    """Return an encoder and its tokenizer, which has pieces of words."""
    directory = tmp_path_factory.mktemp("tiny")
    make_tiny_model(directory, (*WORDS, "##s", "##ing"), request.param)
    return load_encoder(directory)[0], subword_tokenizer(request.param)


def tagged(*sentences):
    """Return sentences of words, tagged 0, 1, 2, 0, 1, ..."""
    examples = tuple(
        TaggedSentence(f"s{row}", f"g{row}", tuple(words), tuple(place % 3 for place in range(len(words))))
        for row, words in enumerate(sentences)
    )
    return Split("test", "en", TAGS, examples, Provenance("local"))


def states_of(encoder, row):
    """Return the last states of one tokenized text, (length, hidden)."""
    with torch.inference_mode():
        return encoder(**{name: torch.tensor([values]) for name, values in row.items()}).last_hidden_state[0]


SENTENCES = (["all", "catss", "sleeping"], ["no"], ["runings", "birds", "some", "dogsss", "sing"])


def test_a_word_is_found_by_its_first_and_last_piece():
    encoded, places = encode_words(subword_tokenizer(), SENTENCES, 32)

    assert encoded.ids[:7].tolist() == [0, 4, 7, 13, 10, 14, 2]
    assert places == [[(1, 2), (2, 4), (4, 6)], [(1, 2)], [(1, 4), (4, 5), (5, 6), (6, 9), (9, 10)]]


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_the_logits_of_a_word_are_those_of_its_first_piece_or_of_the_mean_of_its_pieces(tiny, pooling):
    encoder, tokenizer = tiny
    head = head_of("tagging", pooling=pooling, spread=30)
    (found,), _ = predict(encoder, head, tokenizer, [tagged(*SENTENCES)], 32)
    expected = []
    for words in SENTENCES:
        row = tokenizer(words, is_split_into_words=True)
        states = states_of(encoder, row)
        for word in range(len(words)):
            pieces = states[[place for place, own in enumerate(row.word_ids()) if own == word]]
            pooled = pieces[0] if pooling == "first" else pieces.mean(0)
            expected.append((head.out.weight @ pooled + head.out.bias).detach().numpy())

    assert found.logits == pytest.approx(np.array(expected), abs=2e-5)
    assert found.logits.std(axis=0).min() > 0.01
    assert not found.columns["lost"].any()
    assert found.columns["sentence"].tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 2]
    assert found.labels.tolist() == [0, 1, 2, 0, 0, 1, 2, 0, 1]
    assert found.item_ids.tolist()[2:6] == ["s0:2", "s1:0", "s2:0", "s2:1"]
    assert found.group_ids.tolist()[2:5] == ["g0", "g1", "g2"]


def test_a_word_that_was_cut_off_keeps_its_label_with_logits_of_0_and_is_called_lost(tiny):
    encoder, tokenizer = tiny
    (found,), cost = predict(encoder, head_of("tagging", spread=30), tokenizer, [tagged(*SENTENCES, ["cats"] * 9)], 8)

    # Six tokens are left beside the special ones: the third sentence loses its last two words, the fourth three.
    lost = [False] * 4 + [False, False, False, False, True] + [False] * 6 + [True] * 3
    assert found.columns["lost"].tolist() == lost
    assert found.labels.tolist() == [0, 1, 2, 0, 0, 1, 2, 0, 1, *[0, 1, 2] * 3]
    assert np.flatnonzero((found.logits == 0).all(axis=1)).tolist() == np.flatnonzero(lost).tolist()
    assert cost.truncated == (2,)


def test_a_word_cut_in_its_middle_is_what_is_left_of_it(tiny):
    encoder, tokenizer = tiny
    head = head_of("tagging", pooling="mean", spread=30)
    (cut,), _ = predict(encoder, head, tokenizer, [tagged(["all", "dogsss"])], 5)
    (whole,), _ = predict(encoder, head, tokenizer, [tagged(["all", "dogss"])], 5)

    assert not cut.columns["lost"].any()
    assert (cut.logits == whole.logits).all()


def test_words_that_the_tokenizer_makes_nothing_of_are_lost(tiny):
    encoder, tokenizer = tiny
    (found,), _ = predict(encoder, head_of("tagging", spread=30), tokenizer, [tagged(["", "cats", ""], [""])], 32)
    (alone,), _ = predict(encoder, head_of("tagging", spread=30), tokenizer, [tagged(["cats"])], 32)

    assert found.columns["lost"].tolist() == [True, False, True, True]
    assert found.logits[1] == pytest.approx(alone.logits[0], abs=1e-5)
    assert not found.logits[[0, 2, 3]].any()


def test_a_posterior_of_words_is_a_row_a_word(tiny):
    encoder, tokenizer = tiny
    split = tagged(["all", "cats"], ["no"])
    given = (((1.0, 0.0, 0.0), (0.2, 0.3, 0.5)), ((0.0, 0.5, 0.5),))
    examples = tuple(
        dataclasses.replace(one, posterior=posterior) for one, posterior in zip(split.examples, given, strict=True)
    )
    (found,), _ = predict(encoder, head_of("tagging"), tokenizer, [dataclasses.replace(split, examples=examples)], 3)

    # The second word is lost, its posterior stays.
    assert found.columns["lost"].tolist() == [False, True, False]
    assert found.posterior.tolist() == [[1, 0, 0], [0.2, 0.3, 0.5], [0, 0.5, 0.5]]


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_the_logits_of_choices_are_those_of_each_choice_alone(tiny, pooling):
    encoder, tokenizer = tiny
    head = head_of("multiple_choice", pooling=pooling, spread=30)
    split = choice_split(7, choices=4)
    (found,), _ = predict(encoder, head, tokenizer, [split], 32)
    rows = [
        [states_of(encoder, tokenizer(one.text, choice, return_token_type_ids=True)) for choice in one.choices]
        for one in split.examples
    ]
    with torch.inference_mode():
        expected = [[head(states[None], torch.ones(1, len(states))).item() for states in each] for each in rows]

    assert found.logits == pytest.approx(np.array(expected), abs=2e-5)
    assert found.logits.std(axis=1).min() > 3e-4
    assert found.labels.tolist() == [0, 1, 2, 3, 0, 1, 2]


def test_another_number_of_choices_is_refused():
    split = choice_split(2)
    odd = ChoiceExample("odd", "g", "all cats", ("sing", "run"), 0)

    with pytest.raises(
        BadInput, match=r"Got 2 choices for item 'odd' and 3 for the first; a task has one number of choices\."
    ):
        workload(subword_tokenizer(), dataclasses.replace(split, examples=(*split.examples, odd)), 32)


@pytest.mark.parametrize("one", [Translation("i", "g", "all", "some"), CorpusSentence("i", "g", "all", True)])
def test_sentences_without_a_head_are_refused(one):
    split = Split("test", "sw", (), (one,), Provenance("local"))

    with pytest.raises(BadInput, match=rf"of kind '{split.kind}', which no head answers; embed its sentences instead"):
        workload(subword_tokenizer(), split, 32)


def test_span_scores_leave_the_context_and_the_first_token_alone():
    split = question_split(6)
    work = workload(subword_tokenizer(), split, 32)
    head = head_of("span", hidden=4, spread=30)
    items = np.array([4, 1])
    states = torch.randn(2, 40, 4, generator=torch.Generator().manual_seed(0))
    scores = work.scores(head, states, torch.ones(2, 40), items).detach()

    for place, item in enumerate(items):
        window = work.windows[item]
        allowed = {0, *range(window.begin, window.begin + len(window.spans))}
        for side in range(2):
            row = scores[place + 2 * side]
            assert set(torch.nonzero(row > -1e3).flatten().tolist()) == allowed
            assert torch.equal(row[sorted(allowed)], head(states).detach()[place, sorted(allowed), side])


def test_the_targets_of_spans_are_all_starts_and_then_all_ends():
    split = question_split(3)
    work = dataclasses.replace(workload(subword_tokenizer(), split, 32), answers=np.array([[5, 6], [0, 0], [7, 9]]))

    assert work.targets(np.array([2, 0])).tolist() == [7, 5, 9, 6]


def test_an_item_is_as_long_as_all_its_rows_and_truncated_if_one_is():
    texts = [("cats", ("run", "sing sing")), ("cats " * 5, ("run", "run sing"))]
    examples = tuple(ChoiceExample(str(row), "g", text, choices, 0) for row, (text, choices) in enumerate(texts))
    work = workload(subword_tokenizer(), Split("test", "en", (), examples, Provenance("local")), 10)

    assert (len(work), len(work.encoded)) == (2, 4)
    assert work.lengths.tolist() == [6 + 7, 10 + 10]
    assert work.truncated.tolist() == [False, True]
    assert work.rows(np.array([1, 0])).tolist() == [2, 3, 0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_depend_neither_on_the_token_budget_nor_on_other_splits(tiny, kind):
    encoder, tokenizer = tiny
    head = head_of(kind, spread=30)
    splits = [MAKERS[kind](11, "test"), MAKERS[kind](6, "test", "tr", first=40)]
    expected = [predict(encoder, head, tokenizer, [split], 14)[0][0] for split in splits]

    for budget in (1, 60, 100_000):
        together, _ = predict(encoder, head, tokenizer, splits, 14, token_budget=budget)
        for found, alone, split in zip(together, expected, splits, strict=True):
            assert found.logits == pytest.approx(alone.logits, abs=2e-5)
            assert found.labels.tolist() == alone.labels.tolist()
            assert found.metadata == {
                "kind": kind, "labels": list(split.labels), "language": split.language, "split": "test"
            }  # fmt: skip
            assert set(found.columns) == set(alone.columns)
    assert expected[0].logits.std() > 1e-3


def test_answers_are_candidates_with_their_credits(tiny):
    encoder, tokenizer = tiny
    head = head_of("span", spread=30)
    split = question_split(9, "test", unanswerable=True)
    (found,), _ = predict(encoder, head, tokenizer, [split], 32)

    assert found.logits.shape == found.columns["em"].shape == found.columns["f1"].shape == (9, 20)
    for row, one in enumerate(split.examples):
        right = found.columns["em"][row] == 1
        # Texts that read alike are one candidate, so that one is right at most.
        assert right.sum() <= 1
        assert (found.columns["f1"][row][right] == 1).all()
        assert found.columns["answer"][row] in one.context
        assert found.labels[row] == int(found.columns["answer"][row] == ("sing" if one.answers else ""))
        assert (np.diff(found.logits[row]) <= 0).all()
        count = len(one.context.split()) * (len(one.context.split()) + 1) // 2 + 1
        assert (found.logits[row] == -1e4).sum() >= max(0, 20 - count)


def test_a_question_on_two_windows_is_one_row():
    words = [WORDS[place % 8] for place in range(30)]
    words[28] = "sing"
    context = " ".join(words)
    one = Question("q", "g", "some birds", context, (Answer("sing", context.index("sing")),))
    split = Split("test", "en", (), (one,), Provenance("local"))
    work = workload(subword_tokenizer(), split, 20)

    assert [window.question for window in work.windows] == [0, 0, 0]
    assert work.answers.tolist() == [[0, 0], [0, 0], [5, 5]]
