"""The exploratory tables of the answer: factors of the worlds, label noise, recalibration, and morphology."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from bench.report.answer_tables import estimate_cell, p_cell
from bench.report.cells import Format, points, signed_nats, signed_points, signed_square_points, square_points
from bench.report.chosen_rates import ChosenRates, chosen_rates
from bench.report.label_noise import RATES, Explained, label_noise
from bench.report.matched_sizes import Climb, traced_tasks
from bench.report.morphology import FEW_FEATURES, Described, morphology
from bench.report.settings import Setting
from bench.report.size_tests import Family
from bench.report.tables import MISSING, escaped, markdown_table
from bench.report.temperature_share import Degradation, Removed, temperature_shares
from bench.report.variant_effects import VariantEffect, variant_effects
from bench.report.world_factors import Factor, world_factors
from bench.statistics.regression import Slope

_FACTORS = (
    "#### Factors, between worlds\n\nTransfer of the gap in points, after the genuine intermediate tasks: kinds of "
    "language that differ in the one factor that a row names; 95 % with the world as unit. The last two rows, which "
    "part distance from richness, take the worlds of either source for a group each, and so have a degree of freedom "
    "less. The change is over all sizes of the ladder."
)
_CLIMBS = (
    "#### Neighbouring sizes at equal accuracy\n\nThe gap of the larger less that of the smaller, mean over rich "
    "languages and the genuine intermediate tasks with readings on the way ({tasks}), in points; 95 % over items and "
    "seeds where predictions are stored. The better of the two is taken back to the last step at which it was as "
    "accurate as the other at its best. A dash: no seed in which all languages of a step meet."
)
# Of more tasks the number is given; the heading of the ladder names them.
_NAMED = 3
# A table of four sizes and five worlds lacks thirty steps at most.
_REASONS = 6
_NOISE = (
    "#### Label noise\n\nTranslated target text inherits English labels, so wrong labels look like over-confidence. "
    "Mean transfer of the gap to rich languages, in points, that is left if so many of the target labels are wrong, "
    "and the rate that would explain all of it."
)
_SHARES = (
    "#### What recalibration removes\n\nTransfer is the mean over target languages of the size of their transfer of "
    "the gap, in points: languages on either side of 0 do not cancel, and the noise of items and seeds alone leaves "
    "some tenths. Removed is the share of it that goes (negative: some is added; a dash: less than a point was there). "
    "Beside it squared debiased L2 of the target languages themselves, in squared points, and the signed gap of the "
    "source. `ts_en` is a temperature fitted on source-language data, `pool` on all languages, `target` on the "
    "language itself, `few16` on 16 items of it; all but the first are not zero-shot."
)
_VARIANTS = (
    "#### Variants of training\n\nThe variant minus the plain training of the same models, tasks and seeds, mean over "
    "target languages: the gap in points, NLL in nats, debiased L2 in squared points, and the transfer of the gap; "
    "95 % over items and seeds, with several worlds between these. p is that of NLL, the other intervals are not "
    "corrected for how many there are. A variant whose confidence is on no scale is compared after `ts_en` in both. "
    "He et al. 2023 predict that continued masked language modelling (`mlm`) helps calibration; with a new head "
    "(`new_masked_head`) it is no continuation, and no test of that."
)
_RATES = (
    "#### Learning rates chosen\n\nOf the trainings with a tuned rate (`--variants plain,tuned`): in how many of "
    "them, over seeds and worlds, each rate was best on the source's development data."
)
_MORPHOLOGY = (
    "#### Morphology of the 14 target languages (descriptive)\n\nLeast squares of the transfer of the gap on C_WALS "
    "and the logarithm of CC-100 size, in points for one standard deviation; 14 points of few families, in which "
    "morphology, data, script and distance go together, so no effect of morphology is to be read off. Errors are "
    "clustered by family; p is by permutation. C_WALS rests on few features in "
    + ", ".join(f"{token} ({count})" for token, count in FEW_FEATURES.items())
    + "."
)


def factor_parts(family: Family) -> list[str]:
    """Return the titled table of the worlds' factors, empty for real data and where no two worlds have any."""
    return [] if family.real else _titled(_FACTORS, _factors(family.models, world_factors(family)))


def climb_parts(family: Family, found: Sequence[Climb]) -> list[str]:
    """Return the titled table of neighbouring sizes at equal accuracy, empty where no training was read on its way."""
    if not found:
        return []
    apart = list(dict.fromkeys(reason for climb in found for reason in climb.apart))
    shown = "; ".join(apart[:_REASONS]) + (f"; and {len(apart) - _REASONS} more" if len(apart) > _REASONS else "")
    steps = [f"{small} to {large}" for small, large in pairwise(family.models)]
    table = markdown_table(["equal in", "world", *steps, "all"], [_climb(climb) for climb in found], left=2)
    return [
        _CLIMBS.format(tasks=", ".join(traced_tasks(family))),
        table,
        *([f"Missing: {escaped(shown)}."] if apart else []),
    ]


def _climb(climb: Climb) -> list[str]:
    means = [*climb.steps, climb.whole]
    return [
        climb.equal,
        climb.world,
        *(MISSING if each is None else estimate_cell(each.estimate, each.item_only) for each in means),
    ]


def setting_parts(setting: Setting) -> list[str]:
    """Return titled tables of all models, on a ladder or not, each only where its data are there."""
    parts = []
    if setting.real:
        parts += _titled(_NOISE, _noise(label_noise(setting.worlds[0], setting.models)))
        parts += _titled(_MORPHOLOGY, _morphology(morphology(setting.worlds[0], setting.models)))
    parts += _titled(_SHARES, _shares(temperature_shares(setting)))
    parts += _titled(_VARIANTS, _variants(variant_effects(setting)))
    return parts + _titled(_RATES, _rates(chosen_rates(setting)))


def _titled(title: str, table: str) -> list[str]:
    return [title, table] if table else []


def _factors(models: Sequence[str], found: Sequence[Factor]) -> str:
    rows = [
        [one.title, *(estimate_cell(one.at.get(model)) for model in models), estimate_cell(one.change), p_cell(one.p)]
        for one in found
    ]
    return markdown_table(["factor", *models, "change", "p (BH)"], rows, left=1) if rows else ""


def _noise(found: Sequence[Explained]) -> str:
    rows = [
        [one.model, one.intermediate, *(signed_points(each) for each in one.left), _rate(one.rate)] for one in found
    ]
    headers = ["model", "intermediate", *(f"{100 * rate:.0f} % wrong" for rate in RATES), "explained at"]
    return markdown_table(headers, rows, left=2) if rows else ""


def _rates(found: Sequence[ChosenRates]) -> str:
    rates = sorted({rate for one in found for rate in one.kept})
    rows = [[one.model, one.training, *(str(one.kept.get(rate, MISSING)) for rate in rates)] for one in found]
    return markdown_table(["model", "training", *(f"{rate:g}" for rate in rates)], rows, left=2) if rows else ""


def _rate(rate: float) -> str:
    return "no rate" if math.isnan(rate) else "nothing to explain" if rate == 0 else f"{100 * rate:.1f} %"


def _shares(found: Sequence[Removed]) -> str:
    headers = ["model", "intermediate", "recalibration", "worlds", "transfer", "after", "removed"]
    headers += ["L2²", "after", "source gap", "after"]
    return markdown_table(headers, [_removed(one) for one in found], left=3) if found else ""


def _removed(one: Removed) -> list[str]:
    before, after = one.before, one.after
    share = MISSING if one.share is None else f"{100 * one.share:.0f} %"
    transfer = [points(before.transfer), points(after.transfer), share]
    beside = [form(value) for form, value in _beside(before, after)]
    return [one.model, one.intermediate, one.recalibration, str(one.worlds), *transfer, *beside]


def _beside(before: Degradation, after: Degradation) -> list[tuple[Format, float]]:
    errors = [(square_points, one.l2) for one in (before, after)]
    return [*errors, *((signed_points, one.source_gap) for one in (before, after))]


def _morphology(found: Sequence[Described]) -> str:
    headers = ["model", "intermediate", "predictor", "slope", "error", "p", "one language out", "one family out"]
    rows = [[one.model, one.intermediate, *_slope(slope)] for one in found for slope in one.slopes]
    return markdown_table([*headers, "inflation", "detectable"], rows, left=3) if rows else ""


def _slope(slope: Slope) -> list[str]:
    ranges = [
        f"{signed_points(low)} to {signed_points(high)}" for low, high in (slope.without_language, slope.without_family)
    ]
    error, detectable = (f"{100 * each:.1f}" for each in (slope.error, slope.detectable))
    return [
        slope.name,
        signed_points(slope.value),
        error,
        p_cell(slope.p),
        *ranges,
        f"{slope.inflation:.2f}",
        detectable,
    ]


def _variants(found: Sequence[VariantEffect]) -> str:
    headers = ["model", "variant", "after", "both", "worlds", "gap", "NLL", "L2²", "transfer of the gap", "p (BH)"]
    return markdown_table(headers, [_variant(one) for one in found], left=3) if found else ""


def _variant(one: VariantEffect) -> list[str]:
    forms = (signed_points, signed_nats, signed_square_points, signed_points)
    cells = [estimate_cell(each, form=form) for each, form in zip(one.estimates, forms, strict=True)]
    after = ", ".join(one.tasks) if len(one.tasks) <= _NAMED else f"{len(one.tasks)} genuine ones"
    both = "as they are" if one.recalibration == "none" else one.recalibration
    return [one.model, one.variant, after, both, str(one.worlds), *cells, p_cell(one.p)]
