"""The table in docs/worlds.md is made of published rows: `python -m tests.worlds_accuracy` writes it again."""

import statistics
from collections import defaultdict
from functools import cache
from pathlib import Path

from bench.data.artificial import describe, language_tokens
from bench.report.by_language import over_seeds
from bench.report.directory import read_results
from tests.generated_parts import with_part

ROOT = Path(__file__).parents[1]
# Worlds 0 to 2, and 3 and 4.
PUBLISHED = [ROOT / "reports" / "published" / name for name in ("pocket-worlds", "2026-12-01-pocket-five")]
BEGIN, END = "<!-- accuracies: python -m tests.worlds_accuracy -->\n", "<!-- end of accuracies -->\n"
MODELS = ("pocket_xs", "pocket_s", "pocket_m", "pocket_l")


@cache
def cells():
    """Return {(model, language): rows of all seeds} of the published rows without an intermediate task or map."""
    rows, _ = read_results(*PUBLISHED)
    found = defaultdict(list)
    for row in rows:
        if (row.recalibration, row.condition.intermediate, row.condition.variant) == ("none", "none", ""):
            found[row.condition.model, row.condition.language].append(row)
    return found


def accuracy(rows):
    """Return the mean accuracy over seeds, and the lower end of its 95 % interval over items and seeds."""
    estimate = over_seeds(rows, lambda row: row.metric("accuracy"))
    return estimate.value, estimate.low


def plentiful(world):
    """Return the target languages with plenty of data that are no controls."""
    tokens = [describe(token) for token in language_tokens(world)]
    return [facts.token for facts in tokens if facts.data == "plenty" and not facts.control]


def scarcity(found, model, world):
    """Return the mean accuracy of a world's plentiful languages that have a scarce twin, minus that of the twins."""
    twins = [token for token in language_tokens(world) if token.endswith("_lo")]
    pairs = [
        (accuracy(found[model, token.removesuffix("_lo")])[0], accuracy(found[model, token])[0]) for token in twins
    ]
    return statistics.fmean(plenty - scarce for plenty, scarce in pairs)


def table():
    """Return the Markdown table: a line a world and language, a column a model."""
    found = cells()
    lines = ["| language | about | " + " | ".join(MODELS) + " |", "|---|---|" + "---:|" * len(MODELS)]
    for world in sorted({describe(token).world for _, token in found}):
        for token in language_tokens(world):
            values = [cell(found[model, token]) for model in MODELS]
            lines.append(f"| {token} | {describe(token).role} | " + " | ".join(values) + " |")
        gaps = [f"{100 * scarcity(found, model, world):+.1f}" for model in MODELS]
        lines.append(f"| w{world} | plentiful minus scarce | " + " | ".join(gaps) + " |")
    return "".join(f"{line}\n" for line in lines)


def cell(rows):
    """Return mean and lower end in percent, with a star where any seed is at chance."""
    mean, low = accuracy(rows)
    mark = "*" if any("at_chance" in row.flags for row in rows) else ""
    return f"{100 * mean:.1f} ({100 * low:.1f}){mark}"


def with_table(page):
    """Return `page` with the table between its marks."""
    return with_part(page, BEGIN, END, table())


if __name__ == "__main__":
    path = ROOT / "docs" / "worlds.md"
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
