"""The tables of docs/gate.md: `python -m tests.gate_tables` simulates, compares and writes them again."""

from dataclasses import replace
from pathlib import Path

from bench.gate.baseline import read_baseline
from bench.gate.compare import SAME, WORSE, compare
from bench.gate.measured import RATES
from bench.gate.verdict import GATED
from tests.generated_parts import with_part
from tests.simulations.gate_power import power

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gate.md"
RETRAINED = ROOT / "reports" / "published" / "gate-retrained" / "pocket_xs.jsonl"
SIMULATIONS, PAIRS, SEEDS = 200, 20, 3


def retrained_pairs():
    """Return twenty comparisons of three really trained seeds with three others, of one model and recipe."""
    conditions = list(read_baseline(RETRAINED).conditions.values())
    sides = [
        [replace(one, recipe=f"{one.recipe} {place}") for one in conditions if one.condition.seed // SEEDS == place]
        for place in range(2 * PAIRS)
    ]
    return [compare(old, new) for old, new in zip(sides[::2], sides[1::2], strict=True)]


def retrained_part():
    """Return the verdicts on pairs between which nothing changed but the seeds."""
    compared = [one for pair in retrained_pairs() for one in pair]
    tested = [each for one in compared for each in one.tested if each.name not in RATES]
    lines = []
    for name in dict.fromkeys(each.name for each in tested):
        found = [each for each in tested if each.name == name]
        unit = 100 if name in ("score", "gap") else 1
        changes = sorted(unit * abs(each.new - each.old) for each in found)
        detectable = sorted(unit * each.detectable for each in found)
        counts = [sum(each.verdict == verdict for each in found) for verdict in (WORSE, "better", SAME)]
        least = f"{min(each.p for each in found):.3f}"
        shown = [f"{changes[len(changes) // 2]:.3g}", f"{changes[-1]:.3g}", f"{detectable[len(detectable) // 2]:.3g}"]
        lines.append([name, *map(str, counts), least, *shown])
    headers = ["quantity", "worse", "better", "indistinguishable", "least p", "median change", "largest", "detectable"]
    alarms = sum(WORSE in map(one.verdict, GATED) for one in compared)
    said = f"{len(compared)} pairs of {SEEDS} and {SEEDS} trainings of `pocket_xs`: {alarms} false alarms.\n\n"
    return said + _table(headers, lines)


def power_part(cells=None):
    """Return how often a loss in all languages is called worse."""
    cells = power(SIMULATIONS) if cells is None else cells
    losses = sorted({cell.loss for cell in cells})
    lines = [
        [str(seeds), f"{deviation:g}", f"{at[0.0].spread:.2f}", *(f"{100 * at[loss].worse:.1f}" for loss in losses)]
        for (seeds, deviation), at in _rows(cells).items()
    ]
    headers = ["seeds", "own deviation of a seed", "of its mean, as measured", *(f"loss {loss:g}" for loss in losses)]
    return f"{SIMULATIONS} simulations a cell.\n\n" + _table(headers, lines)


def _rows(cells):
    rows = {}
    for cell in cells:
        rows.setdefault((cell.seeds, cell.deviation), {})[cell.loss] = cell
    return rows


def _table(headers, lines):
    rows = [headers, ["---", *["---:"] * (len(headers) - 1)], *lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def marks(name):
    """Return the marks around a part of the page."""
    return f"<!-- {name}: python -m tests.gate_tables -->\n", f"<!-- end of {name} -->\n"


def main():
    """Write both tables."""
    for name, part in (("retrained", retrained_part()), ("power", power_part())):
        page = with_part(PAGE.read_text(encoding="utf-8"), *marks(name), part)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
