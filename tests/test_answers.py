import os
import random
import string
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.scores.answers import exact_match, f1, normalise

ARTICLES = {
    "en": {"a", "an", "the"},
    "es": {"un", "una", "unos", "unas", "el", "la", "los", "las"},
    "vi": {"của", "là", "cái", "chiếc", "những"},
    "de": {"ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"},
    "hi": set(),
    "zh": set(),
}
PUNCTUATION = {chr(i) for i in range(sys.maxunicode) if unicodedata.category(chr(i)).startswith("P")} | set(
    string.punctuation
)


def runs(text):
    """Cut text where letters, digits and underscores begin or end."""
    found = []
    for character in text:
        word = character.isalnum() or character == "_"
        if found and found[-1][1] == word:
            found[-1] = (found[-1][0] + character, word)
        else:
            found.append((character, word))
    return [run for run, _ in found]


def reference(text, rule, language):
    """The published rules, told without a regular expression."""
    removed = set(string.punctuation) if rule == "squad" else PUNCTUATION
    text = "".join(character for character in text.lower() if character not in removed)
    if rule == "mlqa" and language == "ar":
        text = text.replace("ال", " ")
    else:
        articles = ARTICLES["en" if rule == "squad" else language]
        text = "".join(" " if run in articles else run for run in runs(text))
    if rule == "mlqa" and language == "zh":
        text = "".join(f" {one} " if 0x4E00 <= ord(one) <= 0x9FA5 else one for one in text)
    return " ".join(text.split())


def reference_f1(prediction, golds, rule, language):
    best = 0.0
    for gold in golds:
        left = reference(gold, rule, language).split()
        words = reference(prediction, rule, language).split()
        total = len(left) + len(words)
        shared = 0
        for word in words:
            if word in left:
                left.remove(word)
                shared += 1
        best = max(best, 2 * shared / total if total else 1.0)
    return best


@pytest.mark.parametrize(
    ("text", "rule", "language", "expected"),
    [
        ("The  Cat's tail, an A.", "squad", "en", "cats tail"),
        ("«Die» Katze", "squad", "de", "«die» katze"),
        ("«Die» Katze", "mlqa", "de", "katze"),
        ("theatre", "squad", "en", "theatre"),
        ("el año (1999)", "mlqa", "es", "año 1999"),
        ("cái nhà của tôi", "mlqa", "vi", "nhà tôi"),
        ("a घर।", "mlqa", "hi", "a घर"),
        ("第2次世界", "mlqa", "zh", "第 2 次 世 界"),
        ("第2次世界", "squad", "zh", "第2次世界"),
        # Also inside words: the published pattern does so.
        ("البيت خالد", "mlqa", "ar", "بيت خ د"),
    ],
)
def test_normal_forms(text, rule, language, expected):
    assert normalise(text, rule, language) == expected


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "words"),
    [
        ("the red fox", ["red fox"], 1, 1),
        ("red fox", ["red fox jumps"], 0, 0.8),
        ("red fox", ["blue", "fox"], 0, 2 / 3),
        ("fox fox", ["fox"], 0, 2 / 3),
        ("dog", ["fox"], 0, 0),
        ("", [], 1, 1),
        ("fox", [], 0, 0),
        ("the", ["fox"], 0, 0),
        ("the", ["!"], 1, 1),
    ],
)
def test_scores_by_hand(prediction, golds, exact, words):
    assert exact_match(prediction, golds) == exact
    assert f1(prediction, golds) == pytest.approx(words)


def test_the_rule_and_the_language_reach_both_scores():
    assert (exact_match("das Haus", ["Haus"], "mlqa", "de"), exact_match("das Haus", ["Haus"])) == (1, 0)
    assert (f1("das Haus", ["Haus"], "mlqa", "de"), f1("das Haus", ["Haus"])) == (1, pytest.approx(2 / 3))


TEXTS = st.text("aAnthe diel'a، . «»第次ال_1ا\u0301", max_size=14)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(["en", "es", "vi", "de", "ar", "hi", "zh"]))
def test_both_tellings_of_the_rules_agree(prediction, golds, language):
    for rule in ("squad", "mlqa"):
        assert normalise(prediction, rule, language) == reference(prediction, rule, language)
        assert f1(prediction, golds, rule, language) == pytest.approx(reference_f1(prediction, golds, rule, language))
        assert 0 <= exact_match(prediction, golds, rule, language) <= f1(prediction, golds, rule, language) <= 1


def test_a_rule_or_a_language_that_is_not_there():
    with pytest.raises(BadInput) as caught:
        normalise("x", "rouge")
    assert str(caught.value) == "Got rule='rouge', but there are: squad, mlqa."
    with pytest.raises(BadInput) as caught:
        f1("x", ["x"], "mlqa", "sw")
    assert str(caught.value) == (
        "Got language='sw', but MLQA's rules know: en, es, vi, de, ar, hi, zh; use rule='squad'."
    )


def questions(pattern):
    import pyarrow.parquet as pq

    root = Path(os.environ["CROSSCAL_MIRROR"].split(os.pathsep)[0]) / "datasets"
    for path in sorted(root.glob(pattern)):
        for row in pq.read_table(path, columns=["context", "answers"]).slice(0, 60).to_pylist():
            yield path.parent.name.rpartition(".")[2], row["context"], row["answers"]["text"]


def perturbed(context, golds, draw):
    """An answer a model might give: the gold one, with its neighbours, cut, in capitals, or another place's text."""
    start = max(0, context.find(golds[0]))
    end = start + len(golds[0])
    return draw.choice(
        [
            golds[0],
            context[max(0, start - draw.randrange(20)) : end + draw.randrange(20)],
            golds[0][: draw.randrange(1, len(golds[0]) + 1)].upper(),
            f"the {golds[0]}?",
            context[(first := draw.randrange(len(context))) : first + 25],
        ]
    )


@pytest.mark.mirror
@pytest.mark.skipif(not os.environ.get("CROSSCAL_MIRROR"), reason="needs data: CROSSCAL_MIRROR names no mirror")
@pytest.mark.parametrize(("pattern", "rule"), [("google/xquad/*/*.parquet", "squad"), ("facebook/mlqa/*/*", "mlqa")])
def test_the_scores_of_real_questions_are_those_of_the_published_rules(pattern, rule):
    draw = random.Random(0)
    seen = set()
    for language, context, golds in questions(pattern):
        prediction = perturbed(context, golds, draw)
        expected = reference_f1(prediction, golds, rule, language)
        equal = any(reference(gold, rule, language) == reference(prediction, rule, language) for gold in golds)
        assert f1(prediction, golds, rule, language) == pytest.approx(expected)
        assert exact_match(prediction, golds, rule, language) == equal
        # Nothing here rests on the rule for empty answers, in which SQuAD 1.1 and 2.0 differ.
        assert all(reference(gold, rule, language) for gold in golds)
        seen.add((language, equal))
    assert len(seen) > 8
