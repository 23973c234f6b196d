"""Exact match and F1 of an answer's text, by the rules of SQuAD and of MLQA.

SQuAD: Rajpurkar et al. 2016 (evaluate-v1.1), with the rule of SQuAD 2.0 for empty answers (Rajpurkar et al. 2018).
MLQA: Lewis et al. 2020 (mlqa_evaluation_v1), whose articles and word boundaries depend on the language.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias

from bench.errors import BadInput

Rule: TypeAlias = Literal["squad", "mlqa"]

_ASCII_PUNCTUATION = frozenset(string.punctuation)


def _words(articles: str) -> str:
    return rf"\b(?:{'|'.join(articles.split())})\b"


# What is taken for an article in MLQA. The Arabic one goes wherever its two letters stand, inside words too: the
# published pattern means to ask for a word's beginning, but its first branch can never match.
_ARTICLES = {
    "en": _words("a an the"),
    "es": _words("un una unos unas el la los las"),
    "vi": _words("của là cái chiếc những"),
    "de": _words("ein eine einen einem eines einer der die das den dem des"),
    "ar": "ال",
    "hi": "",
    "zh": "",
}
# The range of MLQA, a part of the block of unified ideographs.
_IDEOGRAPHS = re.compile("([\u4e00-\u9fa5])")


def normalise(text: str, rule: Rule = "squad", language: str = "en") -> str:
    """Return `text` in lower case, without punctuation and articles, its words joined by single spaces.

    "squad" takes away ASCII punctuation and English articles whatever the language; "mlqa" all Unicode punctuation and
    the articles of `language`, and makes every Chinese character a word. Raises BadInput for another rule, or for a
    language that MLQA does not have.
    """
    articles = _articles(rule, language)
    kept = "".join(character for character in text.lower() if not _is_punctuation(character, rule))
    words = re.sub(articles, " ", kept) if articles else kept
    return " ".join((_IDEOGRAPHS.sub(r" \1 ", words) if _by_character(rule, language) else words).split())


def exact_match(prediction: str, golds: Sequence[str], rule: Rule = "squad", language: str = "en") -> float:
    """Return 1 where `prediction` normalises to what one of `golds` does, else 0; no gold means unanswerable, ""."""
    found = normalise(prediction, rule, language)
    return float(any(found == normalise(gold, rule, language) for gold in golds or ("",)))


def f1(prediction: str, golds: Sequence[str], rule: Rule = "squad", language: str = "en") -> float:
    """Return the highest F1 of the words of `prediction` against any of `golds`; no gold means unanswerable, "".

    Where either side has no words it is 1 if neither has, else 0 (SQuAD 2.0). So no F1 is below the exact match.
    """
    found = normalise(prediction, rule, language).split()
    return max(_f1(found, normalise(gold, rule, language).split()) for gold in golds or ("",))


def _articles(rule: Rule, language: str) -> str:
    if rule == "squad":
        return _ARTICLES["en"]
    if rule != "mlqa":
        raise BadInput(f"Got rule={rule!r}, but there are: squad, mlqa.")
    if language not in _ARTICLES:
        raise BadInput(f"Got language={language!r}, but MLQA's rules know: {', '.join(_ARTICLES)}; use rule='squad'.")
    return _ARTICLES[language]


def _is_punctuation(character: str, rule: Rule) -> bool:
    return character in _ASCII_PUNCTUATION or (rule == "mlqa" and unicodedata.category(character)[0] == "P")


def _by_character(rule: Rule, language: str) -> bool:
    return rule == "mlqa" and language == "zh"


def _f1(found: Sequence[str], gold: Sequence[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    return 2 * (Counter(found) & Counter(gold)).total() / (len(found) + len(gold))
