"""The paragraph of the answer: the numbers of the strongest rung that has data, in words, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.cells import signed_points
from bench.report.exploratory import Exploratory, beyond_accuracy, free_of_accuracy
from bench.report.label_noise import label_noise
from bench.report.size_tests import Family, Outcome, Rung
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
    "From the level of transfer nothing is concluded: where the encoder saw other shares of connectives in pretraining "
    "(one size, one seed, no intermediate task, in each of worlds 0 to 2: docs/worlds.md), transfer to rich languages "
    "fell in all three, below 0 in four of six arms, and rich minus poor stayed above 0 in all. Whether changes with "
    "size survive that was not run."
)
_ONE_POSTERIOR = "Labels of all languages are drawn from one known posterior, so none is wrong by translation."
_AXES: Mapping[Rung, str] = {
    "size": "model size",
    "depth": "depth of one encoder",
    "artificial": "the size of the artificial worlds' encoders",
}
_ENDS: Mapping[Rung, str] = {
    "size": "from the smallest to the largest",
    "depth": "from the fewest layers to the most",
    "artificial": "from the smallest to the largest",
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
    """Say which share of wrong labels would look like the degradation, at every size that has it."""
    if not family.real:
        return [_ONE_POSTERIOR]
    found = [one for one in label_noise(family.worlds[0], family.models) if one.intermediate != "none" and one.rate > 0]
    if not found:
        return []
    head = "Translated target text inherits English labels, so label noise looks like over-confidence"
    rates = ", ".join(f"{100 * one.rate:.1f} % at {escaped(one.model)}" for one in found)
    return [f"{head}: wrong labels that would explain all of it, after intermediate training, are {rates}."]


def _decided(family: Family) -> bool:
    return any(one.estimates for one in family.outcomes)


def _short(family: Family) -> str:
    lacks = dict.fromkeys(reason for one in family.outcomes for reason in one.lacks)
    return f"Ladder {escaped(family.name)} bears no verdict: {escaped('; '.join(lacks))}."


def _sentences(family: Family, found: Sequence[Exploratory]) -> list[str]:
    head = f"Over {_AXES[family.rung]}, ladder {escaped(family.name)}:"
    tests = "; ".join(f"{one.test}, {_QUANTITIES[one.test]}: {_told(one, family.rung)}" for one in family.outcomes)
    return [f"{head} {tests}.", *_lacks(family), *_coupling(family, found)]


def _coupling(family: Family, found: Sequence[Exploratory]) -> list[str]:
    """Say what Q1's change is made of and, where it is decided, whether a quantity without accuracy agrees."""
    moved = {one.title: signed_points(one.change) for one in found}
    parts = [moved.get(f"Q1 in {name}") for name in ("confidence", "accuracy")]
    told = []
    if None not in parts:
        told.append(
            f"In Q1 the transfer of confidence changes by {parts[0]} points and that of accuracy by {parts[1]}; the "
            "gap's is their difference."
        )
    if family.outcomes[0].judged.verdict in ("supported", "contradicted"):
        told.append(_beyond(family, found))
    return told


def _beyond(family: Family, found: Sequence[Exploratory]) -> str:
    if not free_of_accuracy(found):
        return "No quantity that is free of accuracy is at hand, so it may be accuracy alone."
    agree = beyond_accuracy(found, family.outcomes[0])
    if agree:
        return f"Size changes calibration beyond accuracy: {', '.join(agree)} agree."
    return "No quantity that is free of accuracy agrees, so it may be accuracy alone."


def _lacks(family: Family) -> list[str]:
    """Say what the tests without a verdict lack, once where it is the same."""
    tests: dict[tuple[str, ...], list[str]] = {}
    for one in family.outcomes:
        if one.lacks:
            tests.setdefault(one.lacks, []).append(one.test)
    return [f"{', '.join(names)} lack a verdict: {escaped('; '.join(lacks))}." for lacks, names in tests.items()]


def _told(outcome: Outcome, rung: Rung) -> str:
    if not outcome.slopes:
        return "no slope"
    moved = f"{signed_points(outcome.change)} points {_ENDS[rung]}, on the fitted line"
    known = [f"95 % {signed_points(low)} to {signed_points(high)}" for low, high in _intervals(outcome)]
    known += _by_world(outcome)
    beside = f" ({'; '.join(known)})" if known else ""
    if not outcome.estimates:
        return f"{moved}{beside}, no verdict"
    return f"{moved}{beside}, {_VERDICTS[outcome.judged.verdict]}{_direction(outcome)}"


def _intervals(outcome: Outcome) -> list[tuple[float, float]]:
    return [outcome.interval] if outcome.estimates else []


def _by_world(outcome: Outcome) -> list[str]:
    changes = [f"{signed_points(slope.conditional.value)} in {world}" for world, slope in outcome.slopes]
    return [", ".join(changes)] if len(changes) > 1 else []


def _direction(outcome: Outcome) -> str:
    """Say what a decided change does to the size of the quantity: whether calibration is worse is another question."""
    if outcome.judged.verdict not in ("supported", "contradicted"):
        return ""
    first, last = outcome.ends
    if first * last < 0 and min(abs(first), abs(last)) >= _SHOWN:
        return f", through 0 from {signed_points(first)} to {signed_points(last)}"
    word = "away from" if abs(last) > abs(first) else "towards"
    return f", {word} 0: from {signed_points(first)} to {signed_points(last)}"
