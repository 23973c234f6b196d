"""The best answers to one question: spans of all windows together, those that read alike as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.modeling.windows import Window
from bench.scores.answers import Rule, normalise

# n_best_size and max_answer_length of XTREME's run_squad (google-research/xtreme @ 838c13b6).
CANDIDATES = 20
LONGEST_ANSWER = 30


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: its text, and the log of what its spans weigh before all candidates are normalised."""

    text: str
    score: float


def best_spans(
    context: str,
    windows: Sequence[Window],
    scores: Sequence[npt.NDArray[np.float32]],
    rule: Rule = "squad",
    language: str = "en",
    nullable: bool = False,
) -> list[Candidate]:
    """Return at most 20 answers, best first, at least one.

    scores: for each window the start and end scores of its row's tokens, (tokens, 2). The 20 best spans of all windows
    are taken, a span that two windows show with its higher score; then spans whose texts are equal once normalised
    share one candidate, which weighs what they weigh together, under the text of the best of them. With `nullable`,
    no answer at all ("") is a candidate too: the first token, at its lowest over the windows (Devlin et al. 2019).
    """
    spans: dict[tuple[int, int], float] = {}
    for window, values in zip(windows, scores, strict=True):
        for span, score in _spans(window, values.astype(np.float64)):
            spans[span] = max(spans.get(span, score), score)
    found = [(score, context[first:last].strip()) for (first, last), score in spans.items()]
    if nullable or not found:
        found.append((min(float(values[0].sum()) for values in scores), ""))
    return _merged(sorted(found, key=lambda one: -one[0])[:CANDIDATES], rule, language)


def _spans(window: Window, values: npt.NDArray[np.float64]) -> list[tuple[tuple[int, int], float]]:
    """Return the 20 best spans of a window, as characters of the context, with their scores."""
    shown = values[window.begin : window.begin + len(window.spans)]
    # Of all spans, not of those between the 20 best starts and ends alone, which may hold none at all.
    start, length = np.indices((len(shown), LONGEST_ANSWER)).reshape(2, -1)
    fits = start + length < len(shown)
    first, last = start[fits], (start + length)[fits]
    totals = shown[first, 0] + shown[last, 1]
    best = np.argsort(-totals, kind="stable")[:CANDIDATES]
    return [((window.spans[first[place]][0], window.spans[last[place]][1]), float(totals[place])) for place in best]


def _merged(found: Sequence[tuple[float, str]], rule: Rule, language: str) -> list[Candidate]:
    groups: dict[str, list[tuple[float, str]]] = {}
    for score, text in found:
        groups.setdefault(normalise(text, rule, language), []).append((score, text))
    merged = [
        Candidate(some[0][1], float(np.logaddexp.reduce([score for score, _ in some]))) for some in groups.values()
    ]
    return sorted(merged, key=lambda one: -one.score)
