"""Which outcomes a calibrator is fitted on: the calibration halves of one language, of all, or a few of their items."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from bench.calibration.outcomes import Outcomes
from bench.calibration.recalibration_name import check_where, shots
from bench.errors import BadInput


def fit_set(where: str, halves: Mapping[str, Outcomes], source: str, target: str) -> Outcomes:
    """Return the outcomes to fit on for "en", "target", "pool" or "few<k>".

    halves: {language: outcomes of its calibration half}; source: the language of the training data, which "en" stands
    for; target: the language to be scored. Raises BadInput for another `where`, a language without a calibration half,
    fewer than k items, and for "pivot", which is cross-fitted and has no fit set of its own.
    """
    check_where(where)
    if where == "pivot":
        raise BadInput("Got where='pivot', which has no fit set; use bench.calibration.cross_fit.")
    if where == "pool":
        return pooled(halves)
    half = _half(halves, source if where == "en" else target)
    few = shots(where)
    return half if few is None else first_items(half, few)


def fit_languages(where: str, source: str, target: str, languages: Iterable[str]) -> tuple[str, ...]:
    """Return the languages whose calibration halves `fit_set` reads to score `target` and, for transfer, `source`.

    For "pivot" all of `languages`, which are then the pivot alone.
    """
    check_where(where)
    if where in ("pool", "pivot"):
        return tuple(languages)
    return (source,) if where == "en" else (source, target)


def pooled(halves: Mapping[str, Outcomes]) -> Outcomes:
    """Return the outcomes of all languages together, in sorted order of their names; without posterior.

    An item id that an earlier language has becomes "<language>/<item id>". Group ids stay: item 17 in two languages is
    one item, in one group, and is kept out of scoring in both. Raises BadInput where there is no language, or the
    numbers of classes differ.
    """
    languages = sorted(halves)
    if not languages or len({halves[language].classes for language in languages}) > 1:
        counts = {language: halves[language].classes for language in languages}
        raise BadInput(f"Got classes by language {counts}, but a pool needs languages with one set of classes.")
    parts = [halves[language] for language in languages]
    return Outcomes(
        probabilities=np.concatenate([part.probabilities for part in parts]),
        log_probabilities=np.concatenate([part.log_probabilities for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        top=np.concatenate([part.top for part in parts]),
        item_ids=_unique_items(languages, parts),
        group_ids=np.concatenate([part.group_ids for part in parts]),
        event=parts[0].event,
    )


def first_items(outcomes: Outcomes, k: int) -> Outcomes:
    """Return `k` items, taken by whole groups in the order of sha256 of the group id; only the last group may be cut.

    Within a group items go by item id. So the choice depends on ids alone, never on labels, predictions or the order of
    rows, and fewer are always among more. Raises BadInput where there are fewer than `k`.
    """
    if k > len(outcomes):
        raise BadInput(
            f"Got few{k}, but the calibration half of this language has {len(outcomes)} items; use few{len(outcomes)} "
            "or fewer."
        )
    names, index = outcomes.groups
    digests = np.array([hashlib.sha256(str(name).encode()).hexdigest() for name in names])
    order = np.lexsort((outcomes.item_ids, digests[index]))
    return outcomes.take(np.sort(order[:k]))


def _half(halves: Mapping[str, Outcomes], language: str) -> Outcomes:
    if language not in halves:
        raise BadInput(f"Got no calibration half of {language!r}, but there are: {', '.join(sorted(halves))}.")
    return halves[language]


def _unique_items(languages: list[str], parts: list[Outcomes]) -> npt.NDArray[np.str_]:
    seen: set[str] = set()
    columns = []
    for language, part in zip(languages, parts, strict=True):
        items = part.item_ids.tolist()
        named = [f"{language}/{item}" if item in seen else item for item in items]
        columns.append(named)
        seen.update(named)
    return np.array([item for column in columns for item in column])
