"""How each claim about Phang et al. is checked on the rows of one setting, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.catalog import tasks
from bench.catalog.claims import Claim
from bench.catalog.variants import MASKED, TRANSLATED
from bench.report.claim_settings import Cell, Setting, nine
from bench.report.effects import Effect, Interval, best_on_other_seeds, mean_effect
from bench.report.sections import REAL

SUPPORTED, CONTRADICTED = "supported", "contradicted"
AGREES, DISAGREES = "analogue agrees", "analogue disagrees"
VERDICTS = (SUPPORTED, CONTRADICTED, AGREES, DISAGREES)
# A gain below this is none: the smallest effect of interest of the analysis plan, one point.
NO_GAIN = 0.01
# Of nine intermediate tasks.
MANY = 5
_TARGETS = tuple(task.token for task in tasks.TARGETS)
_RETRIEVAL = tuple(task.token for task in tasks.TARGETS if not task.trains)
_START = "xlmr_large"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: a verdict; `ours` with its interval where the claim is on a number; how it came about."""

    verdict: str
    ours: Interval | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Missing(Exception):
    needs: str


def check(claim: Claim, setting: Setting) -> Finding:
    """Return what the rows of `setting` say of `claim`."""
    if setting.unfit:
        return cannot(setting.unfit)
    try:
        return _CHECKS[claim.token](claim, setting)
    except _Missing as missing:
        return cannot(missing.needs)


def cannot(needs: str, ours: Interval | None = None, note: str = "") -> Finding:
    """Return that a claim cannot be judged, and what that would need."""
    return Finding(f"cannot be judged (needs {needs})", ours, note)


def _squad(claim: Claim, setting: Setting) -> Finding:
    return _by_figure(claim, setting, _average_gain(setting, "squad_v1"))


def _multi(claim: Claim, setting: Setting) -> Finding:
    return _by_figure(claim, setting, _average_gain(setting, "multi"))


def _xtreme(claim: Claim, setting: Setting) -> Finding:
    candidates = (*nine(), "multi")
    gains = _gains(setting, [Cell(name, target) for target in _TARGETS for name in candidates])
    _several_seeds(list(gains.values()))
    best = [best_on_other_seeds([gains[Cell(name, target)] for name in candidates]) for target in _TARGETS]
    return _by_figure(claim, setting, mean_effect(best, same_items=False), "; the best is chosen on the other seeds")


def _retrieval(claim: Claim, setting: Setting) -> Finding:
    gains = {target: _genuine_gain(setting, target) for target in _TARGETS}
    both = mean_effect([gains[target] for target in _RETRIEVAL], same_items=False)
    ahead = {target: both.minus(gains[target]) for target in _TARGETS if target not in _RETRIEVAL}
    _several_seeds(list(ahead.values()))
    closest = min(ahead, key=lambda target: ahead[target].value)
    ours, note = ahead[closest].interval(), f"mean gain of the two minus that of {closest}, the closest"
    # All must be ahead for the claim to hold, and any that leads refutes it: only the latter is a choice of many.
    if all(each.interval().low > 0 for each in ahead.values()):
        return Finding(_holds(setting), ours, note)
    if any(each.interval(len(ahead)).high < 0 for each in ahead.values()):
        return Finding(_fails(setting), ours, note)
    return cannot("narrower intervals: more seeds or items", ours, note)


def _tydiqa_xnli(claim: Claim, setting: Setting) -> Finding:
    asked = {target: [Cell(name, target) for name in nine() if _genuine(name, target)] for target in ("tydiqa", "xnli")}
    gains = {target: list(_gains(setting, cells).values()) for target, cells in asked.items()}
    _several_seeds([each for found in gains.values() for each in found])
    tydiqa, xnli = gains["tydiqa"], gains["xnli"]
    more, no_more = sum(each.interval().low > 0 for each in tydiqa), sum(each.interval().high <= 0 for each in tydiqa)
    none = sum(each.interval().high < NO_GAIN for each in xnli)
    note = (
        f"TyDiQA gains with {more} of {len(tydiqa)}; XNLI gains less than {100 * NO_GAIN:.0f} point with {none} of "
        f"{len(xnli)} that are free of its data"
    )
    if more >= MANY and none == len(xnli):
        return Finding(_holds(setting), note=note)
    if no_more > len(tydiqa) - MANY or any(each.interval(len(xnli)).low > NO_GAIN for each in xnli):
        return Finding(_fails(setting), note=note)
    return cannot("narrower intervals: more seeds or items", note=note)


def _alternatives(claim: Claim, setting: Setting) -> Finding:
    ahead = {variant: _ahead_of(setting, variant) for variant in (MASKED, TRANSLATED)}
    _several_seeds(list(ahead.values()))
    closest = min(ahead, key=lambda variant: ahead[variant].value)
    ours, note = ahead[closest].interval(), f"plain minus {closest}, the closer one, over what has both"
    if all(each.interval().low > 0 for each in ahead.values()):
        return Finding(_holds(setting), ours, note)
    if any(each.interval(len(ahead)).high < 0 for each in ahead.values()):
        return Finding(_fails(setting), ours, note)
    return cannot("narrower intervals: more seeds or items", ours, note)


def _ahead_of(setting: Setting, variant: str) -> Effect:
    own = [
        cell
        for cell in setting.cells
        if cell.variant == variant
        and _genuine(cell.intermediate, cell.target)
        and not setting.uninformative(cell.target)
    ]
    if setting.literal and {cell.target for cell in own} != set(_TARGETS):
        raise _Missing(f"the variant {variant} in all nine targets")
    pairs = [(setting.score(Cell(cell.intermediate, cell.target)), setting.score(cell)) for cell in own]
    ahead = [plain.minus(other) for plain, other in pairs if plain is not None and other is not None]
    if not ahead:
        raise _Missing(f"the variant {variant} beside its plain training, above chance")
    # Some of them share a target, and so their items.
    return mean_effect(ahead, same_items=True)


def _start(claim: Claim, setting: Setting) -> Finding:
    if setting.world != REAL or setting.model != _START:
        return cannot(_START)
    starts = {row.data["digests"].get("weights") for row in setting.rows}
    plain = {cell.intermediate == "none" for cell in setting.cells}
    if None in starts or len(plain) < 2:
        raise _Missing("the weights that trainings with an intermediate task and without start from")
    note = f"different weights that trainings here start from: {len(starts)}"
    return Finding(_holds(setting) if len(starts) == 1 else _fails(setting), note=note)


def _phases(claim: Claim, setting: Setting) -> Finding:
    plain = _recipes(setting, "none")
    pairs = [
        (recipe, plain[where])
        for task in tasks.INTERMEDIATES
        if task.token != "none" and not task.control
        for where, recipe in _recipes(setting, task.token).items()
        if where in plain
    ]
    if not pairs:
        raise _Missing("trainings with an intermediate task and the same without")
    three = sum(recipe != other for recipe, other in pairs)
    note = f"{three} of {len(pairs)} trainings with an intermediate task have another recipe than without"
    return Finding(_holds(setting) if three == len(pairs) else _fails(setting), note=note)


def _nine(claim: Claim, setting: Setting) -> Finding:
    recipes = {name: _recipes(setting, name) for name in nine()}
    missing = [name for name, found in recipes.items() if not found]
    if missing:
        raise _Missing(f"trainings after {_named(missing)}")
    places = {where for found in recipes.values() for where in found}
    different = all(_distinct([found[where] for found in recipes.values() if where in found]) for where in places)
    note = f"recipes after {len(recipes)} intermediate tasks, {'all different' if different else 'some alike'}"
    return Finding(_holds(setting) if different else _fails(setting), note=note)


def _recipes(setting: Setting, intermediate: str) -> dict[tuple[str, int], str]:
    """Return the recipe's digest of every training after `intermediate`, by target and seed, retrieval left out."""
    return {
        (cell.target, row.condition.seed): str(row.data["digests"].get("recipe"))
        for cell in setting.cells
        if cell.intermediate == intermediate and not cell.variant and tasks.target(cell.target).trains
        for row in setting.rows_of(cell)
    }


def _distinct(values: Sequence[str]) -> bool:
    return len(set(values)) == len(values)


def _average_gain(setting: Setting, intermediate: str) -> Effect:
    gains = _gains(setting, [Cell(intermediate, target) for target in _TARGETS])
    return mean_effect(list(gains.values()), same_items=False)


def _genuine(intermediate: str, target: str) -> bool:
    return target not in tasks.intermediate(intermediate).contaminated


def _genuine_gain(setting: Setting, target: str) -> Effect:
    """Return the mean gain in one target over those of the nine that do not hold its data."""
    gains = _gains(setting, [Cell(name, target) for name in nine() if _genuine(name, target)])
    return mean_effect(list(gains.values()), same_items=True)


def _gains(setting: Setting, cells: Sequence[Cell]) -> dict[Cell, Effect]:
    """Return the gain of every cell; raises _Missing, naming what is, unless all are there and above chance."""
    gains = {cell: setting.gain(cell) for cell in cells}
    missing = [cell for cell, gain in gains.items() if gain is None]
    if missing:
        without, after = {each.target for each in missing}, {each.intermediate for each in missing}
        targets = [target for target in _TARGETS if target in without]
        raise _Missing(f"{_named(targets)} in all languages, with none and {_named(_in_order(after))}")
    chance = [t for t in _TARGETS if any(cell.target == t for cell in cells) and setting.uninformative(t)]
    if chance:
        raise _Missing(f"a model above chance in {_named(chance)}")
    return {cell: gain for cell, gain in gains.items() if gain is not None}


def _in_order(names: set[str]) -> list[str]:
    return [task.token for task in tasks.INTERMEDIATES if task.token in names]


def _named(names: Sequence[str]) -> str:
    return f"{len(names)} tasks" if len(names) > 4 else " ".join(names)


def _several_seeds(effects: Sequence[Effect]) -> None:
    if len(set.intersection(*(set(each.by_seed) for each in effects))) < 2:
        raise _Missing("at least 2 seeds in every cell")


def _by_figure(claim: Claim, setting: Setting, effect: Effect, how: str = "") -> Finding:
    """Hold a mean gain to the claim's figure where it is meant literally, elsewhere to its sign alone."""
    if not effect.seeds:
        raise _Missing("the same seeds in every cell")
    count = len(effect.seeds)
    ours, note = effect.interval(), f"{count} seed{'s' * (count > 1)}{how}"
    if count < 2:
        return cannot("at least 2 seeds", ours, note)
    assert claim.figure is not None, "a claim by figure has one"
    low, high = ours.low, ours.high
    if setting.literal and not low <= claim.figure / 100 <= high:
        size = "a gain, not of that size" if low > 0 else "no such gain"
        return Finding(CONTRADICTED, ours, f"{note}; {size}")
    if low > 0:
        return Finding(_holds(setting), ours, note)
    if high < 0:
        return Finding(_fails(setting), ours, note)
    return cannot("a narrower interval: more seeds or items", ours, note)


def _holds(setting: Setting) -> str:
    return SUPPORTED if setting.literal else AGREES


def _fails(setting: Setting) -> str:
    return CONTRADICTED if setting.literal else DISAGREES


_CHECKS: Mapping[str, Callable[[Claim, Setting], Finding]] = {
    "squad": _squad,
    "multi": _multi,
    "retrieval": _retrieval,
    "tydiqa_xnli": _tydiqa_xnli,
    "xtreme": _xtreme,
    "alternatives": _alternatives,
    "start": _start,
    "phases": _phases,
    "nine": _nine,
}
