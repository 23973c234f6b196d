"""The best answers of a question: all windows together, against a search through every span."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.modeling.spans import CANDIDATES, LONGEST_ANSWER, best_spans
from bench.modeling.windows import Window
from bench.scores.answers import normalise

# Words of which some read alike once articles, case and punctuation are gone.
WORDS = ("the", "Cat", "cat.", "cat", "a", "dog", "Dog!", "sings", "an", "owl")
LOW = -50.0


def context_of(words):
    """Return the words joined, and the characters of each."""
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])[: len(words)]
    return " ".join(words), [(int(at), int(at) + len(word)) for at, word in zip(starts, words, strict=True)]


def window_of(characters, first=0, last=None, begin=2):
    return Window(0, begin, tuple(characters[first:last]))


def scores_of(window, starts, ends, outside=99.0):
    """Return a row's scores: those given for the tokens of the context, `outside` for all others."""
    values = np.full((window.begin + len(window.spans) + 1, 2), outside, dtype=np.float32)
    values[window.begin : -1, 0], values[window.begin : -1, 1] = starts, ends
    return values


def searched(context, windows, scores, nullable):
    """Return text and score of the candidates, by looking at every span there is."""
    every = {}
    for window, values in zip(windows, scores, strict=True):
        for first in range(len(window.spans)):
            for last in range(first, min(first + LONGEST_ANSWER, len(window.spans))):
                score = float(values[window.begin + first, 0]) + float(values[window.begin + last, 1])
                key = window.spans[first][0], window.spans[last][1]
                every[key] = max(score, every.get(key, -math.inf))
    ranked = [(score, context[first:last]) for (first, last), score in every.items()]
    if nullable or not ranked:
        ranked.append((min(float(values[0, 0]) + float(values[0, 1]) for values in scores), ""))
    together = {}
    for score, text in sorted(ranked, reverse=True)[:20]:
        together.setdefault(normalise(text), []).append((score, text))
    total = {texts[0][1]: math.log(sum(math.exp(score) for score, _ in texts)) for texts in together.values()}
    return sorted(total.items(), key=lambda one: -one[1])


@given(
    st.integers(1, 60).flatmap(lambda count: st.lists(st.sampled_from(WORDS), min_size=count, max_size=count)),
    st.integers(1, 50),
    st.integers(1, 12),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_the_candidates_are_those_of_a_search_through_every_span(words, room, stride, nullable, seed):
    context, characters = context_of(words)
    firsts = range(0, max(1, len(words) - room + stride), stride)
    windows = [window_of(characters, first, first + room) for first in firsts if characters[first : first + room]]
    draw = np.random.default_rng(seed)
    scores = [
        scores_of(window, *draw.normal(0, 3, (2, len(window.spans))), outside=draw.normal(0, 3)) for window in windows
    ]
    found = best_spans(context, windows, scores, nullable=nullable)
    expected = searched(context, windows, scores, nullable)

    assert [one.text for one in found] == [text for text, _ in expected]
    assert [one.score for one in found] == pytest.approx([score for _, score in expected])
    assert len(found) <= CANDIDATES


def test_where_the_best_ends_come_before_the_best_starts_there_are_answers_all_the_same():
    words = [f"w{place}" for place in range(50)]
    context, characters = context_of(words)
    window = window_of(characters)
    rising = np.arange(50.0)
    found = best_spans(context, [window], [scores_of(window, rising, -rising)])

    # The 20 best starts are the last 20 words, the 20 best ends the first 20: every span of one word weighs 0.
    assert len(found) == CANDIDATES
    assert {one.score for one in found} == {0}


def test_tokens_outside_the_context_are_no_answer():
    context, characters = context_of(["cat", "dog"])
    window = window_of(characters)

    assert best_spans(context, [window], [scores_of(window, [3, 0], [0, 1])])[0].text == "cat dog"


def test_a_span_that_two_windows_show_counts_once_with_its_higher_score():
    context, characters = context_of(["owl", "cat", "dog"])
    windows = [window_of(characters, 0, 2), window_of(characters, 1, 3)]
    scores = [scores_of(windows[0], [LOW, 1], [LOW, 1]), scores_of(windows[1], [2, LOW], [3, LOW])]

    for order in ((0, 1), (1, 0)):
        found = best_spans(context, [windows[place] for place in order], [scores[place] for place in order])
        assert (found[0].text, found[0].score) == ("cat", 5)
        assert [one.text for one in found].count("cat") == 1
        assert (found[1].score, found[-1].score) == (LOW + 2, 2 * LOW)


def test_spans_that_read_alike_weigh_together_under_the_text_of_the_best():
    context, characters = context_of(["the", "cat", "Cat!", "dog"])
    window = window_of(characters)
    found = best_spans(context, [window], [scores_of(window, [LOW, 1, 2, 2.5], [LOW, 1, 1.5, LOW])])

    # "cat" weighs 2, "Cat!" 3.5, "the cat" next to nothing; the two words together, "cat cat", weigh 2.5.
    assert found[0].text == "Cat!"
    assert found[0].score == pytest.approx(math.log(math.exp(2) + math.exp(3.5)))
    assert (found[1].text, found[1].score) == ("cat Cat!", pytest.approx(2.5))


def test_two_that_read_alike_may_pass_a_better_third():
    context, characters = context_of(["dog", "owl", "dog"])
    window = window_of(characters)
    found = best_spans(context, [window], [scores_of(window, [1, 1.2, 1], [1, 1.2, 1])])

    # A single "dog" weighs 2, "owl" 2.4, both dogs together 2 + log 2 = 2.69.
    assert [one.text for one in found[:2]] == ["dog", "owl"]


def test_what_reads_alike_is_said_by_the_rule_of_the_task_and_language():
    context, characters = context_of(["el", "gato"])
    window = window_of(characters)
    scores = [scores_of(window, [0, 0], [0, 0])]

    assert len(best_spans(context, [window], scores)) == 3
    # MLQA's Spanish articles go: "el gato" is "gato", "el" is nothing.
    assert [one.text for one in best_spans(context, [window], scores, "mlqa", "es")] == ["el gato", "el"]


def test_an_answer_has_30_tokens_at_most():
    context, characters = context_of([f"w{place}" for place in range(31)])
    window = window_of(characters)
    starts, ends = np.full(31, LOW), np.full(31, LOW)
    starts[0], ends[29], ends[30] = 1, 1, 9

    assert best_spans(context, [window], [scores_of(window, starts, ends)])[0].text == context.removesuffix(" w30")


def test_no_answer_is_the_first_token_at_its_lowest_over_the_windows():
    context, characters = context_of(["cat", "dog"])
    windows = [window_of(characters, 0, 1), window_of(characters, 1, 2)]
    scores = [scores_of(windows[0], [1], [1], outside=4), scores_of(windows[1], [0], [0], outside=0.5)]

    found = best_spans(context, windows, scores, nullable=True)

    assert [(one.text, one.score) for one in found] == [("cat", 2), ("", 1), ("dog", 0)]
    assert [one.text for one in best_spans(context, windows, scores)] == ["cat", "dog"]


def test_an_article_alone_reads_as_no_answer_does():
    context, characters = context_of(["the"])
    window = window_of(characters)
    (only,) = best_spans(context, [window], [scores_of(window, [0], [0], outside=1)], nullable=True)

    assert (only.text, only.score) == ("", pytest.approx(math.log(math.exp(2) + 1)))


def test_a_context_without_tokens_has_no_answer():
    (only,) = best_spans("", [Window(0, 2, ())], [np.ones((3, 2), np.float32)])

    assert (only.text, only.score) == ("", 2)
