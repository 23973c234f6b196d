"""The figures of docs/reliability.md: `python -m tests.reliability_table KILLS.json` damages, counts and writes them.

KILLS.json is what `python -m tests.reliability.kill_harness KILLS.json` has written, a hundred killed cases.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.generated_parts import with_part
from tests.reliability.kill_harness import STAGES

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_COMMAND = "python -m tests.reliability_table KILLS.json"
KILL_MARKS = f"<!-- kills: {_COMMAND} -->\n", "<!-- end of kills -->\n"
DAMAGE_MARKS = f"<!-- damage: {_COMMAND} -->\n", "<!-- end of damage -->\n"


def kill_table(trials, operations):
    """Return the Markdown of `trials` (plain values) and of the `operations` (Aftermath) of the small case."""
    hit = Counter(stage for trial in trials for stage in trial["hit"])
    twice = sum(len(trial["hit"]) > 1 for trial in trials)
    sound = sum(not trial["problems"] for trial in trials)
    resumed = [trial["resumed"] for trial in trials if trial["resumed"]]
    whole = max(found for trial in trials for found in trial["published"])
    between = sum(0 < found < whole for trial in trials for found in trial["published"])
    lines = [
        ["killed in", *STAGES, "all"],
        ["---", *["---:"] * (len(STAGES) + 1)],
        ["times", *(str(hit[stage]) for stage in STAGES), str(hit.total())],
    ]
    said = (
        f"\n{sound} of {len(trials)} killed cases ended in the bytes of an unbroken one, with no half artefact or line "
        f"in sight after any of {hit.total()} kills ({twice} cases were killed twice). In {between} looks some "
        f"artefacts were there and others not. {sum(resumed)} trainings "
        f"in {len(resumed)} cases went on from a snapshot.\n\n"
        f"Killed before each of the {len(operations)} file operations of publishing an artefact, rows and ledger: "
        f"{sum(not each.wrong for each in operations)} of {len(operations)} left nothing half, and "
        f"{sum(not each.left for each in operations)} of {len(operations)} reruns left nothing behind.\n"
    )
    return _rows(lines) + said


def damage_table(counts):
    """Return the Markdown of {damage: {kind: (whole outcomes, cases)}}."""
    kinds = list(next(iter(counts.values())))
    lines = [["damage", *kinds, "all"], ["---", *["---:"] * (len(kinds) + 1)]]
    for damage, by_kind in counts.items():
        pairs = [by_kind[kind] for kind in kinds]
        total = tuple(map(sum, zip(*pairs, strict=True)))
        lines.append([damage, *(f"{good} of {tried}" if tried else "–" for good, tried in [*pairs, total])])
    return _rows(lines)


def damage_counts(directory):
    """Damage every file of every kind, once found and once asked for, and count where all was as it should be."""
    from tests.reliability.test_corruption import CASES, DAMAGES, FILES, Outcome, outcome, write_stores

    store, _ = write_stores(directory / "sound")
    found = {words(damage): {kind: [] for kind in FILES} for damage in DAMAGES}
    for number, (damage, kind, name) in enumerate(CASES):
        for by_find in (True, False):
            place = directory / f"{number}-{by_find}"
            good = outcome(store, damage, kind, name, place, by_find) == Outcome(True, True, True, True)
            found[words(damage)][kind].append(good)
    return {
        damage: {kind: (sum(goods), len(goods)) for kind, goods in by_kind.items()} for damage, by_kind in found.items()
    }


def words(damage):
    """Return what a damage is called on the page."""
    return damage.__name__.replace("_", " ")


def _rows(lines):
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main(kills):
    """Write both tables into the page."""
    from tests.reliability.test_kill import aftermaths_in

    trials = json.loads(Path(kills).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory:
        operations = aftermaths_in(Path(directory) / "case")
        counts = damage_counts(Path(directory))
    page = with_part(PAGE.read_text(encoding="utf-8"), *KILL_MARKS, kill_table(trials, operations))
    PAGE.write_text(with_part(page, *DAMAGE_MARKS, damage_table(counts)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
