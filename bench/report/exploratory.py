"""Beside the confirmatory tests: other quantities, other groups of languages and another axis, over the same sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev

from bench.catalog.ladders import SIZES_FOR_A_VERDICT
from bench.catalog.languages import real_languages
from bench.catalog.variants import TUNED
from bench.report.matched_sizes import EQUAL, Climb, change_at_equal_accuracy
from bench.report.panels import LOG_ODDS
from bench.report.settings import World
from bench.report.size_tests import Family, Outcome, change_estimates, sizes_of
from bench.statistics.confirmatory import CONTROL, TESTS, terms_of
from bench.statistics.ladder_slope import Size, ladder_slope
from bench.statistics.multiplicity import benjamini_hochberg
from bench.statistics.panel import Part, Term, mean_terms
from bench.statistics.t_estimate import TEstimate

Terms = Callable[[World], Sequence[Term]]

# Beside the slope of the signed gap: what it is made of, and what does not contain accuracy.
QUANTITIES: Mapping[str, str] = {
    "confidence": "confidence",
    "accuracy": "accuracy",
    LOG_ODDS: "log odds of accuracy",
    "nll": "NLL",
    "brier": "Brier score",
    "l2sq15": "squared debiased L2",
    "true_ece15": "true calibration error (of the known posterior)",
    "ts_loss": "NLL minus best-temperature NLL",
    "auroc": "AUROC of confidence",
}
# Of these, a larger number is worse (1) or better (-1), and neither contains accuracy.
ACCURACY_FREE: Mapping[str, int] = {"ts_loss": 1, "auroc": -1}
# Free of accuracy too, because sizes are compared where it is equal; as signed as the gap.
MATCHED = "gap_at_equal_accuracy"
# The announced subsets with matched pretraining data: geometric means of 91 and 77 GiB.
_MATCHED = (("ru", "bg", "el"), ("vi", "th", "zh"))


@dataclass(frozen=True, slots=True, eq=False)
class Exploratory:
    """One quantity over the sizes of a family: its change, over worlds the mean, the estimates of it, its adjusted p.

    p: the largest of the estimates', Benjamini-Hochberg over the family's exploratory tests; nan without estimates.
    """

    title: str
    metric: str
    change: float
    estimates: tuple[TEstimate, ...]
    p: float = math.nan


def exploratory(family: Family, climbed: Sequence[Climb]) -> list[Exploratory]:
    """Return the exploratory tests of a family that have a change over its sizes, adjusted together.

    `climbed` are its sizes at equal accuracy (bench.report.matched_sizes).
    """
    found = [one for one in (*_all(family), *_at_equal_accuracy(family, climbed)) if one is not None]
    adjusted = benjamini_hochberg([_largest_p(one.estimates) for one in found])
    return [replace(one, p=float(p)) for one, p in zip(found, adjusted, strict=True)]


def free_of_accuracy(found: Sequence[Exploratory]) -> list[Exploratory]:
    """Return those of the quantities that do not contain accuracy, or are compared where it is equal."""
    return [one for one in found if one.metric in (*ACCURACY_FREE, MATCHED)]


def beyond_accuracy(found: Sequence[Exploratory], q1: Outcome) -> list[str]:
    """Return the titles of the accuracy-free quantities that surely change with size as Q1 does.

    The gap at equal accuracy moves as the transfer of the gap does; the others get worse where that moves away from 0,
    better where it moves towards it.
    """
    return [one.title for one in free_of_accuracy(found) if one.p <= 0.05 and one.change * _sign(one, q1) > 0]


def _sign(one: Exploratory, q1: Outcome) -> float:
    if one.metric == MATCHED:
        return q1.change
    away = 1 if abs(q1.ends[1]) > abs(q1.ends[0]) else -1
    return ACCURACY_FREE[one.metric] * away


def _at_equal_accuracy(family: Family, climbed: Sequence[Climb]) -> list[Exploratory]:
    """Return the change of the gap itself in rich languages where neighbouring sizes are equally accurate."""
    tests = []
    for equal in EQUAL:
        changed = change_at_equal_accuracy(family, [climb for climb in climbed if climb.equal == equal])
        if changed is not None:
            tests.append(Exploratory(f"gap at equal accuracy in {equal}", MATCHED, *changed))
    return tests


def _all(family: Family) -> list[Exploratory | None]:
    rich = _grouped("Q1")
    tests = [_test(family, f"Q1 in {title}", rich, name) for name, title in QUANTITIES.items()]
    tests.append(_test(family, "Q2 in log odds of accuracy", _grouped("Q2"), LOG_ODDS))
    tests += [_test(family, f"{test} on total parameters", _grouped(test), total=True) for test in ("Q1", "Q2", "Q3")]
    tests += [_without_the_smallest(family, test) for test in TESTS]
    for task in ("none", CONTROL):
        tests += [_test(family, f"{test} with {task} instead", _of_tasks(test, (task,))) for test in ("Q1", "Q3")]
    tests.append(_test(family, "source: the gap itself", _source_terms, part="metrics"))
    tests += _rates(family)
    if family.real:
        tests += [_test(family, title, terms) for title, terms in _sensitivities()]
    return tests


def _rates(family: Family) -> list[Exploratory | None]:
    """Return the three tests on trainings whose rate was tuned; of fewer tasks than others have, at the fixed one too.

    Otherwise a change of the tasks could pass for one of the rate.
    """
    tasks = _tuned_tasks(family)
    if not tasks:
        return []
    all_tasks = all(world.groups.intermediates == tasks for world in family.worlds)
    names = "" if all_tasks else f" ({', '.join(tasks)})"
    tests = [_test(family, f"{test} with the rate tuned{names}", _tuned(test, tasks)) for test in TESTS]
    if not all_tasks:
        tests += [_test(family, f"{test} with the rate fixed{names}", _of_tasks(test, tasks)) for test in TESTS]
    return tests


def _tuned_tasks(family: Family) -> tuple[str, ...]:
    """Return the genuine intermediate tasks that all of a family's encoders have with a tuned rate too."""
    trained = [
        {line.intermediate for line in world.section.lines if (line.model, line.variant) == (token, TUNED)}
        for world in family.worlds
        for token in family.models
    ]
    common = set.intersection(*trained)
    return tuple(task for task in family.worlds[0].groups.intermediates if task in common)


def _test(
    family: Family, title: str, terms: Terms, metric: str = "gap", part: Part = "transfer", total: bool = False
) -> Exploratory | None:
    return _change(family, title, terms, sizes_of(family.ladder, total), metric, part)


def _without_the_smallest(family: Family, test: str) -> Exploratory | None:
    """Return a test over the larger sizes: the least able encoder lies furthest from the others on the axis."""
    smallest, *larger = sizes_of(family.ladder)
    return _change(family, f"{test} without {smallest.model}", _grouped(test), larger)


def _change(
    family: Family, title: str, terms: Terms, sizes: Sequence[Size], metric: str = "gap", part: Part = "transfer"
) -> Exploratory | None:
    made = [
        ladder_slope(world.panel, sizes, chosen, metric, part) for world in family.worlds if (chosen := terms(world))
    ]
    slopes = tuple(slope for slope in made if slope is not None)
    if not slopes:
        return None
    # With the world as unit a line through three sizes will do.
    least = SIZES_FOR_A_VERDICT if family.real else min(SIZES_FOR_A_VERDICT, len(sizes))
    estimates = change_estimates(family.rung, slopes, least)
    # Worlds that the estimate leaves out for want of sizes or seeds are left out of the change, too.
    change = estimates[0].value if estimates else fmean(slope.conditional.value for slope in slopes)
    return Exploratory(title, metric, change, estimates)


def _grouped(test: str) -> Terms:
    return lambda world: terms_of(test, world.groups)


def _of_tasks(test: str, tasks: tuple[str, ...]) -> Terms:
    return lambda world: terms_of(test, replace(world.groups, intermediates=tasks))


def _tuned(test: str, tasks: tuple[str, ...]) -> Terms:
    names = tuple(f"{task} {TUNED}" for task in tasks)
    return lambda world: terms_of(test, replace(world.groups, intermediates=names), f"{CONTROL} {TUNED}")


def _source_terms(world: World) -> Sequence[Term]:
    source = world.section.source
    return mean_terms(world.groups.intermediates, (source,)) if source else ()


def _sensitivities() -> list[tuple[str, Terms]]:
    """Return the announced sensitivity analyses on the real languages."""
    return [
        ("Q1 with hi added", _changed("Q1", added=("hi",))),
        ("Q1 with sw removed", _changed("Q1", removed=("sw",))),
        ("Q3 with hi added", _changed("Q3", added=("hi",))),
        ("Q3 with sw removed", _changed("Q3", removed=("sw",))),
        ("Q3 at matched pretraining data", _matched),
        ("Q3 by C_WALS, for one standard deviation", _index("c_wals")),
        ("Q3 by size of paradigm, for one standard deviation", _index("paradigm_size")),
    ]


def _changed(test: str, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> Terms:
    def terms(world: World) -> Sequence[Term]:
        rich = tuple(token for token in (*world.groups.rich, *added) if token not in removed)
        return terms_of(test, replace(world.groups, rich=rich))

    return terms


def _matched(world: World) -> Sequence[Term]:
    return terms_of("Q3", replace(world.groups, rich=_MATCHED[0], poor=_MATCHED[1]))


def _index(name: str) -> Terms:
    """Return the terms of the least-squares slope of transfer over an index of richness, for one s.d. of the index."""

    def terms(world: World) -> Sequence[Term]:
        known = {token: getattr(real_languages()[token], name) for token in world.targets}
        values = {token: value for token, value in known.items() if value is not None}
        centre, spread = fmean(values.values()), pstdev(values.values())
        weights = {token: (value - centre) / (len(values) * spread) for token, value in values.items()}
        tasks = world.groups.intermediates
        return [Term(weight / len(tasks), task, token) for task in tasks for token, weight in weights.items()]

    return terms


def _largest_p(estimates: Sequence[TEstimate]) -> float:
    return max((each.p for each in estimates), default=math.nan)
