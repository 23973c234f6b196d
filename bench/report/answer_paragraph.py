"""The paragraph of the answer: the numbers of the strongest rung that has data, in words, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.cells import signed_points
from bench.report.exploratory import Exploratory, beyond_accuracy, free_of_accuracy
from bench.report.label_noise import label_noise
from bench.report.size_tests import Family, Outcome
from bench.report.tables import escaped

_QUANTITIES = {
    "Q1": "the transfer of the gap to rich languages, after intermediate training",
    "Q2": "the same beyond what the control `more` does to it",
    "Q3": "rich minus poor languages, after intermediate training",
}
_VERDICTS = {
    "supported": "it rises with size (supported)",
    "contradicted": "it falls with size (contradicted)",
    "equivalent to nothing": "size changes it by less than 1 point (equivalent to nothing)",
    "undecided": "these data do not say whether size changes it (undecided)",
}
# Smaller numbers are written as 0.
_SHOWN = 0.0005
_FLIPS = (
    "Of the level of the gap in plentiful languages nothing is concluded: its sign flips with the share of connectives "
    "in pretraining (docs/worlds.md), which rich minus poor does not."
)
_AXES = {
    "size": "model size",
    "depth": "depth of one encoder",
    "artificial": "the size of the artificial worlds' encoders",
}


def paragraph(first: str, made: Sequence[Family], explored: Mapping[Family, Sequence[Exploratory]]) -> str:
    """Return one paragraph: `first`, which says how strong the evidence is, then the tests of the strongest families.

    Families of weaker rungs are in the tables alone. `explored` are the exploratory tests of each family.
    """
    if not made:
        return escaped(first)
    strongest = [family for family in made if family.rung == made[0].rung]
    told = [
        _sentences(one, explored[one]) if place == 0 or _decided(one) else [_short(one)]
        for place, one in enumerate(strongest)
    ]
    sentences = [sentence for each in told for sentence in each]
    return " ".join([escaped(first), *sentences, *_dose(made[0]), *_noise(made[0])])


def _dose(family: Family) -> list[str]:
    """Say what does not survive the dose of connectives in pretraining, where the encoders have learnt from any."""
    flags = {flag for world in family.worlds for line in world.section.lines for flag in line.flags}
    return [_FLIPS] if "source_discourse" in flags and any(one.slopes for one in family.outcomes) else []


def _noise(family: Family) -> list[str]:
    """Say which share of wrong labels would look like the degradation, at the largest size that has it."""
    found = label_noise(family.worlds[0], family.models) if family.real else []
    told = [one for one in found if one.rate > 0]
    if not told:
        return []
    head = "Translated target text inherits English labels, so label noise looks like over-confidence"
    return [f"{head}: {100 * told[-1].rate:.1f} % wrong labels would explain all of it at {escaped(told[-1].model)}."]


def _decided(family: Family) -> bool:
    return any(one.estimates for one in family.outcomes)


def _short(family: Family) -> str:
    lacks = dict.fromkeys(reason for one in family.outcomes for reason in one.lacks)
    return f"Ladder {escaped(family.name)} bears no verdict: {escaped('; '.join(lacks))}."


def _sentences(family: Family, found: Sequence[Exploratory]) -> list[str]:
    head = f"Over {_AXES[family.rung]}, ladder {escaped(family.name)}:"
    tests = "; ".join(f"{one.test}, {_QUANTITIES[one.test]}: {_told(one)}" for one in family.outcomes)
    return [f"{head} {tests}.", *_lacks(family), *_coupling(family, found)]


def _coupling(family: Family, found: Sequence[Exploratory]) -> list[str]:
    """Say beside a decided Q1 what accuracy did, and whether a quantity without accuracy agrees."""
    q1 = family.outcomes[0]
    if q1.judged.verdict not in ("supported", "contradicted"):
        return []
    moved = [f"{signed_points(one.change)}" for one in found if one.title == "Q1 in accuracy"]
    beside = f"The transfer of accuracy moves by {moved[0]} points beside it. " if moved else ""
    if not free_of_accuracy(found):
        return [f"{beside}No quantity that is free of accuracy is at hand, so it may be accuracy alone."]
    agree = beyond_accuracy(found, q1)
    if agree:
        return [f"{beside}Size changes calibration beyond accuracy: {', '.join(agree)} agree."]
    return [f"{beside}No quantity that is free of accuracy agrees, so it may be accuracy alone."]


def _lacks(family: Family) -> list[str]:
    """Say what the tests without a verdict lack, once where it is the same."""
    tests: dict[tuple[str, ...], list[str]] = {}
    for one in family.outcomes:
        if one.lacks:
            tests.setdefault(one.lacks, []).append(one.test)
    return [f"{', '.join(names)} lack a verdict: {escaped('; '.join(lacks))}." for lacks, names in tests.items()]


def _told(outcome: Outcome) -> str:
    if not outcome.slopes:
        return "no slope"
    moved = f"{signed_points(outcome.change)} points from the smallest to the largest"
    if not outcome.estimates:
        return f"{moved}, no verdict"
    low, high = outcome.interval
    found = f"{_VERDICTS[outcome.judged.verdict]}{_worse(outcome)}"
    return f"{moved} (95 % {signed_points(low)} to {signed_points(high)}), {found}"


def _worse(outcome: Outcome) -> str:
    """Say what a change means for calibration: worse is further from 0, whichever the sign."""
    if outcome.judged.verdict not in ("supported", "contradicted"):
        return ""
    first, last = outcome.ends
    if first * last < 0 and min(abs(first), abs(last)) >= _SHOWN:
        return f", through 0 from {signed_points(first)} to {signed_points(last)}"
    word = "worse" if abs(last) > abs(first) else "better"
    return f", which is {word}: from {signed_points(first)} to {signed_points(last)}"
