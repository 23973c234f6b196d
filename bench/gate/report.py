"""The gate in words: a summary for the terminal, a page for a pull request, properties for JUnit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from bench.gate.compare import ALPHA, FAMILIES, INCOMPARABLE, Compared, Tested
from bench.gate.measured import QUALITY, RATES, Measured
from bench.gate.pairs import Pair, paired
from bench.gate.verdict import GATED, INCOMPLETE, PASSED, REGRESSED, Verdict
from bench.report.tables import MISSING, escaped, markdown_table, terminal_table
from bench.statistics.two_samples import change

_HEADERS = ["aggregate", "how", "seeds", "languages", *FAMILIES]
_OUTCOMES = {
    PASSED: "passed",
    REGRESSED: "FAILED: something is worse",
    INCOMPLETE: "FAILED: something is missing or not comparable",
}
_SHOWN = 12


def summary_lines(verdict: Verdict) -> list[str]:
    """Return the lines for a terminal: the outcome, a table of aggregates, and what was not compared."""
    lines = [f"baseline {verdict.baseline}: {outcome(verdict)}", ""]
    if verdict.compared:
        lines += [*terminal_table(_HEADERS, [_line(one) for one in verdict.compared], left=2), ""]
    return [*lines, *_notes(verdict)]


def page(verdict: Verdict, old: Iterable[Measured], new: Iterable[Measured]) -> str:
    """Return the page in GitHub-flavoured Markdown, with every tested quantity and every single condition."""
    parts = [f"# Gate: {escaped(outcome(verdict))}", f"Baseline: {escaped(verdict.baseline)}."]
    if verdict.compared:
        parts.append(markdown_table(_HEADERS, [_line(one) for one in verdict.compared], left=2))
    parts += [escaped(note) for note in _notes(verdict)]
    if tested := [(one.name, each) for one in verdict.compared for each in one.tested]:
        parts += ["## Quantities", _explained(verdict), _quantities(tested)]
    if singles := [_single(pair, language) for pair in paired(old, new) for language in pair.languages]:
        headers = ["aggregate", "language", "seeds", "score before", "now", "change", "least detectable change"]
        parts += ["## Single conditions", _SINGLE, markdown_table(headers, [one for one in singles if one], left=2)]
    return "\n\n".join(parts) + "\n"


def properties(verdict: Verdict) -> dict[str, str]:
    """Return what a JUnit file says of the gate."""
    counts = Counter(one.verdict(family) for one in verdict.compared for family in GATED)
    return {
        "crosscal.gate": outcome(verdict),
        "crosscal.gate.baseline": verdict.baseline,
        "crosscal.gate.missing": str(len(verdict.membership.missing)),
        "crosscal.gate.deselected": str(len(verdict.membership.deselected)),
        "crosscal.gate.new": str(len(verdict.membership.new)),
        **{f"crosscal.gate.{name.replace(' ', '_')}": str(count) for name, count in sorted(counts.items())},
    }


def outcome(verdict: Verdict) -> str:
    """Return the outcome in a few words, with the exit code."""
    return f"{_OUTCOMES[verdict.exit_code]} (exit code {verdict.exit_code})"


_SINGLE = (
    "Nothing is gated here: a single condition varies too much. The least detectable change is what a test of this one "
    "condition would find in 80 of 100 runs, from the spread of its seeds."
)


def _line(one: Compared) -> list[str]:
    how = one.mode if one.mode != INCOMPARABLE else MISSING
    seeds = f"{one.seeds[0]}, {one.seeds[1]}"
    verdicts = {family: one.verdict(family) for family in FAMILIES}
    if verdicts["throughput"] == INCOMPARABLE:
        verdicts["throughput"] = MISSING
    return [one.name, how, seeds, str(len(one.languages)), *verdicts.values()]


def _notes(verdict: Verdict) -> list[str]:
    members = verdict.membership
    notes = [f"{one.name} is not comparable: {one.reason}." for one in verdict.compared if one.reason]
    for one in verdict.compared:
        if one.broken:
            notes.append(
                f"{one.name}: same recipe, device and libraries, other bytes in {_few(one.broken)}. Either the code "
                "changed what a recipe gives (raise TRAINING_VERSION or SCORING_VERSION), or something is not "
                "reproducible."
            )
    for reason, ids in _by_reason(members.missing).items():
        allowed = " (allowed)" if verdict.allow_missing else ""
        notes.append(f"Missing{allowed}, {len(ids)} of the baseline's conditions, {reason}: {_few(ids)}.")
    if members.deselected:
        notes.append(f"Left out by your selection, {len(members.deselected)} conditions: {_few(members.deselected)}.")
    if members.new:
        notes.append(f"New, not in the baseline, {len(members.new)} conditions: {_few(members.new)}.")
    return notes


def _by_reason(missing: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one, reason in missing.items():
        found.setdefault(reason, []).append(one)
    return found


def _few(ids: Iterable[str]) -> str:
    names = list(ids)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _explained(verdict: Verdict) -> str:
    return (
        f"Worse or better: the test rejects at {ALPHA:g} after Holm's correction, and the change exceeds the margin of "
        f"{verdict.margin:g} points (of l2sq15: of its root; of rates: a quarter). Intervals are as wide as the "
        "correction makes them. Score, gap and their intervals are in points; rates are multiples of a reference loop."
    )


def _quantities(tested: Iterable[tuple[str, Tested]]) -> str:
    rows = []
    for name, one in tested:
        rate = one.name in RATES
        means = [f"{value:.3g}" if rate else _shown(one.name, value) for value in (one.old, one.new)]
        rows.append([name, one.name, *means, _interval(one), _least(one), one.verdict])
    headers = ["aggregate", "quantity", "before", "now", "interval of the change", "least detectable", "verdict"]
    return markdown_table(headers, rows, left=2)


def _shown(name: str, value: float) -> str:
    return f"{100 * value:.2f}" if name in (QUALITY, "gap") else f"{value:.4f}"


def _interval(one: Tested) -> str:
    if one.low is None or one.high is None:
        return MISSING
    if one.name in RATES:
        return f"×{math.exp(one.low):.2f} to ×{math.exp(one.high):.2f}"
    return f"{_shown(one.name, one.low)} to {_shown(one.name, one.high)}"


def _least(one: Tested) -> str:
    if one.detectable is None:
        return MISSING
    return f"×{math.exp(one.detectable):.2f}" if one.name in RATES else _shown(one.name, one.detectable)


def _single(pair: Pair, language: str) -> list[str]:
    alone = pair.single(language)
    old, new = (alone.by_seed(side, QUALITY) for side in (pair.old, pair.new))
    if old is None or new is None or not (len(old) and len(new)):
        return []
    least = change(old, new).detectable(1 - ALPHA) if min(len(old), len(new)) > 1 else None
    shown = [f"{100 * value:.2f}" for value in (old.mean(), new.mean(), new.mean() - old.mean())]
    return [pair.name, language, f"{len(old)}, {len(new)}", *shown, MISSING if least is None else f"{100 * least:.2f}"]
