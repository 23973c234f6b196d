"""docs/simulations.md: what each part of it is made of."""

from datetime import date
from pathlib import Path

from tabulate import tabulate

from tests.generated_parts import with_part
from tests.simulations.calibration_null import DRAWS, ITEMS, floors, p_values
from tests.simulations.coverage import CONDITIONS, NAMES, NORMAL_RATIOS, coverage, normal, plug_in
from tests.simulations.known_truth import ESTIMATORS, estimators
from tests.simulations.populations import NO_EFFECT, truth
from tests.simulations.published_rows import comparisons
from tests.simulations.temperatures import temperatures
from tests.simulations.verdicts import verdict_rates

PAGE = Path(__file__).parents[2] / "docs" / "simulations.md"
SIMULATIONS = 2000
# Of the estimators, of which a bias and not a tail is wanted.
FEWER = 200
SEED = 0
LEAST, MOST = 0.93, 0.97


def coverage_part(cells=None):
    """Return the coverage of the library's intervals."""
    cells = coverage(SIMULATIONS, seed=SEED) if cells is None else cells
    rows = {}
    for cell in cells:
        key = cell.groups, cell.seeds, f"{cell.aimed:g}" if cell.aimed else "none", cell.of
        rows.setdefault(key, {})[cell.metric] = _share(cell)
    lines = [[*key, *(row[name] for name in NAMES)] for key, row in rows.items()]
    errors = [f"{100 * truth(each, NO_EFFECT)['ece15']:.1f}" for each in CONDITIONS]
    outside = sum(not LEAST <= cell.coverage <= MOST for cell in cells)
    facts = (
        f"{_run(SIMULATIONS)} {len(cells) - outside} of {len(cells)} cells are within 93 to 97 %, the others bold.\n"
        f"Without a seed effect the true ECE of target and source is {errors[0]} and {errors[1]} points, "
        f"without the intermediate task {errors[2]} and {errors[3]}.\n\n"
    )
    return facts + _table(lines, ["groups", "seeds", "effect of seeds", "of", *NAMES])


def _share(cell):
    text = _bold(cell.coverage)
    return f"{text} ({cell.ratio:.1f})" if cell.aimed else text


def _bold(share):
    text = f"{100 * share:.1f}"
    return text if LEAST <= share <= MOST else f"**{text}**"


def normal_part(found=None):
    """Return the coverage of the interval over seeds for normal numbers."""
    found = normal(SIMULATIONS, seed=SEED) if found is None else found
    rows = {}
    for each in found:
        rows.setdefault(each.seeds, {})[each.ratio] = _bold(each.coverage)
    lines = [[seeds, *(row[ratio] for ratio in NORMAL_RATIOS)] for seeds, row in rows.items()]
    return f"{_run(SIMULATIONS)}\n\n" + _table(lines, ["seeds", *(f"ratio {ratio:g}" for ratio in NORMAL_RATIOS)])


def plug_in_part(found=None):
    """Return the coverage of four intervals of the plug-in ECE."""
    found = plug_in(SIMULATIONS, seed=SEED) if found is None else found
    kinds = list(found[0].held)
    lines = [
        [
            each.groups,
            each.population,
            _points(each.truth),
            _points(each.mean),
            *(f"{100 * each.held[kind]:.1f}" for kind in kinds),
            f"{100 * each.undefined:.1f}",
        ]
        for each in found
    ]
    headers = ["groups", "population", "true ECE", "mean plug-in", *kinds, "BC undefined"]
    return f"{_run(SIMULATIONS)}\n\n" + _table(lines, headers)


def p_values_part(found=None):
    """Return how p-values are distributed under calibration."""
    found = p_values(SIMULATIONS, seed=SEED) if found is None else found
    lines = [[each.test, f"{each.distance:.3f}", f"{100 * each.share:.1f}"] for each in found]
    facts = f"{_run(SIMULATIONS)} {ITEMS} items, {DRAWS} draws a test.\n\n"
    return facts + _table(lines, ["test", "Kolmogorov distance from uniform", "% of p <= .05"])


def floors_part(found=None):
    """Return the means of estimators under calibration: the squared error with its standard error, then the floors."""
    found = floors(SIMULATIONS, seed=SEED) if found is None else found
    by = {(each.n, each.estimator): each for each in found}
    sizes = list(dict.fromkeys(each.n for each in found))
    squares = [
        [
            n,
            f"{1e6 * by[n, 'l2sq15'].mean:+.1f}",
            f"{1e6 * by[n, 'l2sq15'].error:.1f}",
            f"{1e6 * by[n, 'expected l2sq15'].mean:+.1f}",
        ]
        for n in sizes
    ]
    names = [name for size, name in by if size == sizes[0] and "l2sq15" not in name]
    lines = [[n, *(f"{_points(by[n, name].mean)} [{_points(by[n, name].high)}]" for name in names)] for n in sizes]
    headers = ["n", "mean of l2sq15 (1e-6)", "its standard error", "expected, given the confidences"]
    return f"{_run(SIMULATIONS)}\n\n" + _table(squares, headers) + "\n" + _table(lines, ["n", *names])


def temperature_part(found=None):
    """Return how far the fitted temperature is from the optimum."""
    found = temperatures(SEED) if found is None else found
    lines = [[each.case, each.items, f"{each.fitted:.6g}", f"{each.best:.6g}", f"{each.gap:.0e}"] for each in found]
    facts = f"One data set a case, seed {SEED}, run of {date.today()}.\n\n"
    return facts + _table(lines, ["data", "items", "fitted T", "best T by brute force", "NLL above the best"])


def estimators_part(found=None):
    """Return bias and RMSE of the estimators."""
    found = estimators(FEWER, seed=SEED) if found is None else found
    names = [*ESTIMATORS, "excess"]
    rows = {}
    for each in found:
        text = f"{100 * each.bias:+.2f} ({100 * each.rmse:.2f})"
        rows.setdefault((each.curve, f"{100 * each.error:g}", each.n), {})[each.estimator] = text
    lines = [[*key, *(row[name] for name in names)] for key, row in rows.items()]
    return f"{_run(FEWER)}\n\n" + _table(lines, ["curve", "true error", "n", *names])


def rows_part(found=None):
    """Return how the estimators compare with the truth in the published rows."""
    found = comparisons() if found is None else found
    lines = [
        [
            each.recalibration,
            each.truth,
            each.estimator,
            each.cells,
            _points(each.mean),
            f"{100 * each.difference:+.2f}",
            f"{each.correlation:.3f}",
        ]
        for each in found
    ]
    headers = ["recalibration", "truth", "estimator", "cells", "mean", "minus truth", "rank correlation"]
    return _table(lines, headers)


def verdicts_part(found=None):
    """Return how often the confirmatory tests come to which verdict."""
    found = verdict_rates(SIMULATIONS, seed=SEED) if found is None else found
    lines = [
        [
            each.design,
            f"{100 * each.change:g}",
            *(
                f"{100 * share:.1f}"
                for share in (each.supported, each.contradicted, each.nothing, each.undecided, each.wrong)
            ),
        ]
        for each in found
    ]
    headers = ["a test rests on", "true change", "supported", "contradicted", "nothing", "undecided", "family wrong"]
    return f"{_run(SIMULATIONS)}\n\n" + _table(lines, headers)


PARTS = {
    "coverage": coverage_part,
    "normal": normal_part,
    "plug-in": plug_in_part,
    "p": p_values_part,
    "floors": floors_part,
    "temperature": temperature_part,
    "estimators": estimators_part,
    "rows": rows_part,
    "verdicts": verdicts_part,
}


def with_simulations(page, parts):
    """Return `page` with each of `parts`, texts by name, between its marks."""
    for name, text in parts.items():
        page = with_part(
            page, f"<!-- {name}: python -m tests.simulations {name} -->\n", f"<!-- end of {name} -->\n", text
        )
    return page


def _run(simulations):
    return f"{simulations:,} simulations, seed {SEED}, run of {date.today()}."


def _points(share):
    return f"{100 * share:.2f}"


def _table(lines, headers):
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True) + "\n"
